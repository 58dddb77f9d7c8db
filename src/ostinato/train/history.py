"""What happened during training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ostinato.errors import ModelFileError


@dataclass
class History:
    """One number an epoch for everything worth keeping.

    Args:
        train: Mean training loss.
        validation: Validation loss; empty without validation.
        learning_rate: Learning rate.
        gradient_norm: Largest norm of all gradients together, before clipping.
        seconds: Wall-clock seconds.
        best_epoch: Epoch whose weights were kept, from 0; None before the first epoch has ended.
        stopped_early: Whether patience ran out.
    """

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    stopped_early: bool = False

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
        return cls(**saved)
