"""What a classifier is shown: texts, series or recordings as arrays that a network reads, fitted on training data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.audio import AUDIO_ENDINGS, deltas, log_mel, most_bands, read_recording, resample
from ostinato.data.channels import Channels, to_series
from ostinato.data.text import Tokenizer, spelling
from ostinato.errors import ConfigError, DataError

Values = NDArray[np.float64]
KINDS = ("text", "series", "speech")
MOST_TOKENS = 400
"""Tokens of a text that are read; the rest is left out."""
BUCKETS, MOST_PIECES = 20_000, 20
"""Numbers for the pieces that words are spelled with, and pieces of a word that are read."""
HIGHEST_RATE, LOWEST_RATE = 16_000, 1_000
"""Samples a second that recordings are brought to at most, and at least."""
BANDS = 40
"""Bands of the mel scale."""


def kind_of(inputs: Sequence[Any]) -> str:
    """Whether inputs are texts, series or recordings.

    Args:
        inputs: strings, paths or arrays.

    Raises:
        DataError: there are none, they are of several kinds, or all are names of recordings of which one is missing.
    """
    if len(inputs) == 0:
        raise DataError("there are no sequences; give at least one")
    kinds = {_kind(item, place) for place, item in enumerate(inputs)}
    lost = next((str(item) for item in inputs if _is_file_name(item) and not Path(item).is_file()), None)
    if lost is not None and all(map(_is_file_name, inputs)):
        raise DataError(f"there is no recording '{lost}'; check the path, or say that these are texts (kind)")
    if kinds == {"speech", "text"}:
        kinds = {"text"}  # a text may look like the name of a file
    if len(kinds) > 1:
        raise DataError(
            f"the sequences are of several kinds ({', '.join(sorted(kinds))}); give one kind at a time"
        )
    return kinds.pop()


def _kind(item: Any, place: int) -> str:
    if isinstance(item, Path):
        return "speech"
    if isinstance(item, str):
        return "speech" if _is_file_name(item) and Path(item).is_file() else "text"
    if item is None or isinstance(item, dict | set | bytes) or np.ndim(item) == 0:
        raise DataError(
            f"sequence {place} is {item!r}; give texts, arrays (time, channels) or paths of recordings"
        )
    return "series"


def _is_file_name(item: Any) -> bool:
    """Whether an item is a path, or a text that looks like the name of a recording."""
    looks = isinstance(item, str) and item.lower().endswith(AUDIO_ENDINGS) and "\n" not in item
    return looks or isinstance(item, Path)


@dataclass(frozen=True)
class TextInput:
    """Texts as numbers of tokens.

    Attributes:
        tokenizer: from text to numbers.
    """

    tokenizer: Tokenizer
    kind = "text"

    @classmethod
    def fit(cls, texts: Sequence[str], tokens: str) -> TextInput:
        """Learn the tokens of training texts; those that come once are kept, as word dropout needs them."""
        return cls(Tokenizer.train(texts, tokens, max_size=8_000 if tokens == "subword" else 50_000))

    @property
    def features(self) -> int:
        """Tokens of the vocabulary."""
        return len(self.tokenizer)

    @property
    def pieces(self) -> int:
        """Pieces of spelling, padding included; 0 where tokens are no words."""
        return 1 + BUCKETS if self.tokenizer.kind == "word" else 0

    def encode(self, texts: Sequence[Any]) -> list[NDArray[np.int32]]:
        """The numbers of the tokens of each text, `(time,)`; of words, `(time, 1 + pieces)` with their spelling."""
        wrong = next((place for place, text in enumerate(texts) if not isinstance(text, str)), None)
        if wrong is not None:
            raise DataError(
                f"sequence {wrong} is no text but {type(texts[wrong]).__name__}; the classifier was trained on texts"
            )
        if not self.pieces:
            return [np.array(self.tokenizer.encode(text)[:MOST_TOKENS], dtype=np.int32) for text in texts]
        spelled: dict[str, NDArray[np.int32]] = {}
        return [self._spelled(self.steps(text), spelled) for text in texts]

    def _spelled(self, tokens: Sequence[str], known: dict[str, NDArray[np.int32]]) -> NDArray[np.int32]:
        """Each token's number and those of its pieces; words that were spelled before are in `known`."""
        rows = np.zeros((len(tokens), 1 + MOST_PIECES), dtype=np.int32)
        for row, number, token in zip(rows, self.tokenizer.vocabulary.encode(tokens), tokens, strict=True):
            if token not in known:
                pieces = spelling(token, buckets=BUCKETS, most=MOST_PIECES)
                known[token] = np.array(pieces, dtype=np.int32)
            row[0] = number
            row[1 : 1 + len(known[token])] = known[token]
        return rows

    def steps(self, text: str) -> tuple[str, ...]:
        """The tokens of a text as they are written."""
        return tuple(self.tokenizer.tokens(text)[:MOST_TOKENS])

    def to_dict(self) -> dict[str, Any]:
        """The input as plain values for JSON."""
        return {"kind": self.kind, "tokenizer": self.tokenizer.to_dict()}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> TextInput:
        """The input that `to_dict` described."""
        return cls(Tokenizer.from_dict(saved["tokenizer"]))


