"""Tokens to numbers and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ostinato.errors import ConfigError, DataError

PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<s>", "</s>"


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that a network knows; the place of each is its number.

    Attributes:
        tokens: all of them, the special ones first; 0 is always `<pad>`.

    Example:
        >>> vocabulary = Vocabulary.build([["a", "b"], ["a"]])
        >>> vocabulary.encode(["a", "z"]), vocabulary.decode([2, 1])
        ([2, 1], ['a', '<unk>'])
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.tokens or self.tokens[0] != PAD:
            raise ConfigError(f"a vocabulary begins with {PAD!r}; put it first among the special tokens")
        if len(set(self.tokens)) != len(self.tokens):
            twice = next(token for token, count in Counter(self.tokens).items() if count > 1)
            raise ConfigError(f"the token {twice!r} is in the vocabulary twice; leave one out")

    @classmethod
    def build(
        cls,
        sequences: Iterable[Iterable[str]],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        specials: Sequence[str] = (PAD, UNKNOWN),
    ) -> Vocabulary:
        """The tokens of some sequences, the most frequent first; equally frequent ones in the order of the alphabet.

        Args:
            sequences: sequences of tokens.
            min_count: how often a token must come to be known.
            max_size: tokens at most, the special ones included; no limit when None.
            specials: tokens with a meaning of their own, in this order before all others: `<pad>`, then `<unk>`, then
                `<s>` and `</s>` where sequences are generated.

        Raises:
            ConfigError: a number below 1, or specials that do not begin with `<pad>`.
        """
        if min_count < 1 or (max_size is not None and max_size < len(specials)):
            raise ConfigError(
                f"min_count is {min_count} and max_size {max_size}; use at least 1, and room for the "
                f"{len(specials)} special tokens"
            )
        counts = Counter(token for sequence in sequences for token in sequence)
        for token in specials:
            counts.pop(token, None)
        known = sorted(
            (token for token in counts if counts[token] >= min_count), key=lambda t: (-counts[t], t)
        )
        room = None if max_size is None else max_size - len(specials)
        return cls((*specials, *known[:room]))

    def __len__(self) -> int:
        """The number of tokens, the special ones included."""
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self.numbers

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each token."""
        return {token: number for number, token in enumerate(self.tokens)}

    def number(self, token: str) -> int:
        """The number of one token; that of `<unk>` if it is not known.

        Raises:
            DataError: it is not known, and the vocabulary has no `<unk>`.
        """
        return self.encode([token])[0]

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """The number of each token; unknown ones get that of `<unk>`.

        Raises:
            DataError: one is not known, and the vocabulary has no `<unk>`.
        """
        numbers, unknown = self.numbers, self.numbers.get(UNKNOWN)
        if unknown is not None:
            return [numbers.get(token, unknown) for token in tokens]
        try:
            return [numbers[token] for token in tokens]
        except KeyError as error:
            raise DataError(
                f"the token {error.args[0]!r} did not occur in training; leave it out, or train with it"
            ) from error

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The token of each number.

        Raises:
            DataError: a number is not one of this vocabulary.
        """
        try:
            return [self.tokens[number] for number in ids]
        except IndexError as error:
            raise DataError(
                f"a number is beyond the {len(self)} tokens of the vocabulary; it is of another"
            ) from error

    def to_dict(self) -> dict[str, Any]:
        """The vocabulary as plain values for JSON."""
        return {"tokens": list(self.tokens)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Vocabulary:
        """The vocabulary that `to_dict` described."""
        return cls(tuple(str(token) for token in saved["tokens"]))
