"""The models that stand beside each other in a backtest: the network and the baselines, by column name."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ostinato.errors import ConfigError
from ostinato.evaluate import baselines
from ostinato.tasks.forecasting.trained import season_of

CHOICES = ("auto", "simple", "all")
QUICK_SERIES = 8
QUICK_ROWS = 1_000
QUICK_SEASON = 24


@dataclass(frozen=True)
class MakeSeasonal:
    """A baseline whose season is found in each past; it can be pickled.

    Attributes:
        name: a key of `baselines.makers`.
        freq: pandas alias or integer step.
    """

    name: str
    freq: str | int

    def __call__(self, past: pd.DataFrame) -> baselines.Forecaster:
        """Find the season of the past and fit the baseline on it."""
        return baselines.makers(season_of(past, self.freq), self.freq)[self.name](past)


def make_baselines(
    frame: pd.DataFrame, freq: str | int, *, season_length: int | None, choice: str = "auto"
) -> tuple[dict[str, baselines.Make], list[str]]:
    """The baselines to stand beside a network.

    Args:
        frame: unique_id, ds, y; how much of it there is decides which models are quick.
        freq: pandas alias or integer step.
        season_length: steps in a season; found in each past when None.
        choice: "simple" for naive, seasonal naive and drift; "all" for AutoETS, AutoARIMA and AutoTheta as well;
            "auto" for those where they are installed and quick.

    Returns:
        The makers by name, and a sentence if some were left out.

    Raises:
        ConfigError: the choice is not known, or statsforecast is asked for and not installed.
    """
    if choice not in CHOICES:
        raise ConfigError(f"baselines is {choice!r}; use one of: {', '.join(CHOICES)}")
    season = season_of(frame, freq) if season_length is None else season_length
    series = int(frame["unique_id"].nunique())
    quick = series <= QUICK_SERIES and len(frame) <= QUICK_ROWS * series and season <= QUICK_SEASON
    extra = {"auto": None if quick else False, "simple": False, "all": True}[choice]
    found = baselines.makers(season, freq, extra=extra)
    if season_length is None:
        found = {name: MakeSeasonal(name, freq) for name in found}
    return found, _left_out(set(found), choice, quick)


def _left_out(found: set[str], choice: str, quick: bool) -> list[str]:
    names = [name for name in baselines.STATISTICAL if name not in found]
    if not names or choice == "simple":
        return []
    listed = ", ".join(names)
    if quick:
        return [f"{listed} are left out; to have them beside the network: pip install 'ostinato[baselines]'"]
    return [f"{listed} would take long on these series and are left out; --baselines all takes the time"]
