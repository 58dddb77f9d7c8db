"""What translating and captioning share: to train a network that writes sentences, and to let it write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.data.batch import Batch
from ostinato.data.padding import RaggedBatches, length_buckets, pad
from ostinato.data.text import Tokenizer
from ostinato.data.vocabulary import END, PAD, START, UNKNOWN
from ostinato.nn.beam import Beam, beam_search
from ostinato.nn.seq2seq import EncoderDecoder
from ostinato.tasks.checks import draw_seed
from ostinato.train.config import TrainConfig
from ostinato.train.loop import fit

SPECIALS = (PAD, UNKNOWN, START, END)
"""The first tokens of every vocabulary that sentences are written with; their places are their numbers."""

_START, _END = SPECIALS.index(START), SPECIALS.index(END)
_ROWS_AT_ONCE = 64

Values = NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Written:
    """A sentence that a network wrote.

    Attributes:
        text: the sentence.
        tokens: its tokens, and `</s>`.
        attention: `(tokens, source)`: the share of its attention that each token gave each place of the source.
        confidence: `(tokens,)` the probability that the network gave each token after those before it.
        score: log-probability with the penalties of the beam search; the higher, the surer.
    """

    text: str
    tokens: tuple[str, ...]
    attention: Values
    confidence: Values
    score: float


@dataclass(frozen=True)
class Examples:
    """Sources with the sentences that belong to them, as numbers.

    Attributes:
        inputs: arrays of which the network reads one each: tokens `(time,)`, images, vectors.
        targets: tokens of each sentence without `<s>` and `</s>`.
        dtype: type of the inputs.
    """

    inputs: Sequence[Any]
    targets: Sequence[Sequence[int]]
    dtype: torch.dtype

    def batches(self, batch_size: int, seed: int | None) -> RaggedBatches:
        """The source of batches for the training loop; without a seed, in order of length."""
        whole = [[_START, *target, _END] for target in self.targets]
        return RaggedBatches(self.inputs, whole, batch_size=batch_size, seed=seed, dtype=self.dtype)


def training_config(epochs: int, learning_rate: float, seed: int | None) -> TrainConfig:
    """How a network that writes is trained: the step falls along a cosine, and the weights are averaged.

    Raises:
        ConfigError: a number cannot be used.
    """
    return TrainConfig(
        epochs=epochs, learning_rate=learning_rate, schedule="cosine", ema=0.998, seed=draw_seed(seed)
    )


def train(
    network: EncoderDecoder,
    examples: Examples,
    *,
    config: TrainConfig,
    batch_size: int,
    validation: Examples | None = None,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train a network to write the sentences that belong to the sources.

    Args:
        network: trained in place.
        examples: to learn from.
        config: how to train.
        batch_size: examples in a batch.
        validation: to judge each epoch by.
        checkpoint: a file that an interrupted training goes on from.
        progress: called with (epochs done, epochs in all).

    Returns:
        What happened, as plain values.
    """

    def loss(batch: Batch, _state: Any) -> tuple[torch.Tensor, None]:
        assert batch.mask is not None, "targets are sequences"
        return network.loss(batch.inputs, batch.rows["lengths"], batch.targets, batch.mask), None

    history = fit(
        network,
        examples.batches(batch_size, config.seed),
        loss=loss,
        config=config,
        validation=None if validation is None else validation.batches(2 * batch_size, None),
        checkpoint=checkpoint,
        resume=checkpoint is not None,
        progress=None if progress is None else lambda done, total, _losses: progress(done, total),
    )
    return history.to_dict()


def write(
    network: EncoderDecoder,
    inputs: Sequence[Any],
    tokenizer: Tokenizer,
    *,
    dtype: torch.dtype,
    beam: Beam,
    longest: Callable[[int], int] | None = None,
    progress: Progress | None = None,
) -> list[Written]:
    """Let a trained network write a sentence for each source.

    Args:
        network: the network.
        inputs: arrays of which the network reads one each; at least one step.
        tokenizer: of the sentences.
        dtype: type of the inputs.
        beam: how to search.
        longest: most tokens of a sentence for the most steps of the sources beside it; that of the beam when None.
        progress: called with (sentences written, sentences in all).

    Returns:
        A sentence for each source, in their order.
    """
    arrays = [np.asarray(one) for one in inputs]
    written: list[Written | None] = [None] * len(arrays)
    done = 0
    network.eval()
    for rows in length_buckets([len(one) for one in arrays], _ROWS_AT_ONCE, None):
        batch, lengths = pad([arrays[row] for row in rows], dtype)
        most = beam.max_length if longest is None else min(longest(int(lengths.max())), beam.max_length)
        limited = Beam(beam.width, most, beam.length_penalty, beam.coverage_penalty)
        with torch.no_grad():
            state = network.start(batch, lengths)
        found = beam_search(network.decoder, state, len(rows), start=_START, end=_END, beam=limited)
        for row, (best, *_) in zip(rows, found, strict=True):
            source = len(arrays[row]) if arrays[row].ndim == 1 and dtype == torch.int64 else None
            written[row] = Written(
                tokenizer.decode(best.tokens),
                (*tokenizer.vocabulary.decode(best.tokens), END),
                best.attention[:, :source].numpy(),
                np.exp(best.steps, dtype=np.float32),
                best.score,
            )
        done += len(rows)
        if progress is not None:
            progress(done, len(arrays))
    return [one for one in written if one is not None]
