"""Sequences to classes: the SequenceClassifier and the job behind `ostinato classify`."""
