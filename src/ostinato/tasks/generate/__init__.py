"""Text token by token: the SequenceGenerator and the job behind `ostinato generate`."""
