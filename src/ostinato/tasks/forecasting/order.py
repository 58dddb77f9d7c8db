"""What is asked of a model that forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ostinato.data.statics import Statics
from ostinato.tasks.forecasting.exogenous import Exogenous


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        recipe: a key of `RECIPES`.
        cell: "rnn", "lstm", "gru" or another cell.
        h: steps to forecast.
        freq: pandas alias or integer step.
        season_length: steps in a season; found in each past when None.
        seed: of the first network.
        exogenous: covariates.
        statics: what describes the series.
        checkpoint: folder that interrupted trainings resume from.
        time_budget: seconds that a choice among recipes, and the fit after it, may take; 60 when None.
        settings: of the recipe, in place of its own.
    """

    recipe: str
    cell: str
    h: int
    freq: str | int
    season_length: int | None
    seed: int
    exogenous: Exogenous = field(default_factory=Exogenous)
    statics: Statics = field(default_factory=Statics)
    checkpoint: Path | None = None
    time_budget: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        forecaster: Any,
        recipe: str,
        freq: str | int,
        seed: int,
        statics: Statics | None = None,
        checkpoint: Path | None = None,
    ) -> Order:
        """What a forecaster with these parameters asks for."""
        return cls(
            recipe=recipe,
            cell=forecaster.cell,
            h=forecaster.h,
            freq=freq,
            season_length=forecaster.season_length,
            seed=seed,
            exogenous=Exogenous.of(forecaster),
            statics=statics or Statics(),
            checkpoint=checkpoint,
            time_budget=forecaster.time_budget,
            settings=forecaster.settings or {},
        )
