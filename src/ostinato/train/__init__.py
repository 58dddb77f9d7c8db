"""Finding the weights: the training loop, its settings and its files. Importing this package is cheap."""
