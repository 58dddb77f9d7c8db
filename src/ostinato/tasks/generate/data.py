"""What a generator learns from: one long text, or many sequences, each perhaps with a condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.batch import Batch
from ostinato.data.items import as_items
from ostinato.data.padding import RaggedBatches, length_buckets
from ostinato.data.stream import Stream
from ostinato.data.text import Tokenizer
from ostinato.data.vocabulary import END, START
from ostinato.errors import DataError

STEPS = 128
MOST_COLUMNS = 16
FEWEST_UPDATES = 20
"""Pieces of an epoch at least, so that short texts are read in fewer columns."""
ROWS = 32


@dataclass(frozen=True)
class Texts:
    """Texts, and the condition of each.

    Attributes:
        texts: one long text, or sequences.
        conditions: one for each sequence; None without.
        whole: whether there is one long text, which has no end, rather than sequences.
    """

    texts: tuple[str, ...]
    conditions: tuple[str, ...] | None = None
    whole: bool = False

    @classmethod
    def of(cls, X: Any, conditions: Any = None) -> Texts:
        """Check what a person gives.

        Args:
            X: a string for one long text, or strings for sequences.
            conditions: one for each sequence.

        Raises:
            DataError: something is no text, or nothing is there, or conditions do not fit.
        """
        if isinstance(X, str):
            if conditions is not None:
                raise DataError(
                    "one long text has no conditions; give a list of sequences, or leave conditions out"
                )
            if not X:
                raise DataError("the text is empty; give at least two tokens")
            return cls((X,), None, True)
        texts = tuple(as_items(X))
        for place, text in enumerate(texts):
            if not isinstance(text, str):
                raise DataError(
                    f"sequence {place} is {text!r}, not a text; leave it out or replace it by one"
                )
        if not texts:
            raise DataError("there are no sequences; give at least one")
        if conditions is None:
            return cls(texts)
        named = tuple(map(str, conditions))
        if len(named) != len(texts):
            raise DataError(
                f"there are {len(texts)} sequences and {len(named)} conditions; give one for each"
            )
        return cls(texts, named)

    @property
    def characters(self) -> int:
        """Characters to predict, the end of each sequence counting as one."""
        return sum(map(len, self.texts)) + (0 if self.whole else len(self.texts))

    def split(self, seed: int) -> tuple[Texts, Texts]:
        """Set a tenth apart: the end of a long text, or sequences drawn at random.

        Raises:
            DataError: there is too little.
        """
        if self.whole:
            (text,) = self.texts
            cut = int(0.9 * len(text))
            if len(text) - cut < 2:
                raise DataError(
                    f"the text has {len(text)} characters, too few to set a tenth apart for judging; give more text, "
                    "or validation data"
                )
            return replace(self, texts=(text[:cut],)), replace(self, texts=(text[cut:],))
        if len(self.texts) < 2:
            raise DataError(
                "there is one sequence, and one must be set apart for judging; give more, or validation data"
            )
        order = np.random.default_rng(seed).permutation(len(self.texts))
        cut = len(order) - max(1, len(order) // 10)
        return self._take(np.sort(order[:cut])), self._take(np.sort(order[cut:]))

    def _take(self, places: NDArray[np.int64]) -> Texts:
        conditions = None if self.conditions is None else tuple(self.conditions[place] for place in places)
        return Texts(tuple(self.texts[place] for place in places), conditions, self.whole)

    def sequences(self, tokenizer: Tokenizer) -> list[list[str]]:
        """Tokens to predict of each text, unknown ones as `<unk>`; sequences end with `</s>`."""
        end = [] if self.whole else [END]
        known = tokenizer.vocabulary
        return [[*known.decode(tokenizer.encode(text)), *end] for text in self.texts]


class Source:
    """Batches of some texts, for the training loop: a stream, or sequences padded to about equal lengths.

    Args:
        texts: what to read.
        tokenizer: from text to numbers.
        conditions: the known conditions in order.
        seed: seed of the order; None to judge, with every token a target once.
    """

    def __init__(
        self, texts: Texts, tokenizer: Tokenizer, conditions: Sequence[str], *, seed: int | None
    ) -> None:
        numbers = tokenizer.vocabulary.numbers
        encoded = [tokenizer.encode(text) for text in texts.texts]
        self.seed = seed
        self.stream: Stream | None = None
        if texts.whole:
            columns = min(max(len(encoded[0]) // (STEPS * FEWEST_UPDATES), 1), MOST_COLUMNS)
            self.stream = Stream(encoded[0], columns=columns, steps=STEPS, seed=seed)
            return
        places = {name: place for place, name in enumerate(conditions)}
        self.conditions = (
            None if texts.conditions is None else np.array([places[name] for name in texts.conditions])
        )
        self.rows = RaggedBatches(
            [[numbers[START], *tokens] for tokens in encoded],
            [[*tokens, numbers[END]] for tokens in encoded],
            batch_size=ROWS,
            seed=seed,
        )

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        return len(self.rows if self.stream is None else self.stream)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, from 0."""
        if self.stream is not None:
            yield from self.stream.epoch(number)
            return
        for _, batch in self.placed(number):
            yield batch

    def placed(self, number: int) -> Iterator[tuple[NDArray[np.int64], Batch]]:
        """Yield the batches of sequences, each with the places of its rows."""
        rng = None if self.seed is None else np.random.default_rng([self.seed, number])
        for index in length_buckets(self.rows.lengths, ROWS, rng):
            batch = self.rows.batch(index)
            if self.conditions is not None:
                import torch

                extra = {"conditions": torch.from_numpy(self.conditions[index])}
                batch = replace(batch, rows={**batch.rows, **extra})
            yield index, batch
