"""A text in the making: drawn piece by piece, in constant time a token; can be saved and continued in mid-stream."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ostinato.data.text import Tokenizer
from ostinato.data.vocabulary import END, PAD, START, UNKNOWN
from ostinato.errors import ModelFileError
from ostinato.tasks.generate.language_step import KINDS, Floats, LanguageStepper, NetworkStepper, TokenStepper
from ostinato.tasks.generate.sampling import Sampling
from ostinato.train.checkpoint import load_model, save_model

if TYPE_CHECKING:
    from ostinato.tasks.generate.language_network import LanguageNetwork

TASK = "generation"


@dataclass(frozen=True)
class Speaker:
    """What all texts of one generator have in common.

    Attributes:
        weights: of its network, by name.
        cell: name of its cell.
        num_layers: recurrent layers.
        network: makes the network, for cells that do not step on NumPy arrays.
        tokenizer: from text to numbers and back.
        ends: whether sequences end by themselves.
    """

    weights: Mapping[str, Any]
    cell: str
    num_layers: int
    network: Callable[[], LanguageNetwork]
    tokenizer: Tokenizer
    ends: bool

    def stepper(self, condition: int | None) -> TokenStepper:
        """The network at the beginning of a text."""
        if self.cell not in KINDS:
            return NetworkStepper(self.network(), condition)
        return LanguageStepper(self.weights, cell=self.cell, num_layers=self.num_layers, condition=condition)

    @property
    def forbidden(self) -> list[int]:
        """Numbers that are never drawn."""
        names = (PAD, UNKNOWN, START) if self.ends else (PAD, UNKNOWN, START, END)
        return [self.tokenizer.vocabulary.numbers[name] for name in names]

    def opening(self, prompt: str) -> list[int]:
        """What is read before the first token is drawn: a beginning, if there must be one, and the prompt."""
        numbers = self.tokenizer.vocabulary.numbers
        tokens = self.tokenizer.encode(prompt)
        if self.ends:
            return [numbers[START], *tokens]
        commonest = min(len(self.forbidden), len(numbers) - 1)  # the first after the special ones
        return tokens or [numbers.get("\n", commonest)]

    def fingerprint(self) -> str:
        """A hash of the weights, by which a saved text knows its network."""
        digest = hashlib.sha256()
        for name in sorted(self.weights):
            digest.update(np.ascontiguousarray(self.weights[name]).tobytes())
        return digest.hexdigest()


class Generation:
    """An iterator over the pieces of a text that is being drawn.

    The hidden state is carried, so each piece takes the same time and memory however long the text is.

    Args:
        speaker: network and tokens.
        prompt: what the text begins with; it is read, and not given out again.
        sampling: how tokens are drawn.
        seed: the same seed draws the same text.
        length: tokens to draw at most; without end when None.
        condition: number of the condition.
    """

    def __init__(
        self,
        speaker: Speaker,
        prompt: str,
        sampling: Sampling,
        *,
        seed: list[int] | None = None,
        length: int | None = None,
        condition: int | None = None,
    ) -> None:
        self._speaker = speaker
        self._sampling = sampling
        self._left = length
        self._ended = False
        self._condition = condition
        self._random = np.random.default_rng(seed)
        self._stepper = speaker.stepper(condition)
        self._scores: Floats = np.zeros(0, np.float32)
        self._last = 0
        for token in speaker.opening(prompt):
            self._read(token)

    def __iter__(self) -> Generation:
        return self

    def __next__(self) -> str:
        """Draw the next token and return it as text."""
        if self._ended or self._left == 0:
            raise StopIteration
        scores = self._scores.copy()
        scores[self._speaker.forbidden] = -np.inf
        token = self._sampling.draw(scores, self._random)
        tokens = self._speaker.tokenizer.vocabulary.tokens
        if tokens[token] == END:
            self._ended = True
            raise StopIteration
        before = [tokens[self._last]]
        join = self._speaker.tokenizer.join
        piece = join([*before, tokens[token]])[len(join(before)) :]
        if self._left is not None:
            self._left -= 1
        self._read(token)
        return piece

    def save(self, path: str | Path) -> None:
        """Write the state of the text, with which it goes on to the same end.

        Args:
            path: a folder, or a zip file where it ends in `.zip`.

        Raises:
            ModelFileError: the path cannot be written.
        """
        config = {
            "task": TASK,
            "network": self._speaker.fingerprint(),
            "sampling": asdict(self._sampling),
            "random": self._random.bit_generator.state,
            "left": self._left,
            "ended": self._ended,
            "condition": self._condition,
            "last": self._last,
        }
        arrays = {f"state.{number}": part for number, part in enumerate(self._stepper.state)}
        save_model(path, config=config, weights={**arrays, "scores": self._scores}, history={})

    @classmethod
    def load(cls, path: str | Path, speaker: Speaker, *, length: int | None = None) -> Generation:
        """Go on with a saved text.

        Args:
            path: what `save` wrote.
            speaker: the generator that began it.
            length: further tokens at most; what was left when None.

        Raises:
            ModelFileError: it is not the state of a text, or of a text by another generator.
        """
        file = load_model(path)
        config = file.config
        if config.get("task") != TASK:
            raise ModelFileError(f"{path} is not the saved state of a text; give what Generation.save wrote")
        if config["network"] != speaker.fingerprint():
            raise ModelFileError(f"{path} was begun by another generator; load the one that began it")
        sampling = Sampling(**config["sampling"])
        left = config["left"] if length is None else length
        generation = cls(speaker, "", sampling, length=left, condition=config["condition"])
        generation._random.bit_generator.state = config["random"]
        generation._last, generation._ended = config["last"], config["ended"]
        generation._scores = file.weights["scores"]
        for number, part in enumerate(generation._stepper.state):
            part[:] = file.weights[f"state.{number}"]
        return generation

    def _read(self, token: int) -> None:
        """Take in a token."""
        self._scores = self._stepper.step(token)
        self._last = token