@dataclass(frozen=True)
class SeriesInput:
    """Series with channels of one scale.

    Attributes:
        channels: location and scale.
    """

    channels: Channels
    kind = "series"
    pieces = 0

    @classmethod
    def fit(cls, series: Sequence[Any]) -> SeriesInput:
        """Learn location and scale of training series."""
        return cls(Channels.fit([to_series(values, place) for place, values in enumerate(series)]))

    @property
    def features(self) -> int:
        """Channels."""
        return self.channels.count

    def encode(self, series: Sequence[Any]) -> list[NDArray[np.float32]]:
        """Each series, `(time, channels)`."""
        return [
            self.channels.transform(to_series(values, place), place).astype(np.float32)
            for place, values in enumerate(series)
        ]

    def to_dict(self) -> dict[str, Any]:
        """The input as plain values for JSON."""
        return {"kind": self.kind, "channels": self.channels.to_dict()}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> SeriesInput:
        """The input that `to_dict` described."""
        return cls(Channels.from_dict(saved["channels"]))


@dataclass(frozen=True)
class SpeechInput:
    """Recordings as log-mel features and their deltas, of one scale.

    Attributes:
        rate: samples a second that recordings are brought to.
        bands: bands of the mel scale.
        channels: location and scale of the features.
    """

    rate: int
    bands: int
    channels: Channels
    kind = "speech"
    pieces = 0

    @classmethod
    def fit(cls, paths: Sequence[Any], rate: int | None = None, bands: int = BANDS) -> SpeechInput:
        """Learn the usual sample rate, and location and scale of the features.

        Args:
            paths: training recordings.
            rate: samples a second; the most frequent of the recordings, at most 16,000, when None.
            bands: bands of the mel scale; fewer at a rate below 5,000, whose spectrum does not have so many.

        Raises:
            DataError: the rate is too low to tell sounds apart.
        """
        recordings = [read_recording(path) for path in paths]
        if rate is None:
            counted = Counter(recording.rate for recording in recordings)
            rate = min(HIGHEST_RATE, counted.most_common(1)[0][0])
        if rate < LOWEST_RATE:
            raise DataError(
                f"the sample rate is {rate} a second, too low to tell sounds apart; set sample_rate to at least "
                f"{LOWEST_RATE}"
            )
        bands = min(bands, most_bands(rate))
        features = [
            speech_features(recording.samples, recording.rate, rate, bands) for recording in recordings
        ]
        return cls(rate, bands, Channels.fit(features))

    @property
    def features(self) -> int:
        """Features of a frame."""
        return self.channels.count

    def encode(self, paths: Sequence[Any]) -> list[NDArray[np.float32]]:
        """The features of each recording, `(frames, features)`."""
        encoded = []
        for place, path in enumerate(paths):
            if not isinstance(path, str | Path):
                raise DataError(f"sequence {place} is no path; the classifier was trained on recordings")
            recording = read_recording(path)
            features = speech_features(recording.samples, recording.rate, self.rate, self.bands)
            encoded.append(self.channels.transform(features, place).astype(np.float32))
        return encoded

    def to_dict(self) -> dict[str, Any]:
        """The input as plain values for JSON."""
        return {
            "kind": self.kind,
            "rate": self.rate,
            "bands": self.bands,
            "channels": self.channels.to_dict(),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> SpeechInput:
        """The input that `to_dict` described."""
        return cls(int(saved["rate"]), int(saved["bands"]), Channels.from_dict(saved["channels"]))


Input = TextInput | SeriesInput | SpeechInput
INPUTS: dict[str, type[TextInput] | type[SeriesInput] | type[SpeechInput]] = {
    "text": TextInput,
    "series": SeriesInput,
    "speech": SpeechInput,
}


def speech_features(samples: Values, rate: int, wanted: int, bands: int) -> Values:
    """Log-mel features without their level, which is the microphone's, and their deltas.

    Args:
        samples: `(time,)`; an empty recording has no frame.
        rate: samples a second.
        wanted: samples a second to bring them to.
        bands: bands of the mel scale.

    Returns:
        `(frames, 2 * bands)`.
    """
    if not len(samples):
        return np.zeros((0, 2 * bands))
    mel = log_mel(resample(samples, rate, wanted), wanted, bands=bands)
    mel = mel - mel.mean()
    return np.concatenate([mel, deltas(mel)], axis=1)


def fit_input(inputs: Sequence[Any], kind: str, *, tokens: str, sample_rate: int | None) -> Input:
    """Learn from training data how to show inputs of a kind.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind == "text":
        return TextInput.fit(inputs, tokens)
    if kind == "series":
        return SeriesInput.fit(inputs)
    if kind == "speech":
        return SpeechInput.fit(inputs, sample_rate)
    raise ConfigError(f"kind is {kind!r}; use one of {', '.join(KINDS)}")
