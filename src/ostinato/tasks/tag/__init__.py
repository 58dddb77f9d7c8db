"""A tag for each word: the SequenceTagger and the job behind `ostinato tag`."""
