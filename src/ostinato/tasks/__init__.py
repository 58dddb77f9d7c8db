"""The tasks: where files, networks, training and judgement meet. One estimator a task."""
