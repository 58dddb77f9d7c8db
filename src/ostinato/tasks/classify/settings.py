"""How a classifier is trained where nothing else was asked for: by kind and number of its sequences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ostinato.errors import ConfigError
from ostinato.tasks.classify.fitting import Labelled, Plan
from ostinato.tasks.classify.inputs import Input

TOKENS = ("word", "char", "subword")
MOST_DISTORTION = 3.0
"""Strength of random changes at most; beyond, speeds and sizes could become negative."""
CELLS = (
    *("lstm", "gru", "rnn"),
    *("lnlstm", "lngru", "zoneout", "peephole", "slstm", "mingru", "minlstm", "grud"),
)


@dataclass(frozen=True)
class Defaults:
    """The settings for one kind of sequences.

    Attributes:
        cell, hidden_size, num_layers, members, learning_rate, dropout: as for `SequenceClassifier`.
        embedding: features of a token's vector; None without tokens.
        word_dropout: probability of hiding a token.
        epochs: passes over the training data at most.
        updates: so many updates are made at least, by more epochs, where there are few sequences.
        patience: epochs without a better validation loss after which training stops.
        batch_size: sequences in a batch.
        weight_decay: pull of the weights to zero.
        smoothing: share of the probability that is spread over all classes in the targets.
        distortion: strength of the random changes of series while training.
        steps: a sequence is brought to about so many pieces by reading several steps as one; None for tokens.
        ends: whether the last state of each direction is pooled, too.
    """

    cell: str
    hidden_size: int
    num_layers: int
    members: int
    learning_rate: float
    dropout: float
    embedding: int | None
    word_dropout: float
    epochs: int
    updates: int
    patience: int
    batch_size: int
    weight_decay: float
    smoothing: float
    distortion: float
    steps: int | None
    ends: bool


DEFAULTS = {
    "text": Defaults(
        cell="lstm",
        hidden_size=100,
        num_layers=1,
        members=5,
        learning_rate=2e-3,
        dropout=0.6,
        embedding=100,
        word_dropout=0.1,
        epochs=8,
        updates=300,
        patience=2,
        batch_size=64,
        weight_decay=0.0,
        smoothing=0.0,
        distortion=0.0,
        steps=None,
        ends=False,
    ),
    "series": Defaults(
        cell="gru",
        hidden_size=64,
        num_layers=1,
        members=5,
        learning_rate=3e-3,
        dropout=0.3,
        embedding=None,
        word_dropout=0.0,
        epochs=30,
        updates=1200,
        patience=10,
        batch_size=16,
        weight_decay=1e-2,
        smoothing=0.1,
        distortion=1.0,
        steps=64,
        ends=True,
    ),
    "speech": Defaults(
        cell="gru",
        hidden_size=96,
        num_layers=1,
        members=3,
        learning_rate=2e-3,
        dropout=0.3,
        embedding=None,
        word_dropout=0.0,
        epochs=20,
        updates=600,
        patience=5,
        batch_size=32,
        weight_decay=1e-2,
        smoothing=0.1,
        distortion=1.0,
        steps=64,
        ends=False,
    ),
}


def choose(parameters: Mapping[str, Any], shown: Input, data: Labelled, *, classes: int, seed: int) -> Plan:
    """What to do: the parameters where they are given, otherwise what suits the kind and the number of sequences.

    Args:
        parameters: those of `SequenceClassifier`; None where nothing was asked for.
        shown: how the sequences are shown to a network.
        data: the training data.
        classes: number of classes.
        seed: of the first network.

    Raises:
        ConfigError: a parameter cannot be used.
    """
    from ostinato.tasks.classify.network import Shape

    usual = DEFAULTS[shown.kind]
    given = {name: value for name, value in parameters.items() if value is not None}
    _check(given)
    shape = Shape(
        features=shown.features,
        classes=classes,
        pieces=shown.pieces,
        embedding=usual.embedding,
        cell=given.get("cell", usual.cell),
        hidden_size=given.get("hidden_size", usual.hidden_size),
        num_layers=given.get("num_layers", usual.num_layers),
        dropout=given.get("dropout", usual.dropout),
        word_dropout=usual.word_dropout,
        piece=_piece(data, usual.steps),
        ends=usual.ends,
    )
    updates_an_epoch = max(math.ceil(len(data.targets) / usual.batch_size), 1)
    return Plan(
        shape=shape,
        members=given.get("members", usual.members),
        epochs=given.get("epochs", max(usual.epochs, math.ceil(usual.updates / updates_an_epoch))),
        patience=usual.patience,
        batch_size=usual.batch_size,
        learning_rate=given.get("learning_rate", usual.learning_rate),
        weight_decay=usual.weight_decay,
        smoothing=usual.smoothing,
        distortion=0.0 if shown.kind == "text" else given.get("distortion", usual.distortion),
        seed=seed,
    )


def _piece(data: Labelled, steps: int | None) -> int:
    """Steps to read as one, so that a usual sequence has no more than `steps` pieces."""
    if steps is None:
        return 1
    usual = float(np.median([len(array) for array in data.arrays]))
    return max(math.ceil(usual / steps), 1)


def _check(given: Mapping[str, Any]) -> None:
    """Refuse numbers that cannot be used."""
    if given.get("cell", "lstm") not in CELLS:
        raise ConfigError(f"cell is {given['cell']!r}; use one of {', '.join(CELLS)}")
    for name in ("hidden_size", "num_layers", "members", "epochs", "sample_rate"):
        number = given.get(name, 1)
        if not isinstance(number, int | np.integer) or number < 1:
            raise ConfigError(f"{name} is {number!r}; use a whole number of at least 1")
    if given.get("members", 1) > 20:
        raise ConfigError(f"members is {given['members']}; use at most 20")
    dropout, rate = given.get("dropout", 0.0), given.get("learning_rate", 1.0)
    if not isinstance(dropout, int | float | np.number) or not 0 <= dropout < 1:
        raise ConfigError(f"dropout is {dropout!r}; it is a probability, so use 0 to below 1")
    distortion = given.get("distortion", 0.0)
    if not isinstance(distortion, int | float | np.number) or not 0 <= distortion <= MOST_DISTORTION:
        raise ConfigError(
            f"distortion is {distortion!r}; use a number from 0 for none to {MOST_DISTORTION:g}"
        )
    if not isinstance(rate, int | float | np.number) or not 0 < rate < math.inf:
        raise ConfigError(f"learning_rate is {rate!r}; use a number above 0")
