"""The weights of the pretrained forecaster, and its model card."""
