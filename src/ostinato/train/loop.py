"""The one training loop, for backpropagation through whole sequences and through cut ones alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ostinato.data.batch import Batch
from ostinato.errors import ConfigError, TrainingError
from ostinato.train.config import TrainConfig
from ostinato.train.history import History, Sighting
from ostinato.train.optimizers import gradient_norm, learning_rate
from ostinato.train.training import Step, Training

Loss = Callable[[Batch, Any], tuple[Tensor, Any]]
Watcher = Callable[[nn.Module, Step], Sighting | None]
Progress = Callable[[int, int, dict[str, float]], None]
Judge = Callable[[nn.Module], float]


class Source(Protocol):
    """Where batches come from: any epoch, in an order that depends on its number alone."""

    def epoch(self, number: int) -> Iterable[Batch]:
        """Yield the batches of an epoch, from 0."""
        ...


def fit(  # noqa: PLR0913  # the contract of the whole package
    model: nn.Module,
    batches: Source,
    *,
    loss: Loss,
    config: TrainConfig,
    validation: Source | Judge | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    watchers: Sequence[Watcher] = (),
    progress: Progress | None = None,
) -> History:
    """Find the weights of a model.

    For each batch, for each chunk of it along time: loss, backward, clip, step, detach the state. The model
    is left in evaluation mode with the last weights, or with the best ones where `config.patience` is set.
    Random numbers drawn outside are not disturbed.

    Args:
        model: The network; trained in place, on the device it is on.
        batches: Training batches.
        loss: `loss(batch, state) -> (scalar, state)`; the state is None at the start, and otherwise what the
            last call returned, detached: a tensor `(layers, batch, hidden)` or a tuple of such.
        config: The settings.
        validation: Batches whose loss judges each epoch, or a function of the model that returns a number to
            judge by, the lower the better, such as an error rate; it is called in evaluation mode without
            gradients. The training loss judges where None.
        checkpoint: A file for everything needed to go on after a stop.
        resume: Whether to go on from the checkpoint, or from the start where there is none yet.
        watchers: Called after each backward pass with the model and a `Step`; they must change nothing. A `Sighting`
            that one returns is kept in the history.
        progress: Called after each epoch with its number from 1, the number of epochs, and the losses.

    Returns:
        What happened, one entry an epoch, and what the watchers saw.

    Raises:
        ConfigError: If settings do not fit together, or the checkpoint is of another run.
        ModelFileError: If the checkpoint is damaged.
        TrainingError: If the loss is no longer a finite number.

    References:
        Williams and Peng (1990), An efficient gradient-based algorithm for on-line training of recurrent
        network trajectories, Neural Computation 2(4): BPTT(h; h') with h = k2 and h' = k1.
    """
    if resume and checkpoint is None:
        raise ConfigError("resume is set without a checkpoint; say which file to go on from")
    training = Training(model, config)
    file = None if checkpoint is None else Path(checkpoint)
    with training.own_random_numbers():
        if file is not None and resume and file.exists():
            training.load(file)
        while not training.finished:
            started = time.perf_counter()
            train_loss = _train_epoch(training, batches, loss, watchers)
            valid_loss = None if validation is None else _validate(training, validation, loss)
            training.end_epoch(train_loss, valid_loss, time.perf_counter() - started)
            done = len(training.history)
            if file is not None and (training.finished or done % config.checkpoint_every == 0):
                training.save(file)
            if progress is not None:
                losses = {"train": train_loss} | ({} if valid_loss is None else {"validation": valid_loss})
                progress(done, config.epochs, losses)
    training.keep_best()
    model.eval()
    return training.history


def _train_epoch(training: Training, batches: Source, loss: Loss, watchers: Sequence[Watcher]) -> float:
    """Train on every batch once and return the mean loss."""
    training.model.train()
    training.start_epoch(learning_rate(training.config, len(training.history), training.history.judged))
    total, weight = 0.0, 0
    state: Any = None
    for batch in batches.epoch(len(training.history)):
        batch = training.place(batch)
        state = _carried(state, batch)
        value, state = _train_batch(training, batch, state, loss, watchers)
        total, weight = total + value * len(batch), weight + len(batch)
    if weight == 0:
        raise ConfigError("there are no batches to train on; give at least one row")
    return total / weight


def _train_batch(
    training: Training, batch: Batch, state: Any, loss: Loss, watchers: Sequence[Watcher]
) -> tuple[float, Any]:
    """Update every k1 steps, with gradients through the last k2; return the mean loss and the state."""
    if training.config.tbptt is None:
        scalar, state = loss(batch, state)
        return _update(training, batch, scalar, watchers), _detached(state)
    every, back = training.config.tbptt
    chunks = list(batch.chunks(every))
    span = back // every
    total = 0.0
    boundary = state  # the state k2 steps before the update, where the gradient is cut
    for last in range(len(chunks)):
        window = chunks[max(0, last - span + 1) : last + 1]
        state = boundary
        for place, chunk in enumerate(window):
            # All but the last chunk are run again only to carry the gradient: they were learned from before.
            scalar, state = loss(chunk, state)
            if place == 0 and len(window) == span:
                boundary = _detached(state)
        total += _update(training, window[-1], scalar, watchers)
    return total / len(chunks), _detached(state)


def _update(training: Training, batch: Batch, scalar: Tensor, watchers: Sequence[Watcher]) -> float:
    """Backward, clip, step; return the loss."""
    value = scalar.item()
    if not math.isfinite(value):
        raise TrainingError(_not_finite("loss", value, training))
    training.optimizer.zero_grad()
    scalar.backward()  # type: ignore[no-untyped-call]  # torch left it untyped
    if watchers:
        step = Step(len(training.history), training.updates, value, batch)
        seen = [watcher(training.model, step) for watcher in watchers]
        training.history.sightings += [each for each in seen if each is not None]
    training.norms.append(gradient_norm(training.parameters, training.config.clip_norm))
    training.step()
    return value


@torch.no_grad()
def _validate(training: Training, validation: Source | Judge, loss: Loss) -> float:
    """Return the number that judges an epoch, of the averaged weights where there is an average."""
    training.model.eval()
    with training.averaged():
        value = (
            float(validation(training.model))
            if callable(validation)
            else _mean_loss(training, validation, loss)
        )
    if not math.isfinite(value):
        raise TrainingError(_not_finite("validation loss", value, training))
    return value


def _mean_loss(training: Training, validation: Source, loss: Loss) -> float:
    """Return the mean loss over the real targets of some batches."""
    total, weight = 0.0, 0
    state: Any = None
    for batch in validation.epoch(0):
        batch = training.place(batch)
        scalar, state = loss(batch, _carried(state, batch))
        total, weight = total + scalar.item() * batch.real, weight + batch.real
    if weight == 0:
        raise ConfigError(
            "the validation batches have no real target; leave validation out or give more rows"
        )
    return total / weight


def _not_finite(what: str, value: float, training: Training) -> str:
    """Say where training failed and what to try."""
    config = training.config
    clip = "set clip_norm=1.0" if config.clip_norm is None else f"a clip_norm below {config.clip_norm:g}"
    return (
        f"the {what} became {value} in epoch {len(training.history) + 1} after {training.updates} updates; "
        f"try a learning_rate below {config.learning_rate:g}, {clip}, or look for extreme values in the data"
    )


def _carried(state: Any, batch: Batch) -> Any:
    """Return the state a batch starts from: reset in rows where a series begins."""
    if state is None or batch.first is None or bool(batch.first.all()):
        return None
    return _reset(state, batch.first)


def _reset(state: Any, first: Tensor) -> Any:
    """Set the state to zero in some rows."""
    if isinstance(state, Tensor):
        if state.size(1) != len(first):
            raise ConfigError(
                f"a batch of {len(first)} rows goes on from one of {state.size(1)}; keep the number of "
                "rows, or mark every row as first"
            )
        return state.masked_fill(
            first.reshape(1, -1, *[1] * (state.dim() - 2)), 0.0
        )  # (layers, batch, hidden)
    return tuple(_reset(part, first) for part in state)


def _detached(state: Any) -> Any:
    """Cut the gradient of a state."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return state.detach()
    return tuple(_detached(part) for part in state)
