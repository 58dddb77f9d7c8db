"""A recurrent network that reads a series once, step by step, and answers the next steps after each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError, DataError
from ostinato.kernels import Stepper
from ostinato.tasks.forecasting.recipes import Recipe
from ostinato.tasks.streaming.encoding import FEATURES, Running, Start

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from ostinato.data.batch import Batch

    Progress = Callable[[int, int], None]

Values = NDArray[np.float64]

KINDS = {"lstm": "lstm", "gru": "gru", "rnn": "rnn_tanh"}
"""Cells whose state is carried without torch, and their kernels."""
USUAL_KIND = "lstm"
BURN_IN = 4
"""Values that a series needs before its answers are learned from."""
LONGEST_ROW, SHORTEST_ROW = 256, 32
"""Steps of a series that are learned from in one go."""
MOST_ROWS = 2_000
"""Rows, and series, that one fit learns from at most."""
MOST_ANSWERS = 20_000_000
"""Numbers that all rows ask for, beyond which fewer series are learned from."""


@dataclass(frozen=True)
class Weights:
    """A trained network as arrays.

    Attributes:
        cell: a key of `KINDS`.
        recurrent: `weight_ih, weight_hh, bias_ih, bias_hh` of each layer.
        head: weight (h, hidden) and bias (h,) of the dense output.
        history: what the training went through.
    """

    cell: str
    recurrent: tuple[NDArray[np.float32], ...]
    head: tuple[NDArray[np.float32], NDArray[np.float32]]
    history: dict[str, Any]

    @property
    def horizon(self) -> int:
        """Steps answered at once."""
        return len(self.head[1])


@final
class Carried:
    """A network in the middle of some series: running statistics and hidden state, both moved by each value.

    Args:
        weights: the network.
        running: the statistics.
        state: each part of the hidden state, (layers, series, hidden); zeros when None.
    """

    def __init__(
        self, weights: Weights, running: Running, state: Sequence[NDArray[np.float32]] | None = None
    ) -> None:
        self.weights = weights
        self.running = running
        self._stepper = Stepper(KINDS[weights.cell], weights.recurrent, batch=len(running.arrays["last"]))
        self._head = weights.head[0].T, weights.head[1]
        self._hidden = self._stepper.state[0][-1]
        for own, given in zip(self._stepper.state, state or (), strict=state is not None):
            own[:] = given

    @property
    def state(self) -> tuple[NDArray[np.float32], ...]:
        """Each part of the hidden state, (layers, series, hidden)."""
        return self._stepper.state

    def advance(self, y: Values) -> None:
        """Move by one value of each series, (series,); NaN where missing."""
        self._stepper.step(self.running.advance(y))

    def ahead(self, h: int) -> Values:
        """Forecasts of the next `h` steps, (series, h); beyond the trained horizon, from its own forecasts."""
        blocks = [self._block()]
        if h > self.weights.horizon:
            copy = self.take(np.arange(len(self._hidden)))
            while sum(block.shape[1] for block in blocks) < h:
                for y in blocks[-1].T:
                    copy.advance(y)
                blocks.append(copy._block())
        return np.concatenate(blocks, axis=1)[:, :h] if len(blocks) > 1 else blocks[0][:, :h]

    def take(self, rows: NDArray[np.int64]) -> Carried:
        """Some of the series, a copy.

        Args:
            rows: their places.
        """
        running = Running({name: array[rows] for name, array in self.running.arrays.items()})
        return Carried(self.weights, running, [part[:, rows] for part in self.state])

    def put(self, rows: NDArray[np.int64], part: Carried) -> None:
        """Put back what `take` gave, after it went on."""
        for name, array in part.running.arrays.items():
            self.running.arrays[name][rows] = array
        for own, moved in zip(self.state, part.state, strict=True):
            own[:, rows] = moved

    def _block(self) -> Values:
        """Forecasts of the trained horizon, (series, horizon)."""
        weight, bias = self._head
        return self.running.read((self._hidden @ weight + bias).astype(np.float64))


def carried_cell(cell: str) -> str:
    """The cell itself, or the usual one where the state of that cell cannot be carried without torch."""
    return cell if cell in KINDS else USUAL_KIND


def fit_weights(
    pasts: Sequence[Values],
    starts: Sequence[Start],
    recipe: Recipe,
    *,
    cell: str,
    h: int,
    seed: int,
    progress: Progress | None = None,
) -> Weights:
    """Train a network on all series, each read from its beginning, with an answer asked for after every step.

    The latest fifth of each series tells a first network how long to train; the one that is kept is trained that
    long on everything.

    Args:
        pasts: (time,) values of each series in its own unit; NaN where missing.
        starts: what is known of the scale of each series.
        recipe: sizes and rates.
        cell: a key of `KINDS`.
        h: steps to answer.
        seed: of the first weights and the order of the rows.
        progress: called with (epochs done, epochs in all).

    Raises:
        ConfigError: the cell cannot be carried without torch.
        DataError: no series is long enough.
        TrainingError: the loss became NaN.
    """
    if cell not in KINDS:
        raise ConfigError(
            f"cell is {cell!r}, whose state the streaming recipe cannot carry; use one of: {', '.join(KINDS)}"
        )
    rows, late = learning_rows(pasts, starts, h, recipe.validation)
    if rows.real == 0:
        raise DataError(
            f"no series has {BURN_IN + 1 + h} rows with values that change, which a horizon of {h} needs; "
            "use a smaller horizon"
        )
    steps_an_epoch = math.ceil(len(rows) / recipe.batch_size)
    growth = max(1.0, math.sqrt(len(rows) / recipe.batch_size))
    usual, most = (math.ceil(steps * growth / steps_an_epoch) for steps in recipe.steps)
    assert rows.mask is not None, "every row has one"
    early, held_out = replace(rows, mask=rows.mask & ~late), replace(rows, mask=rows.mask & late)
    work = _Work(recipe, cell, h, progress, total=2 * most)
    epochs = usual
    scouted: dict[str, Any] = {}
    if early.real > 0 and held_out.real > 0:
        _, scouted = work.train(early, most, seed + 1, held_out, patience=max(usual // 2, 1))
        losses = scouted["validation"]
        start = min(usual, len(losses)) - 1
        epochs = start + 1 + int(np.argmin(losses[start:]))
    network, history = work.train(rows, epochs, seed, None)
    weights = [weight.detach().numpy() for weight in network["recurrent"].parameters()]
    head = network["head"].linear
    return Weights(
        cell,
        tuple(weights),
        (head.weight.detach().numpy(), head.bias.detach().numpy()),
        {**(scouted or history), "chosen_epochs": epochs},
    )


class _Work:
    """The trainings of one fit, with one progress over both."""

    def __init__(self, recipe: Recipe, cell: str, h: int, progress: Progress | None, *, total: int) -> None:
        self.recipe = recipe
        self.cell = cell
        self.h = h
        self.progress = progress
        self.total = total
        self.done = 0

    def train(
        self, rows: Batch, epochs: int, seed: int, held_out: Batch | None, *, patience: int | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Train one network from its first weights; it is a dictionary of `recurrent` and `head`."""
        import torch
        from torch import nn

        from ostinato.data.batch import Batches
        from ostinato.nn import LAYERS
        from ostinato.nn.heads import PointHead
        from ostinato.tasks.forecasting.fitting import one_thread, training_config
        from ostinato.train.loop import fit

        recipe = self.recipe
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layer = LAYERS[self.cell](FEATURES, recipe.hidden_size, recipe.num_layers, batch_first=True)
            head = PointHead(recipe.hidden_size, self.h, loss=recipe.loss)
        for weight in head.parameters():
            nn.init.zeros_(weight)  # so the first forecast is the last value
        network = nn.ModuleDict({"recurrent": layer, "head": head})
        config = training_config(recipe, epochs, patience, seed)
        with one_thread():
            history = fit(
                network,
                Batches(rows, batch_size=recipe.batch_size, seed=seed),
                loss=lambda batch, _: (
                    head.loss(head(layer(batch.inputs)[0]), batch.targets, batch.mask),
                    None,
                ),
                config=config,
                validation=None if held_out is None else Batches(held_out, batch_size=64, shuffle=False),
                progress=self._report,
            )
        self.done += self.total // 2
        self._report(0, epochs, {})
        return network, history.to_dict()

    def _report(self, done: int, _epochs: int, _losses: Mapping[str, float]) -> None:
        if self.progress is not None:
            self.progress(min(self.done + done, self.total), self.total)


