"""What happened during training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ostinato.errors import ModelFileError


@dataclass(frozen=True)
class Sighting:
    """What a watcher saw at one update, between its backward pass and its step.

    Args:
        epoch: The epoch, from 0.
        update: Updates made before this one.
        gradient_norm: Norm of all gradients together, before clipping.
        update_ratio: Norm of the last update that was measured over the norm of the weights; None before the first.
        memory: Steps within which 90 % of the gradient lies, of the layer where that is longest; None where the
            memory is not followed, and where no gradient arrives.
        by_lag: Norm of the gradient with respect to the state 0, 1, 2, ... steps before the loss looks, by layer;
            empty at updates whose curves are not kept.
    """

    epoch: int
    update: int
    gradient_norm: float
    update_ratio: float | None = None
    memory: int | None = None
    by_lag: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class History:
    """One number an epoch for everything worth keeping, and what watchers saw.

    Args:
        train: Mean training loss.
        validation: Validation loss; empty without validation.
        learning_rate: Learning rate.
        gradient_norm: Largest norm of all gradients together, before clipping.
        seconds: Wall-clock seconds.
        best_epoch: Epoch whose weights were kept, from 0; None before the first epoch has ended.
        stopped_early: Whether patience ran out.
        sightings: What watchers saw, in the order of the updates; empty where nothing watched.
    """

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    stopped_early: bool = False
    sightings: list[Sighting] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of epochs."""
        return len(self.train)

    @property
    def judged(self) -> list[float]:
        """The losses that decide which epoch is best: validation where there is one, otherwise training."""
        return self.validation or self.train

    def to_dict(self) -> dict[str, Any]:
        """Return the history as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> History:
        """Return the history that `to_dict` described.

        Raises:
            ModelFileError: If a part is missing or unknown.
        """
        expected = set(cls().to_dict())
        if set(saved) != expected:
            raise ModelFileError(
                f"a saved history has the parts {', '.join(sorted(saved))}, not {', '.join(sorted(expected))}"
            )
        sightings = [Sighting(**each) for each in saved["sightings"]]
        return cls(**{**saved, "sightings": sightings})
