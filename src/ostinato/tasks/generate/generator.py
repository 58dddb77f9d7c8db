"""SequenceGenerator: recurrent networks that write text token by token, from a prompt or for a condition."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.text import Tokenizer
from ostinato.data.vocabulary import END, PAD, START, UNKNOWN
from ostinato.errors import ConfigError
from ostinato.tasks.checks import check_seed, draw_seed
from ostinato.tasks.generate.generation import Generation, Speaker
from ostinato.tasks.generate.sampling import Sampling
from ostinato.tasks.parameters import Parameters

if TYPE_CHECKING:
    from ostinato.evaluate.comparison import Comparison
    from ostinato.tasks.generate.fitting import Judge
    from ostinato.tasks.generate.language_network import LanguageNetwork

Progress = Callable[[int, int], None]
Values = NDArray[np.float64]


class SequenceGenerator(Parameters):
    """Write text by a recurrent network that learned to tell the next token.

    Follows scikit-learn's contract: the constructor only stores its arguments, `fit` sets the attributes that end in
    an underscore, `get_params`, `set_params` and `sklearn.base.clone` work.

    Args:
        kind: what a token is: `"char"`, `"word"`, or `"subword"` (byte-pair encoding, with the extra `text`).
        cell: `"lstm"`, `"gru"`, `"rnn"` or another recurrent cell; these three write without torch.
        hidden_size: features of the hidden state.
        num_layers: recurrent layers, one on the other.
        dropout: probability of dropping a feature after each layer while training; less of it elsewhere.
        epochs: passes over the text at most; about 2,500 updates, but from 10 to 60 passes, when None.
        random_state: seed; the same seed and number of threads give the same network. Drawn when None.
        max_size: tokens of the vocabulary at most; no limit when None (8,000 for `"subword"`).

    Attributes:
        tokenizer_: from text to tokens and back.
        conditions_: the conditions of the training sequences, sorted; empty without.
        whole_: whether it learned from one long text rather than from sequences with an end.
        history_: losses of the training, in nats per token, epoch by epoch.
        seed_: the seed used.

    Example:
        >>> from ostinato import SequenceGenerator
        >>> generator = SequenceGenerator(hidden_size=16, num_layers=1, epochs=2, random_state=0)
        >>> generator = generator.fit("tick tock " * 100)
        >>> generator.sample(prompt="ti", length=8, seed=1) == generator.sample(prompt="ti", length=8, seed=1)
        True
    """

    def __init__(
        self,
        kind: str = "char",
        cell: str = "lstm",
        hidden_size: int = 512,
        num_layers: int = 2,
        dropout: float = 0.3,
        epochs: int | None = None,
        random_state: int | None = None,
        *,
        max_size: int | None = None,
    ) -> None:
        self.kind = kind
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.dropout = dropout
        self.epochs = epochs
        self.random_state = random_state
        self.max_size = max_size

    def fit(
        self,
        X: str | Sequence[str],
        conditions: Sequence[object] | None = None,
        *,
        validation: Any = None,
        checkpoint: str | Path | None = None,
        progress: Progress | None = None,
    ) -> SequenceGenerator:
        """Learn to tell the next token.

        Args:
            X: a string is one long text, read by truncated backpropagation with its state carried; a list of strings
                are sequences, each with a beginning and an end.
            conditions: what each sequence is of, such as the nationality of a name; it is shown to the network at
                every step, and can be asked for when generating.
            validation: as X, or the pair (X, conditions), to judge each epoch by; the last tenth of a text or a
                random tenth of the sequences is set apart when None.
            checkpoint: file that keeps the state of an interrupted training; a fit with the same data and parameters
                goes on from there, to the same result.
            progress: called with (epochs done, epochs in all).

        Returns:
            The generator itself.

        Raises:
            ConfigError: a parameter cannot be used.
            DataError: the data cannot be used; the message says where and what to do.
            TrainingError: the loss became NaN.
        """
        from ostinato.tasks.generate.data import Texts
        from ostinato.tasks.generate.fitting import Judge, train

        self._check()
        self.seed_ = draw_seed(self.random_state)
        texts = Texts.of(X, conditions)
        training, held_out = texts.split(self.seed_) if validation is None else (texts, _pair(validation))
        self.tokenizer_ = self._learn_tokens(training.texts)
        self.conditions_ = sorted(set(training.conditions or ()))
        self.whole_ = texts.whole
        network, history = train(self, training, held_out, checkpoint, progress)
        self.history_: dict[str, Any] = history.to_dict()
        self.weights_ = {name: value.numpy() for name, value in network.state_dict().items()}
        self.network_: LanguageNetwork | None = network
        self.judge_: Judge | None = Judge(training, held_out)
        self.leaderboard_: pd.DataFrame | None = None
        return self

    def sample(
        self,
        n: int | None = None,
        prompt: str = "",
        *,
        length: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        condition: object = None,
    ) -> Any:
        """Write text.

        Args:
            n: how many texts; one, as a string, when None.
            prompt: what they begin with; unknown characters or words in it are read as `<unk>`. Without one, a text
                begins as after a line break.
            length: tokens after the prompt at most; sequences may end before.
            temperature: below 1 bolder on likely tokens, 0 always the likeliest.
            top_k: draw from so many of the likeliest tokens only.
            top_p: draw from the fewest likeliest tokens only that together have this probability.
            seed: the same seed writes the same text.
            condition: one of `conditions_`, which a generator that was fitted with conditions needs.

        Returns:
            The text with its prompt, or a list of `n`.

        Raises:
            ConfigError: a setting cannot be used, or the generator is not fitted.
        """
        if n is not None and n < 0:
            raise ConfigError(f"n is {n}; use at least 0 texts")
        sampling = Sampling(temperature, top_k, top_p)
        if seed is not None:
            check_seed(seed)
        texts = []
        for number in range(1 if n is None else n):
            own = [seed, number] if seed is not None else None
            texts.append(prompt + "".join(self._begin(prompt, sampling, own, length, condition)))
        return texts[0] if n is None else texts

    def stream(
        self,
        prompt: str = "",
        *,
        length: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        condition: object = None,
    ) -> Generation:
        """Write text piece by piece, without end where no length is given.

        Args: as for `sample`.

        Returns:
            An iterator over the pieces after the prompt, each in constant time. Its `save` keeps its state, with which
            `resume` goes on.
        """
        own = None if seed is None else [check_seed(seed), 0]
        return self._begin(prompt, Sampling(temperature, top_k, top_p), own, length, condition)

    def resume(self, path: str | Path, *, length: int | None = None) -> Generation:
        """Go on with a text whose state `Generation.save` wrote, to the same text it would have become.

        Args:
            path: the state.
            length: further tokens at most; what was left when None.

        Raises:
            ModelFileError: the file is damaged, or of another generator.
        """
        return Generation.load(path, self._speaker(), length=_checked_length(length))

    def score(self, X: str | Sequence[str], conditions: Sequence[object] | None = None) -> float:
        """The mean log-probability of a token, in nats; the higher, the better. Its negative is the loss.

        Args:
            X: a long text, or sequences, as for `fit`.
            conditions: of each sequence, for a generator that was fitted with conditions.
        """
        return float(np.concatenate(self.log_probabilities(X, conditions)).mean())

    def perplexity(self, X: str | Sequence[str], conditions: Sequence[object] | None = None) -> float:
        """Among how many equally likely tokens the network chooses, on the geometric average: exp(-score)."""
        return math.exp(-self.score(X, conditions))

    def log_probabilities(
        self, X: str | Sequence[str], conditions: Sequence[object] | None = None
    ) -> list[Values]:
        """The log-probability of each token, given those before it.

        Args: as for `score`.

        Returns:
            An array of each text, in nats: of all tokens but the first of a long text; of all tokens and the end of a
            sequence. A text of several thousand tokens is read in up to 16 parts, each from its own beginning.
        """
        from ostinato.tasks.generate.data import Texts
        from ostinato.tasks.generate.fitting import log_probabilities

        return log_probabilities(self, Texts.of(X, conditions))

    def leaderboard(
        self, X: str | Sequence[str] | None = None, conditions: Sequence[object] | None = None
    ) -> pd.DataFrame:
        """The network beside n-gram models with Kneser-Ney smoothing that learned from the same text.

        Args:
            X: text to judge by; the validation data when None.
            conditions: of each sequence.

        Returns:
            model, nats (per token), perplexity, bits_per_character, the best first.

        Raises:
            ConfigError: there is text to judge by, but the generator comes from a file, which has no n-gram models.
        """
        known: pd.DataFrame | None = self._learned("leaderboard_")
        if X is None and known is not None:
            return known
        board = self._judge().leaderboard(self, X, conditions)
        if X is None:
            self.leaderboard_ = board
        return board

    def compare(
        self, X: str | Sequence[str] | None = None, conditions: Sequence[object] | None = None
    ) -> Comparison:
        """Whether the network is better than the best n-gram model, by how much, and how sure that is.

        Args: as for `leaderboard`.
        """
        return self._judge().compare(self, X, conditions)

    @property
    def name(self) -> str:
        """The name of the network in a leaderboard."""
        return self.cell.upper()

    def save(self, path: str | Path) -> None:
        """Write the fitted generator to a folder, or to one file if the path ends in `.zip`."""
        from ostinato.tasks.model_file import save_estimator

        board: pd.DataFrame | None = self._learned("leaderboard_")
        extra = {
            "tokenizer": self.tokenizer_.to_dict(),
            "conditions": self.conditions_,
            "whole": self.whole_,
            "seed": self.seed_,
            "leaderboard": None if board is None else board.to_dict("list"),
        }
        save_estimator(
            path,
            task="generate",
            parameters=self.get_params(),
            extra=extra,
            weights=self.weights_,
            history=self.history_,
        )

    @classmethod
    def _from_file(cls, path: str | Path) -> SequenceGenerator:
        """Rebuild a generator; torch is not needed until it scores."""
        from ostinato.tasks.model_file import read_estimator, rebuilding

        parameters, extra, weights, history = read_estimator(path, task="generate")
        with rebuilding(path):
            generator = cls(**parameters)
            generator.tokenizer_ = Tokenizer.from_dict(extra["tokenizer"])
            generator.conditions_ = [str(name) for name in extra["conditions"]]
            generator.whole_, generator.seed_ = bool(extra["whole"]), int(extra["seed"])
            board = extra["leaderboard"]
            generator.leaderboard_ = None if board is None else pd.DataFrame(board)
            generator.history_, generator.weights_ = history, weights
            generator.network_ = generator.judge_ = None
            generator._speaker()
        return generator

    def _begin(
        self, prompt: str, sampling: Sampling, seed: list[int] | None, length: int | None, condition: object
    ) -> Generation:
        """Read a prompt and stand ready to go on from it."""
        speaker, number = self._speaker(), self._number(condition)
        return Generation(
            speaker, prompt, sampling, seed=seed, length=_checked_length(length), condition=number
        )

    def _number(self, condition: object) -> int | None:
        """The number of a condition."""
        if not self.conditions_:
            if condition is not None:
                raise ConfigError(
                    f"condition is {condition!r}, but this generator was fitted without conditions"
                )
            return None
        if condition is None:
            names = ", ".join(self.conditions_)
            raise ConfigError(
                f"this generator writes for a condition; name one with condition (--condition): {names}"
            )
        if str(condition) not in self.conditions_:
            raise ConfigError(f"condition is {condition!r}; use one of {', '.join(self.conditions_)}")
        return self.conditions_.index(str(condition))

    def _speaker(self) -> Speaker:
        def network() -> LanguageNetwork:
            from ostinato.tasks.generate.fitting import network_of

            return network_of(self)

        weights = self._learned("weights_")
        return Speaker(weights, self.cell, self.num_layers, network, self.tokenizer_, ends=not self.whole_)

    def _judge(self) -> Judge:
        judge: Judge | None = self._learned("judge_")
        if judge is None:
            raise ConfigError(
                "this SequenceGenerator comes from a file, which holds no n-gram models; fit it again to compare"
            )
        return judge

    def _learn_tokens(self, texts: Sequence[str]) -> Tokenizer:
        return Tokenizer.train(
            texts,
            self.kind,
            lowercase=False,
            min_count=2 if self.kind == "word" else 1,
            max_size=self.max_size,
            specials=(PAD, UNKNOWN, START, END),
        )

    def _check(self) -> None:
        """Refuse parameters that no layer checks."""
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout is {self.dropout}; it is a probability, so use 0 to below 1")


def _checked_length(length: int | None) -> int | None:
    """A number of tokens, if it is one."""
    if length is not None and length < 0:
        raise ConfigError(f"length is {length}; use at least 0 tokens")
    return length


def _pair(validation: Any) -> Any:
    """Validation data as `Texts`."""
    from ostinato.tasks.generate.data import Texts

    if isinstance(validation, tuple) and len(validation) == 2 and not isinstance(validation[0], str):
        return Texts.of(*validation)
    return Texts.of(validation)