def as_module(weights: Weights, loss: str) -> nn.ModuleDict:
    """The network in torch, `recurrent` and `head`; with weights of its own.

    Args:
        weights: the network.
        loss: of the head.
    """
    import torch

    from ostinato.nn import LAYERS
    from ostinato.nn.heads import PointHead

    hidden = weights.recurrent[1].shape[1]
    layer = LAYERS[weights.cell](FEATURES, hidden, len(weights.recurrent) // 4, batch_first=True)
    network = torch.nn.ModuleDict({"recurrent": layer, "head": PointHead(hidden, weights.horizon, loss=loss)})
    with torch.no_grad():
        for own, given in zip(network.parameters(), (*weights.recurrent, *weights.head), strict=True):
            own.copy_(torch.from_numpy(given))
    return network


def learning_rows(
    pasts: Sequence[Values], starts: Sequence[Start], h: int, share: float
) -> tuple[Batch, Tensor]:
    """What the network sees of every series and the right answers after each step, cut into rows of one length.

    Series are padded with missing values at the end, which have no answers. Rows overlap; of very many, evenly spaced
    ones are kept.

    Args:
        pasts: (time,) values of each series.
        starts: what is known of the scale of each.
        h: steps to answer.
        share: of each series, the latest, that is to be judged by.

    Returns:
        The rows, and which of their answers lie in the latest share of their series.
    """
    import torch

    from ostinato.data.batch import Batch

    length = max(len(past) for past in pasts)
    count = min(len(pasts), MOST_ROWS, max(1, MOST_ANSWERS // (length * h)))
    chosen = np.linspace(0, len(pasts) - 1, count).astype(np.intp)
    values = np.full((count, length + h), np.nan)
    for row, place in zip(values, chosen, strict=True):
        row[: len(pasts[place])] = pasts[place]
    features, targets = _read(values, Running.start([starts[place] for place in chosen]), h)
    ends = np.array([len(pasts[place]) for place in chosen])
    answered = np.arange(length)[:, None] + np.arange(1, h + 1)  # (time, h) the step that is answered
    late = answered >= np.floor((1 - share) * ends)[:, None, None]
    size = min(length, max(SHORTEST_ROW, min(LONGEST_ROW, length // 2)))
    begins = sorted({*range(0, length - size + 1, max(size // 4, 1)), length - size})
    pieces = [
        np.concatenate([array[:, at : at + size] for at in begins]) for array in (features, targets, late)
    ]
    real = np.isfinite(pieces[1])
    kept = np.flatnonzero(real.any(axis=(1, 2)))
    kept = (
        kept[np.unique(np.linspace(0, max(len(kept) - 1, 0), MOST_ROWS).astype(np.intp))]
        if len(kept)
        else kept
    )
    inputs, answers, latest = (torch.from_numpy(piece[kept]) for piece in pieces)
    mask = torch.from_numpy(real[kept])
    return Batch(inputs, answers.masked_fill(~mask, 0.0), mask), latest


def _read(values: Values, running: Running, h: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features (series, time, 3) of each step, and the right answers (series, time, h) after it."""
    series, length = values.shape[0], values.shape[1] - h
    features = np.empty((series, length, FEATURES), dtype=np.float32)
    targets = np.empty((series, length, h), dtype=np.float32)
    for step in range(length):
        features[:, step] = running.advance(values[:, step])
        enough = running.arrays["seen"] > BURN_IN
        answers = running.targets(values[:, step + 1 : step + 1 + h])
        targets[:, step] = np.where(enough[:, None], answers, np.nan)
    return features, targets
