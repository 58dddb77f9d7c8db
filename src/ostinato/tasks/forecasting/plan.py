"""What a fit will do, decided before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ostinato.evaluate.knots import LEVELS
from ostinato.tasks.forecasting.recipes import Recipe

SHORTEST_CONTEXT = 4
"""Real steps that the shortest window must look back."""

STEPS_WITH_COVARIATES = 3
"""How many times as many optimiser steps a network takes that has covariates to learn from as well."""


@dataclass(frozen=True)
class Channels:
    """What a network sees beside the series itself.

    Attributes:
        known: columns known in advance, calendar included.
        past: columns known up to the origin.
        static: numbers that describe a series.
    """

    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of a frame, those known in advance first."""
        return self.known + self.past

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.columns) or self.static > 0


@dataclass(frozen=True)
class Plan:
    """What a fit will do, decided before it starts.

    Attributes:
        recipe: the settings.
        cell: a key of `ostinato.nn.LAYERS`.
        context: steps a window looks back.
        horizon: steps the network answers at once.
        seed: of the first network; the others count up from it.
        season_length: steps in a season.
        channels: what the network sees beside the series.
    """

    recipe: Recipe
    cell: str
    context: int
    horizon: int
    seed: int
    season_length: int
    channels: Channels = field(default_factory=Channels)

    @classmethod
    def make(
        cls,
        recipe: Recipe,
        *,
        cell: str,
        h: int,
        season_length: int,
        seed: int,
        channels: Channels | None = None,
    ) -> Plan:
        """The plan for a horizon of `h` steps."""
        context = recipe.context or int(np.clip(2 * season_length, 24, 128))
        horizon = h if recipe.direct else 1
        return cls(recipe, cell, context, horizon, seed, season_length, channels or Channels())

    @property
    def shortest(self) -> int:
        """Rows that at least one series must have."""
        return self.least + self.horizon + (1 if self.recipe.relative else 9)

    @property
    def least(self) -> int:
        """Steps of the past that the shortest window has."""
        return min(SHORTEST_CONTEXT, self.context) if self.recipe.relative else self.context

    @property
    def features(self) -> int:
        """Features a step: the series and its mask, each covariate and its mask, and what describes the series."""
        own = 2 if self.recipe.relative else 1
        return own + 2 * len(self.channels.columns) + self.channels.static

    @property
    def answers(self) -> int:
        """Numbers that the network answers a step: quantiles, or one."""
        return len(LEVELS) if self.recipe.loss == "quantile" else 1

    @property
    def ahead(self) -> int:
        """Features of a step ahead: each known covariate, its mask, and how it differs from its last value."""
        return 3 * len(self.channels.known)

    @property
    def steps(self) -> tuple[int, int]:
        """Usual and most optimiser steps for a small set of windows."""
        usual, most = self.recipe.steps
        factor = STEPS_WITH_COVARIATES if self.channels else 1
        return factor * usual, factor * most
