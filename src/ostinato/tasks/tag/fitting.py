"""Training the network of a tagger, and making its probabilities mean what they say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.data.batch import Batch
from ostinato.data.padding import RaggedBatches, length_buckets, pad
from ostinato.tasks.checks import epochs_for
from ostinato.tasks.tag.network import Forms, TagNetwork
from ostinato.train.config import TrainConfig
from ostinato.train.history import History
from ostinato.train.loop import fit

if TYPE_CHECKING:
    from ostinato.tasks.tag.tagger import Progress, SequenceTagger, Tagged

Values = NDArray[np.float64]
ROWS, ROWS_OF_FEW, FEW = 32, 8, 2000
"""Sentences in a batch; and, so that there are enough updates, in one of fewer sentences than the last number."""
UPDATES = 4000
JUDGED = 1000
"""Sentences that the temperature is found on at most."""
GOLDEN = (5**0.5 - 1) / 2


def train(
    tagger: SequenceTagger,
    training: Tagged,
    held_out: Tagged,
    checkpoint: str | Path | None,
    progress: Progress | None,
) -> tuple[TagNetwork, History]:
    """Train the network of a tagger.

    Args:
        tagger: its parameters, vocabularies, classes and seed.
        training: what to learn.
        held_out: what to judge each epoch by; the weights of the best one are kept.
        checkpoint: file to go on from after a stop.
        progress: called with (epochs done, epochs in all).

    Returns:
        The trained network, whose input is `(batch, time)` numbers of forms and whose output `(batch, time, tags)`
        scores; and the losses, in nats per word, one an epoch.
    """
    torch.manual_seed(tagger.seed_)
    network = make_network(tagger)
    forms = Forms.of(training.X + held_out.X, tagger.words_, tagger.letters_)
    rows = ROWS if len(training.X) >= FEW else ROWS_OF_FEW
    config = TrainConfig(
        epochs=epochs_for(tagger.epochs, -(-len(training.X) // rows), UPDATES),
        learning_rate=2e-3,
        clip_norm=5.0,
        schedule="cosine",
        ema=0.998,
        patience=3,
        seed=tagger.seed_,
    )

    def loss(batch: Batch, _: Any) -> tuple[Tensor, None]:
        return network.loss(batch, forms), None

    history = fit(
        network,
        _source(tagger, training, forms, rows, tagger.seed_),
        loss=loss,
        config=config,
        validation=_source(tagger, held_out, forms, 2 * rows, None),
        checkpoint=checkpoint,
        resume=checkpoint is not None,
        progress=None if progress is None else lambda done, total, _: progress(done, total),
    )
    temper(network, tagger, held_out)
    return network, history


def make_network(tagger: SequenceTagger) -> TagNetwork:
    """The network of a tagger, with fresh weights."""
    return TagNetwork(
        len(tagger.words_),
        len(tagger.letters_),
        len(tagger.classes_),
        cell=tagger.cell,
        hidden_size=tagger.hidden_size,
        num_layers=tagger.num_layers,
        dropout=tagger.dropout,
        crf=tagger.output == "crf",
    )


def answers(
    network: TagNetwork, tagger: SequenceTagger, X: list[list[str]]
) -> tuple[list[list[str]], list[Values]]:
    """The tags of each sentence, and the probability of each tag for each word `(words, classes)`."""
    tags: list[list[str]] = [[] for _ in X]
    shares: list[Values] = [np.zeros((0, len(tagger.classes_))) for _ in X]
    for index, lengths, scores in _scores(network, tagger, X):
        best, marginals = network.answer(scores, lengths)
        for row, (place, length) in enumerate(zip(index.tolist(), lengths.tolist(), strict=True)):
            tags[place] = [tagger.classes_[number] for number in best[row, :length].tolist()]
            shares[place] = marginals[row, :length].numpy().astype(np.float64)
    return tags, shares


def temper(network: TagNetwork, tagger: SequenceTagger, held_out: Tagged) -> None:
    """Find the temperature with which the probabilities fit held-out data best.

    References:
        Guo et al. (2017), On calibration of modern neural networks, section 4.2, https://arxiv.org/abs/1706.04599.
    """
    X, numbers = held_out.X[:JUDGED], tagger.numbers_
    pieces = list(_scores(network, tagger, X))

    def log_loss(log_temperature: float) -> float:
        network.temperature.fill_(float(np.exp(log_temperature)))
        total = 0.0
        for index, lengths, scores in pieces:
            _, marginals = network.answer(scores, lengths)
            for row, place in enumerate(index.tolist()):
                true = [numbers[tag] for tag in held_out.y[place]]
                total -= float(marginals[row, range(len(true)), true].clamp(min=1e-12).log().sum())
        return total

    best = _least(log_loss, np.log(0.5), np.log(4.0), 8)
    network.temperature.fill_(float(np.exp(best)))


def _least(function: Any, low: float, high: float, steps: int) -> float:
    """The place of the least value of a function with one valley, by golden-section search."""
    first, second = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    of_first, of_second = function(first), function(second)
    for _ in range(steps):
        if of_first <= of_second:
            high, second, of_second = second, first, of_first
            first = high - GOLDEN * (high - low)
            of_first = function(first)
        else:
            low, first, of_first = first, second, of_second
            second = low + GOLDEN * (high - low)
            of_second = function(second)
    return (low + high) / 2


@torch.no_grad()
def _scores(
    network: TagNetwork, tagger: SequenceTagger, X: list[list[str]]
) -> Iterator[tuple[NDArray[np.int64], Tensor, Tensor]]:
    """Places, lengths and scores of some sentences, batch by batch."""
    forms = Forms.of(X, tagger.words_, tagger.letters_)
    encoded = [forms.encode(sentence) for sentence in X]
    network.eval()
    for index in length_buckets([len(sentence) for sentence in X], 2 * ROWS, None):
        padded, lengths = pad([encoded[place] for place in index], torch.int64)
        yield index, lengths, network(padded, lengths, forms)


def _source(tagger: SequenceTagger, data: Tagged, forms: Forms, rows: int, seed: int | None) -> RaggedBatches:
    """Batches of sentences with their tags."""
    numbers = tagger.numbers_
    return RaggedBatches(
        [forms.encode(sentence) for sentence in data.X],
        [[numbers[tag] for tag in tags] for tags in data.y],
        batch_size=rows,
        seed=seed,
    )
