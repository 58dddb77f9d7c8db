"""Vectors and images to sentences: the SequenceCaptioner and the job behind `ostinato caption`."""
