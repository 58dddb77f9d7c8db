"""Text to tokens: words, characters and pieces of words."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ostinato.data.vocabulary import PAD, UNKNOWN, Vocabulary
from ostinato.errors import ConfigError, DataError

KINDS = ("word", "char", "subword")

_WORD = re.compile(
    r"\w+(?=n't\b)|n't\b|'(?:s|m|d|ll|re|ve)\b|\d+(?:[.,:]\d+)+|\w+(?:-\w+)*|[^\w\s]", re.IGNORECASE
)
_NO_SPACE_BEFORE = re.compile(r" (?=(?:n't|'(?:s|m|d|ll|re|ve))\b|[.,;:!?%)\]}…])", re.IGNORECASE)
_NO_SPACE_AFTER = re.compile(r"(?<=[(\[{]) ")


def words(text: str) -> list[str]:
    """Split text into words, numbers and marks, contractions as the Penn Treebank does.

    Args:
        text: any text, also one that is split already.

    Example:
        >>> words("It isn't well-made, is it?")
        ['It', 'is', "n't", 'well-made', ',', 'is', 'it', '?']
    """
    return _WORD.findall(text)


def characters(text: str) -> list[str]:
    """Split text into characters.

    Example:
        >>> characters("né")
        ['n', 'é']
    """
    return list(text)


def join_words(tokens: Sequence[str]) -> str:
    """Write words and marks as text again: no space before a full stop or after a bracket.

    Example:
        >>> join_words(["It", "is", "n't", "(", "yet", ")", "."])
        "It isn't (yet)."
    """
    return _NO_SPACE_AFTER.sub("", _NO_SPACE_BEFORE.sub("", " ".join(tokens)))


def spelling(token: str, *, buckets: int = 20_000, most: int = 20) -> list[int]:
    """Numbers for the pieces of a word: its runs of three, four and five characters, the ends marked.

    Args:
        token: a word.
        buckets: numbers to spread the pieces over; two pieces may share one.
        most: pieces at most, the short ones first.

    Returns:
        Numbers from 1 to `buckets`; 0 is left for padding.

    References:
        Bojanowski et al. (2017), Enriching word vectors with subword information, section 3.2.

    Example:
        >>> len(spelling("the"))  # <th the he> <the the> <the>
        6
    """
    marked = f"<{token}>"
    pieces = [marked[start : start + size] for size in (3, 4, 5) for start in range(len(marked) - size + 1)]
    return [1 + zlib.crc32(piece.encode()) % buckets for piece in pieces[:most] or [marked]]


_SPLIT: dict[str, Callable[[str], list[str]]] = {"word": words, "char": characters}


@dataclass(frozen=True)
class Tokenizer:
    """A fitted way from text to numbers and back.

    Attributes:
        kind: "word", "char" or "subword".
        vocabulary: the tokens it knows.
        lowercase: whether case is dropped first.
        merges: the byte-pair encoding as JSON of the library `tokenizers`; None for the other kinds.

    Example:
        >>> tokenizer = Tokenizer.train(["a fine film", "a film"])
        >>> tokenizer.encode("A new film"), tokenizer.decode([4, 3])
        ([2, 1, 3], 'fine film')
    """

    kind: str
    vocabulary: Vocabulary
    lowercase: bool = False
    merges: str | None = None

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        kind: str = "word",
        *,
        lowercase: bool = True,
        min_count: int = 1,
        max_size: int | None = None,
        specials: Sequence[str] = (PAD, UNKNOWN),
    ) -> Tokenizer:
        """Learn the tokens of some texts.

        Args:
            texts: the training texts.
            kind: "word", "char" or "subword" (byte-pair encoding; needs the extra `text`).
            lowercase: drop case.
            min_count: how often a token must come to be known.
            max_size: tokens at most; without a limit, 8,000 for "subword".
            specials: as for `Vocabulary.build`.

        Raises:
            ConfigError: an unknown kind, or the library for it is not installed.
            DataError: something that is no text.

        References:
            Sennrich, Haddow and Birch (2016), Neural machine translation of rare words with subword units.
        """
        if kind not in KINDS:
            raise ConfigError(f"the kind of tokens is {kind!r}; use one of {', '.join(KINDS)}")
        prepared = [_prepared(text, place, lowercase) for place, text in enumerate(texts)]
        if kind == "subword":
            merges = _train_subwords(prepared, min_count, max_size or 8_000, specials)
            return cls(kind, _subword_vocabulary(merges), lowercase, merges)
        split = _SPLIT[kind]
        vocabulary = Vocabulary.build(
            (split(text) for text in prepared), min_count=min_count, max_size=max_size, specials=specials
        )
        return cls(kind, vocabulary, lowercase)

    def __len__(self) -> int:
        """The number of tokens."""
        return len(self.vocabulary)

    def tokens(self, text: str) -> list[str]:
        """The tokens of a text, unknown ones as they are written."""
        prepared = text.lower() if self.lowercase else text
        if self.kind == "subword":
            return list(self._subwords.encode(prepared, add_special_tokens=False).tokens)
        return _SPLIT[self.kind](prepared)

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's tokens, without start and end."""
        return self.vocabulary.encode(self.tokens(text))

    def decode(self, ids: Iterable[int]) -> str:
        """Numbers as text; special tokens other than `<unk>` are left out."""
        return self.join(self.vocabulary.decode(ids))

    def join(self, tokens: Iterable[str]) -> str:
        """Tokens as text; special tokens other than `<unk>` are left out."""
        kept = [token for token in tokens if token == UNKNOWN or not _is_special(token)]
        if self.kind == "word":
            return join_words(kept)
        if self.kind == "char":
            return "".join(kept)
        return "".join(kept).replace("▁", " ").strip()

    def to_dict(self) -> dict[str, Any]:
        """The tokenizer as plain values for JSON."""
        return {
            "kind": self.kind,
            "vocabulary": self.vocabulary.to_dict(),
            "lowercase": self.lowercase,
            "merges": self.merges,
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Tokenizer:
        """The tokenizer that `to_dict` described."""
        vocabulary = Vocabulary.from_dict(saved["vocabulary"])
        return cls(str(saved["kind"]), vocabulary, bool(saved["lowercase"]), saved["merges"])

    @cached_property
    def _subwords(self) -> Any:
        return _tokenizers().Tokenizer.from_str(self.merges)


def _prepared(text: object, place: int, lowercase: bool) -> str:
    if not isinstance(text, str):
        raise DataError(f"item {place} is {text!r}, not a text; leave it out or replace it by one")
    return text.lower() if lowercase else text


def _is_special(token: str) -> bool:
    return len(token) > 2 and token[0] == "<" and token[-1] == ">"


def _tokenizers() -> Any:
    """The library of byte-pair encoding."""
    try:
        import tokenizers
    except ImportError as error:
        raise ConfigError(
            "pieces of words need the library tokenizers; install ostinato[text], or use words or characters"
        ) from error
    return tokenizers


def _train_subwords(texts: Sequence[str], min_count: int, max_size: int, specials: Sequence[str]) -> str:
    """A byte-pair encoding as JSON; a space is written as ▁ before the word it leads."""
    library = _tokenizers()
    tokenizer = library.Tokenizer(library.models.BPE(unk_token=UNKNOWN if UNKNOWN in specials else None))
    tokenizer.pre_tokenizer = library.pre_tokenizers.Sequence(
        [library.pre_tokenizers.Metaspace(), library.pre_tokenizers.Punctuation()]
    )
    trainer = library.trainers.BpeTrainer(
        vocab_size=max_size, min_frequency=min_count, special_tokens=list(specials), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return str(tokenizer.to_str())


def _subword_vocabulary(merges: str) -> Vocabulary:
    """The tokens of a byte-pair encoding in the order of their numbers."""
    numbers: dict[str, int] = json.loads(merges)["model"]["vocab"]
    return Vocabulary(tuple(sorted(numbers, key=numbers.__getitem__)))
