"""The settings of training, checked when they are made; importing them does not import torch."""

from dataclasses import dataclass
from math import inf

from ostinato.errors import ConfigError

OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("constant", "cosine", "plateau")


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Args:
        epochs: The most passes over the data.
        learning_rate: Of the first epoch.
        optimizer: `"adam"`, `"adamw"` or `"sgd"` (with momentum 0.9).
        weight_decay: Pull of the weights to zero, as the optimizer understands it.
        clip_norm: Largest norm of all gradients together, None for no limit.
        schedule: `"constant"`; `"cosine"`, which falls to zero at the last epoch; or `"plateau"`, which
            halves after `plateau` epochs without a better loss.
        plateau: Epochs without a better loss after which the plateau schedule halves the rate.
        patience: Epochs without a better loss after which training stops with the best weights; None trains
            all epochs and keeps the last weights.
        tbptt: `(k1, k2)`: update every k1 steps, with gradients through the last k2 steps; None for whole
            sequences.
        seed: Of dropout and everything else drawn while training.
        ema: Decay of the moving average of the weights, which is then what is judged and kept; None for none.
        checkpoint_every: Epochs between checkpoints, where a checkpoint is asked for.

    Examples:
        >>> TrainConfig(epochs=10, tbptt=(20, 20)).clip_norm
        1.0
    """

    epochs: int = 100
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    weight_decay: float = 0.0
    clip_norm: float | None = 1.0
    schedule: str = "constant"
    plateau: int = 5
    patience: int | None = None
    tbptt: tuple[int, int] | None = None
    seed: int = 0
    ema: float | None = None
    checkpoint_every: int = 1

    def __post_init__(self) -> None:
        self._check_names()
        self._check_numbers()
        if self.tbptt is not None:
            self._check_tbptt(*self.tbptt)

    def _check_names(self) -> None:
        """Refuse unknown names."""
        if self.optimizer not in OPTIMIZERS:
            raise ConfigError(f"optimizer is {self.optimizer!r}; use one of {', '.join(OPTIMIZERS)}")
        if self.schedule not in SCHEDULES:
            raise ConfigError(f"schedule is {self.schedule!r}; use one of {', '.join(SCHEDULES)}")

    def _check_numbers(self) -> None:
        """Refuse numbers that cannot be used."""
        for name in ("epochs", "plateau", "patience", "checkpoint_every"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ConfigError(f"{name} is {number}; use at least 1")
        for name in ("learning_rate", "clip_norm"):
            number = getattr(self, name)
            if number is not None and not 0 < number < inf:
                raise ConfigError(f"{name} is {number}; use a number above 0")
        if not 0 <= self.weight_decay < inf:
            raise ConfigError(f"weight_decay is {self.weight_decay}; use 0 or more")
        if self.ema is not None and not 0 < self.ema < 1:
            raise ConfigError(f"ema is {self.ema}; use a decay between 0 and 1, such as 0.99")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed is {self.seed}; use 0 or more, below 2**63")

    def _check_tbptt(self, every: int, back: int) -> None:
        """Refuse steps of truncated backpropagation that do not fit together."""
        if every < 1 or back < every or back % every != 0:
            raise ConfigError(f"tbptt is ({every}, {back}); k1 must be at least 1 and k2 a multiple of k1")
