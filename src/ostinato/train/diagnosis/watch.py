"""Watching a training: norms of gradients, size of updates, clipping. It changes nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ostinato.errors import ConfigError
from ostinato.train.config import TrainConfig
from ostinato.train.diagnosis.gradients import StateGradients, longest_memory
from ostinato.train.diagnosis.reading import Loss, read_gradients
from ostinato.train.history import Sighting
from ostinato.train.training import Step


@dataclass(frozen=True)
class WatchSummary:
    """What a watch saw.

    Attributes:
        updates: how many updates it was called for.
        first_loss: mean loss of the first tenth of them, at least one.
        last_loss: mean loss of the last tenth.
        worst_loss: the largest loss.
        gradient_norm: median norm of all gradients together, before clipping.
        clipped: share of the updates whose gradient was scaled down; None without clipping.
        shrunk: median factor by which clipping scaled the gradients, 1 where it did not; None without clipping.
        update_ratio: median size of an update over the size of the weights, at the looks; None before the first.
        largest_update: the largest of these.
        sightings: what was seen at every look, in the order of the updates.
    """

    updates: int
    first_loss: float
    last_loss: float
    worst_loss: float
    gradient_norm: float
    clipped: float | None
    shrunk: float | None
    update_ratio: float | None
    largest_update: float | None
    sightings: tuple[Sighting, ...] = ()


class Writer(Protocol):
    """Where numbers go while they come: `torch.utils.tensorboard.SummaryWriter` is one."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> object:
        """Take a number of one update."""
        ...


@dataclass
class TrainingWatch:
    """A watcher for `train.loop.fit`, or for a loop of your own.

    Args:
        config: the settings of the training, for the norm that gradients are clipped to.
        every: updates from one look at the size of an update to the next; a look copies the weights.
        loss: `loss(model, batch) -> scalar`, to follow the memory as well; that runs the batch once more, on the fused
            kernels where they can.
        memory_every: updates from one sighting, and look at the memory, to the next.
        curves_every: epochs from one sighting that keeps the gradients by lag to the next.
        writer: takes loss, gradient norm, update ratio, memory and the gradient at lags 1, 2, 4, ... as they come, such
            as TensorBoard's.

    Attributes:
        losses: loss of each update.
        norms: norm of all gradients together at each update, before clipping.
        ratios: norm of an update over the norm of the weights, at every look at it.
        sightings: what was seen every `memory_every` updates; `train.loop.fit` keeps them in its history as well.

    Examples:
        >>> model = nn.Linear(2, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> watch = TrainingWatch(every=1)
        >>> for _ in range(3):
        ...     loss = model(torch.ones(4, 2)).square().mean()
        ...     optimizer.zero_grad()
        ...     loss.backward()
        ...     watch.note(model, loss.item())
        ...     optimizer.step()
        >>> watch.summary().updates, len(watch.ratios)
        (3, 2)
    """

    config: TrainConfig | None = None
    every: int = 10
    loss: Loss | None = None
    memory_every: int = 10
    curves_every: int = 1
    writer: Writer | None = field(default=None, repr=False)
    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    _before: list[Tensor] | None = field(default=None, repr=False)
    _next_curves: int = field(default=0, repr=False)

    def __post_init__(self) -> None:
        for name in ("every", "memory_every", "curves_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; use at least 1")

    def __call__(self, model: nn.Module, step: Step) -> Sighting | None:
        """Look at a model between its backward pass and its update.

        Args:
            model: with gradients.
            step: the update.

        Returns:
            What was seen, every `memory_every` updates of the training; otherwise None.
        """
        self._note(model, step.loss, step.update)
        if step.update % self.memory_every:
            return None
        gradients = {} if self.loss is None else read_gradients(model, step.batch, self.loss)
        memory, curves = longest_memory(gradients.values()), {}
        self._write("memory", memory, step.update)
        self._write_curves(gradients, step.update)
        if gradients and step.epoch >= self._next_curves:
            curves = {name: each.by_lag.tolist() for name, each in gradients.items()}
            self._next_curves = step.epoch + self.curves_every
        ratio = self.ratios[-1] if self.ratios else None
        self.sightings.append(Sighting(step.epoch, step.update, self.norms[-1], ratio, memory, curves))
        return self.sightings[-1]

    def note(self, model: nn.Module, loss: float) -> None:
        """Look at a model after its backward pass, before gradients are clipped and weights are updated.

        Args:
            model: with gradients.
            loss: of this update.
        """
        self._note(model, loss, len(self.losses))

    @torch.no_grad()
    def _note(self, model: nn.Module, loss: float, update: int) -> None:
        """Note the sizes of gradients and updates."""
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        norms = torch._foreach_norm(gradients) if gradients else [torch.zeros(())]
        self.losses.append(loss)
        self._write("loss", loss, update)
        self.norms.append(float(torch.linalg.vector_norm(torch.stack(list(norms)))))
        self._write("gradient_norm", self.norms[-1], update)
        if self._before is not None:
            size = _norm(self._before)
            steps = [now - before for now, before in zip(weights, self._before, strict=True)]
            self.ratios.append(_norm(steps) / size if size > 0 else 0.0)
            self._write("update_ratio", self.ratios[-1], update)
            self._before = None
        if len(self.losses) % self.every == 1 or self.every == 1:
            self._before = [weight.detach().clone() for weight in weights]

    def _write(self, name: str, value: float | None, update: int) -> None:
        """Hand a number to the writer."""
        if self.writer is not None and value is not None:
            self.writer.add_scalar(f"watch/{name}", value, update)

    def _write_curves(self, gradients: Mapping[str, StateGradients], update: int) -> None:
        """Hand the gradient at lags 1, 2, 4, ... to the writer, as a share of the largest."""
        for name, each in gradients.items():
            largest = each.by_lag.max(initial=0.0)
            for lag in (2**power for power in range((len(each.by_lag) - 1).bit_length())):
                if largest > 0:
                    self._write(f"gradient/{name}/lag_{lag}", float(each.by_lag[lag] / largest), update)

    def summary(self) -> WatchSummary | None:
        """What was seen so far; None before the first update."""
        if not self.losses:
            return None
        tenth = max(1, len(self.losses) // 10)
        limit = None if self.config is None else self.config.clip_norm
        norms = torch.tensor(self.norms, dtype=torch.float64)
        factors = None if limit is None else (limit / norms.clamp(min=1e-300)).clamp(max=1.0)
        return WatchSummary(
            len(self.losses),
            sum(self.losses[:tenth]) / tenth,
            sum(self.losses[-tenth:]) / tenth,
            max(self.losses),
            float(norms.median()),
            None if factors is None else float((factors < 1).double().mean()),
            None if factors is None else float(factors.median()),
            float(torch.tensor(self.ratios).median()) if self.ratios else None,
            max(self.ratios, default=None),
            tuple(self.sightings),
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything noted, as plain values for JSON."""
        summary = self.summary()
        return {
            "losses": [each if math.isfinite(each) else None for each in self.losses],
            "gradient_norms": self.norms,
            "update_ratios": self.ratios,
            "summary": None if summary is None else asdict(summary),
        }


def _norm(tensors: list[Tensor] | tuple[Tensor, ...]) -> float:
    """The norm of all tensors together."""
    return float(torch.linalg.vector_norm(torch.stack(list(torch._foreach_norm(tensors)))))
