"""The pretrained networks: what they see of a past, what they say of its future, how they are trained on."""
