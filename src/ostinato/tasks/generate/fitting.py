"""Training a generator, and judging it beside n-gram models."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.comparison import Comparison, compare
from ostinato.evaluate.ngram import KneserNey
from ostinato.tasks.checks import epochs_for
from ostinato.tasks.generate.data import Source, Texts
from ostinato.tasks.generate.language_network import LanguageNetwork
from ostinato.train.config import TrainConfig
from ostinato.train.history import History
from ostinato.train.loop import fit

if TYPE_CHECKING:
    from ostinato.tasks.generate.generator import Progress, SequenceGenerator

Values = NDArray[np.float64]
EMBEDDING = {"char": 128}
"""Features of the vector of a token; others are as wide as the hidden state, whose weights the output then shares."""
UPDATES = 2500
ORDERS = (3, 5, 7)
BLOCK = 500
"""Tokens of a long text that are drawn together for intervals, as neighbours are not independent."""


def train(
    generator: SequenceGenerator,
    training: Texts,
    held_out: Texts,
    checkpoint: str | Path | None,
    progress: Progress | None,
) -> tuple[LanguageNetwork, History]:
    """Train the network of a generator.

    Args:
        generator: its parameters, tokens, conditions and seed.
        training: what to learn.
        held_out: what to judge each epoch by; the weights of the best one are kept.
        checkpoint: file to go on from after a stop.
        progress: called with (epochs done, epochs in all).

    Returns:
        The trained network, whose input is `(batch, time)` numbers of tokens and whose output `(batch, time, tokens)`
        logits of the next; and the losses, in nats per token, one an epoch.
    """
    _check_held_out(held_out, training, generator)
    torch.manual_seed(generator.seed_)
    network = make_network(generator)
    source = Source(training, generator.tokenizer_, generator.conditions_, seed=generator.seed_)
    config = TrainConfig(
        epochs=epochs_for(generator.epochs, len(source), UPDATES),
        learning_rate=3e-3,
        optimizer="adamw",
        weight_decay=0.01,
        schedule="cosine",
        ema=0.995,
        patience=3,
        seed=generator.seed_,
    )
    history = fit(
        network,
        source,
        loss=network.loss,
        config=config,
        validation=Source(held_out, generator.tokenizer_, generator.conditions_, seed=None),
        checkpoint=checkpoint,
        resume=checkpoint is not None,
        progress=None if progress is None else lambda done, total, _: progress(done, total),
    )
    return network, history


def make_network(generator: SequenceGenerator) -> LanguageNetwork:
    """The network of a generator, with fresh weights."""
    return LanguageNetwork(
        len(generator.tokenizer_),
        len(generator.conditions_),
        EMBEDDING.get(generator.kind, generator.hidden_size),
        cell=generator.cell,
        hidden_size=generator.hidden_size,
        num_layers=generator.num_layers,
        dropout=generator.dropout,
    )


@torch.no_grad()
def log_probabilities(generator: SequenceGenerator, texts: Texts) -> list[Values]:
    """The log-probability of each token of some texts, as `SequenceGenerator.log_probabilities`."""
    _check_same_kind(texts, generator)
    network = network_of(generator)
    source = Source(texts, generator.tokenizer_, generator.conditions_, seed=None)
    if source.stream is None:
        found: dict[int, Values] = {}
        for index, batch in source.placed(0):
            logits, _ = network(batch.inputs, batch.rows["lengths"], None, batch.rows.get("conditions"))
            each = _chosen(logits, batch.targets)
            lengths = batch.rows["lengths"].tolist()
            found |= {
                int(place): each[row, :length].numpy().astype(np.float64)
                for row, (place, length) in enumerate(zip(index, lengths, strict=True))
            }
        return [found[place] for place in range(len(texts.texts))]
    pieces, state = [], None
    for batch in source.epoch(0):
        logits, state = network(batch.inputs, None, state)
        pieces.append(_chosen(logits, batch.targets))
    flat = torch.cat(pieces, dim=1).reshape(-1)[: len(source.stream.tokens) - 1]
    return [flat.numpy().astype(np.float64)]


def _chosen(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The log-probability of each target, `(batch, time)`."""
    return F.log_softmax(logits, dim=-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def network_of(generator: SequenceGenerator) -> LanguageNetwork:
    """The trained network of a generator, made of its weights if it comes from a file."""
    if generator.network_ is None:
        network = make_network(generator)
        network.load_state_dict(
            {name: torch.from_numpy(np.array(w)) for name, w in generator.weights_.items()}
        )
        generator.network_ = network.eval()
    return generator.network_


class Judge:
    """N-gram models that learned from the same texts, to compare a network with.

    Args:
        training: what the network learned from.
        held_out: what to judge by when nothing else is given.
    """

    def __init__(self, training: Texts, held_out: Texts) -> None:
        self.training = training
        self.held_out = held_out
        self._models: dict[int, KneserNey[str]] = {}
        self._last: tuple[Texts, dict[str, list[Values]]] | None = None

    def leaderboard(self, generator: SequenceGenerator, X: Any, conditions: Any) -> pd.DataFrame:
        """See `SequenceGenerator.leaderboard`."""
        texts, found = self._all(generator, X, conditions)
        rows = []
        for model, each in found.items():
            flat = np.concatenate(each)
            nats = -float(flat.mean())
            bits = -float(flat.sum()) / math.log(2) / texts.characters
            rows.append((model, nats, math.exp(min(nats, 700.0)), bits))
        board = pd.DataFrame(rows, columns=["model", "nats", "perplexity", "bits_per_character"])
        return board.sort_values("nats", kind="stable", ignore_index=True)

    def compare(self, generator: SequenceGenerator, X: Any, conditions: Any) -> Comparison:
        """See `SequenceGenerator.compare`."""
        texts, found = self._all(generator, X, conditions)
        items = {model: _items(each, texts.whole) for model, each in found.items()}
        name = generator.name
        return compare(
            {model: [-float(part.sum()) for part in parts] for model, parts in items.items()},
            [len(part) for part in items[name]],
            model=name,
            loss="loss per token",
            item=f"block of {BLOCK} tokens" if texts.whole else "sequence",
        )

    def _all(
        self, generator: SequenceGenerator, X: Any, conditions: Any
    ) -> tuple[Texts, dict[str, list[Values]]]:
        """Texts, and their log-probabilities by the network and by each n-gram model, text by text."""
        texts = self.held_out if X is None else Texts.of(X, conditions)
        if self._last is not None and self._last[0] == texts:
            return self._last  # a leaderboard and a comparison are mostly of the same texts
        found = {generator.name: log_probabilities(generator, texts)}
        for order in ORDERS:
            model = self._ngram(order, generator)
            sequences = texts.sequences(generator.tokenizer_)
            kinds = texts.conditions or (None,) * len(sequences)
            each = [model.log_probabilities(*pair) for pair in zip(sequences, kinds, strict=True)]
            found[f"{order}-gram"] = [part[1:] for part in each] if texts.whole else each
        self._last = texts, found
        return self._last

    def _ngram(self, order: int, generator: SequenceGenerator) -> KneserNey[str]:
        """An n-gram model of the training texts, made when first asked for."""
        if order not in self._models:
            tokens = self.training.sequences(generator.tokenizer_)
            model = KneserNey[str](order, size=len(generator.tokenizer_))
            self._models[order] = model.fit(tokens, self.training.conditions)
        return self._models[order]


def _items(each: list[Values], whole: bool) -> list[Values]:
    """What is drawn again for an interval: sequences, or blocks of a long text."""
    if not whole:
        return each
    return [flat[start : start + BLOCK] for flat in each for start in range(0, len(flat), BLOCK)]


def _check_held_out(held_out: Texts, training: Texts, generator: SequenceGenerator) -> None:
    """Refuse validation data of another form than the training data."""
    if held_out.whole != training.whole or (held_out.conditions is None) != (training.conditions is None):
        raise DataError(
            "the validation data have another form than the training data; give a text for a text, sequences for "
            "sequences, and conditions for both or for neither"
        )
    _check_conditions(held_out, generator)


def _check_same_kind(texts: Texts, generator: SequenceGenerator) -> None:
    """Refuse texts that a generator cannot judge."""
    if texts.whole != generator.whole_:
        learned, wanted = (
            ("one long text", "a string") if generator.whole_ else ("sequences", "a list of strings")
        )
        raise ConfigError(f"this generator learned from {learned}; give {wanted} to judge")
    if (texts.conditions is not None) != bool(generator.conditions_):
        raise ConfigError(
            "this generator was fitted with conditions; give one for each sequence"
            if generator.conditions_
            else "this generator was fitted without conditions; leave conditions out"
        )
    _check_conditions(texts, generator)


def _check_conditions(texts: Texts, generator: SequenceGenerator) -> None:
    """Refuse conditions that did not occur in training."""
    unknown = sorted(set(texts.conditions or ()) - set(generator.conditions_))
    if unknown:
        raise DataError(
            f"the condition {unknown[0]!r} did not occur in training; use one of {', '.join(generator.conditions_)}"
        )
