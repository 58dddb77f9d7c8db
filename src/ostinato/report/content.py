"""What a report says, as plain frames and texts, and its short form for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ostinato.evaluate import scores
from ostinato.evaluate.verdict import Verdict


@dataclass(frozen=True)
class TrainingCurve:
    """Losses of one training, epoch by epoch.

    Attributes:
        label: which training it is.
        train: losses on the training windows, one an epoch.
        validation: losses on the held-out windows; empty if there were none.
        remark: which epoch was kept, and why, as a sentence.
    """

    label: str
    train: tuple[float, ...]
    validation: tuple[float, ...] = ()
    remark: str = ""

    @classmethod
    def of(cls, label: str, history: Mapping[str, Any]) -> TrainingCurve:
        """The curve of a training.

        Args:
            label: which training it is.
            history: what it went through, as `History.to_dict` gives, and `chosen_epochs` where it was that of a scout.
        """
        return cls(label, tuple(history["train"]), tuple(history["validation"]), _kept(history))


def _kept(history: Mapping[str, Any]) -> str:
    """Which epoch was kept, as a sentence; nothing where no held-out windows could decide it."""
    losses = history["validation"]
    if not losses:
        return ""
    epochs, least = len(losses), 1 + min(range(len(losses)), key=losses.__getitem__)
    chosen, best = history.get("chosen_epochs"), history.get("best_epoch")
    if chosen is not None:
        why = (
            ""
            if chosen == least
            else (
                ", no fewer than usual: so few held-out windows are often forecast best before much is learned"
            )
        )
        return (
            f"The validation loss is that of a scout, trained without the latest windows; it was least after epoch "
            f"{least} of {epochs}. The networks that forecast were then trained on all windows for {chosen} "
            f"epochs{why}."
        )
    if best is None or best + 1 == least:
        return f"The weights after epoch {least} of {epochs} were kept, where the validation loss was least."
    return (
        f"The weights after epoch {best + 1} of {epochs} were kept: the validation loss, least after epoch {least}, "
        "is shown and decides nothing here."
    )


@dataclass(frozen=True)
class Inside:
    """A look inside the network.

    Attributes:
        memory: how far back it remembers, as a sentence.
        faults: what is wrong with its gradients, gates and units, and what to change; a sentence each.
        pictures: what each shows, and the PNG file.
    """

    memory: str
    faults: tuple[str, ...]
    pictures: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class ReportContent:
    """All that a report shows.

    Attributes:
        title: heading, such as "Forecast of monthly_milk_production".
        file: name of the source file.
        rows: rows read from it.
        freq: pandas alias or integer step.
        season_length: steps in a season.
        h: steps forecast.
        levels: levels of the intervals in percent.
        recipe: name of the recipe.
        cell: name of the recurrent cell.
        seed: seed of the run.
        model: name of the network's column in `backtest`.
        history: unique_id, ds, y.
        forecast: unique_id, ds, forecast, forecast-lo-80, ..., model.
        backtest: unique_id, ds, cutoff, y and one column per model; no rows if there was none.
        leaderboard: model, mae, rmse, mase, smape.
        verdict: whose forecast is to be used, and why.
        notes: one sentence per thing found in the file or decided on the way.
        command: the exact command line to get this again.
        versions: version of each package by name.
        seconds: time taken by each part; a dictionary that may still grow until `summary` is called.
        tried: candidate, origins, mase, seconds, chosen, where several recipes were tried; else None.
        training: losses of the final trainings.
        test: unique_id, ds, y and one column per model over held-out steps, the network's first
            (the textbook's picture); None if there was no such test.
        value_label: what the numbers are, with their unit if known: the label of the vertical axes.
        inside: a look inside the network; None where there is nothing to see.
    """

    title: str
    file: str
    rows: int
    freq: str | int
    season_length: int
    h: int
    levels: tuple[float, ...]
    recipe: str
    cell: str
    seed: int
    model: str
    history: pd.DataFrame
    forecast: pd.DataFrame
    backtest: pd.DataFrame
    leaderboard: pd.DataFrame
    verdict: Verdict
    notes: tuple[str, ...] = ()
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    tried: pd.DataFrame | None = None
    training: tuple[TrainingCurve, ...] = ()
    test: pd.DataFrame | None = None
    value_label: str = "value"
    inside: Inside | None = None


def summary(content: ReportContent, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The report as one dictionary that is safe for JSON: unknown numbers are None.

    Args:
        content: what the report says.
        outputs: paths of the written files by name.

    Returns:
        file, series, rows, freq, season_length, h, recipe, cell, seed, backtest, verdict, outputs,
        seconds, versions, notes, and tried where several recipes were.
    """
    verdict = content.verdict
    interval = None if math.isnan(verdict.interval[0]) else list(verdict.interval)
    plain = {
        "file": content.file,
        "series": int(content.history["unique_id"].nunique()),
        "rows": content.rows,
        "freq": content.freq,
        "season_length": content.season_length,
        "h": content.h,
        "recipe": content.recipe,
        "cell": content.cell,
        "seed": content.seed,
        "backtest": {"origins": verdict.origins, "scores": scores.as_dict(content.leaderboard)},
        "verdict": {
            "best": verdict.best,
            "beats_seasonal_naive": verdict.beats_seasonal_naive,
            "improvement": verdict.improvement,
            "interval": interval,
            "text": verdict.text,
        },
        "outputs": {name: str(path) for name, path in outputs.items()},
        "seconds": {name: round(float(value), 3) for name, value in content.seconds.items()},
        "versions": dict(content.versions),
        "notes": list(content.notes),
    }
    if content.tried is not None:
        plain["tried"] = content.tried.to_dict("records")
    cleaned: dict[str, Any] = json_safe(plain)
    return cleaned


def json_safe(value: Any) -> Any:
    """The value with numbers that JSON does not know as None, and NumPy's numbers as Python's."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
