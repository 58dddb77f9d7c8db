"""Sequences to sequences: the SequenceTranslator and the job behind `ostinato translate`."""
