"""Accuracy of the recurrent forecasters on public sets, beside published figures: one command a set.

    python benchmarks/accuracy.py                                    # all sets, recipes and seeds (long)
    python benchmarks/accuracy.py m3_quarterly --recipe pretrained    # one set, one recipe
    python benchmarks/accuracy.py m3_other --part train              # the ends of the training parts: for choices
    python benchmarks/accuracy.py m3_other --neuralforecast          # its LSTM with its defaults, where installed

Each recipe is fitted on the past of all series of a set together and forecasts the test part once. sMAPE and MASE are
means over the series, as the competitions define them; the weighted quantile loss is the sum of the pinball losses at
0.1 ... 0.9, doubled, over the sum of the absolute values; coverage is that of the 80 % and the 95 % interval. Results
go to benchmarks/results/accuracy.json, set by set, and from there into the table of docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import numpy as np
import pandas as pd
from zeroshot import DATA, SETS, seasonal_naive

from ostinato import Forecaster
from ostinato.evaluate import metrics

RESULTS = Path(__file__).parent / "results" / "accuracy.json"
PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
RECIPES = ("pretrained", "finetuned", "default")
LEVELS = (20, 40, 60, 80, 95)  # intervals whose ends are the quantiles 0.1 ... 0.9 and those of 95 %
WEEKLY = {"m4_weekly": "1950-01-01"}  # sets that need dates, for their season of a year; others are counted
QUANTILES = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))
MARKS = ("<!-- numbers of benchmarks/results/accuracy.json -->", "<!-- end of numbers -->")


@dataclass(frozen=True)
class Task:
    """Series cut at their forecast origin."""

    past: pd.DataFrame
    future: pd.DataFrame
    season: int
    horizon: int
    freq: str | int


def main() -> None:
    """Measure the sets that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(SETS))
    parser.add_argument("--recipe", action="append", choices=RECIPES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--part", choices=("test", "train"), default="test")
    parser.add_argument("--neuralforecast", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.sets) - set(SETS):
        parser.error(f"there is no set {unknown.pop()!r}; use {', '.join(SETS)}")
    recipes = ("neuralforecast",) if options.neuralforecast else options.recipe or RECIPES
    for name in options.sets or SETS:
        task = read_task(name, options.part)
        rows = {recipe: measure(task, recipe, options.seeds) for recipe in recipes}
        if options.part == "test":
            keep(name, {"SeasonalNaive": naive_row(task), **rows})


def read_task(name: str, part: str) -> Task:
    """One set; the part "train" forecasts the last steps before the test part."""
    file, season, _, horizon = SETS[name]
    frame = pd.read_parquet(DATA / f"{file}.parquet")[["unique_id", "ds", "y"]]
    frame["ds"] = frame.groupby("unique_id", sort=False).cumcount()
    frame["position"] = frame["ds"]
    if name in WEEKLY:
        frame["ds"] = pd.Timestamp(WEEKLY[name]) + pd.to_timedelta(7 * frame["ds"], unit="D")
    left = frame.groupby("unique_id", sort=False)["ds"].transform("size") - frame.pop("position")
    if part == "train":
        frame, left = frame[left > horizon], left[left > horizon] - horizon
        long_enough = frame.groupby("unique_id", sort=False)["ds"].transform("size") >= 2 * horizon + max(
            season, 4
        )
        frame, left = frame[long_enough], left[long_enough]
    freq = "W" if name in WEEKLY else 1
    return Task(frame[left > horizon], frame[left <= horizon], season, horizon, freq)


def measure(task: Task, recipe: str, seeds: int) -> dict[str, Any]:
    """Scores of every seed, their mean and spread; a recipe without training needs one seed only."""
    runs = []
    for seed in range(1 if recipe == "pretrained" else seeds):
        started = time.perf_counter()
        forecast = others(task, seed) if recipe == "neuralforecast" else ours(task, recipe, seed)
        seconds = time.perf_counter() - started
        runs.append({**score(task, forecast), "seconds": round(seconds, 1)})
        print(recipe, seed, runs[-1], flush=True)
    means = {key: round(statistics.mean(run[key] for run in runs), 4) for key in runs[0]}
    spread = {key: round(max(run[key] for run in runs) - min(run[key] for run in runs), 4) for key in runs[0]}
    return {"mean": means, "spread": spread, "seeds": len(runs)}


def ours(task: Task, recipe: str, seed: int) -> pd.DataFrame:
    """The forecasts of one recipe with intervals."""
    forecaster = Forecaster(
        h=task.horizon, freq=task.freq, season_length=task.season, recipe=recipe, random_state=seed
    )
    return forecaster.fit(task.past).predict(level=LEVELS)


def others(task: Task, seed: int) -> pd.DataFrame:
    """The LSTM of neuralforecast with its defaults, on the same past; point forecasts only."""
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    model = LSTM(h=task.horizon, input_size=-1, random_seed=seed + 1, accelerator="cpu", logger=False,
                 enable_progress_bar=False, enable_checkpointing=False)  # fmt: skip
    past = task.past.assign(y=task.past.groupby("unique_id")["y"].ffill().fillna(0.0))
    forecaster = NeuralForecast([model], freq=task.freq)
    forecaster.fit(past)
    return forecaster.predict().rename(columns={"LSTM": "forecast"})


def naive_row(task: Task) -> dict[str, Any]:
    """Scores of seasonal naive."""
    pasts = task.past.groupby("unique_id", sort=False)["y"]
    values = [seasonal_naive(past.to_numpy(), task.season, task.horizon) for _, past in pasts]
    forecast = task.future[["unique_id", "ds"]].assign(forecast=np.concatenate(values))
    return {"mean": score(task, forecast), "seeds": 1}


def score(task: Task, forecast: pd.DataFrame) -> dict[str, float]:
    """Errors by series (sMAPE, MASE), quantile loss and coverage over all values."""
    table = task.future.merge(forecast, on=["unique_id", "ds"], how="left", validate="one_to_one")
    pasts = dict(list(task.past.groupby("unique_id", sort=False)["y"]))
    smape, mase = [], []
    for name, rows in table.groupby("unique_id", sort=False):
        y, guess = rows["y"].to_numpy(), rows["forecast"].to_numpy()
        if np.isfinite(y).any():
            smape.append(metrics.smape(y, guess))
            mase.append(metrics.mase(y, guess, past=pasts[name].to_numpy(), season_length=task.season))
    scores = {"smape": float(np.mean(smape)), "mase": float(np.nanmean(mase))}
    if "forecast-lo-80" in table:
        scores |= {
            f"coverage_{level}": metrics.coverage(
                table["y"], table[f"forecast-lo-{level}"], table[f"forecast-hi-{level}"]
            )
            for level in (80, 95)
        }
        scores["wql"] = weighted_quantile_loss(table)
    return {key: round(value, 4) for key, value in scores.items()}


def weighted_quantile_loss(table: pd.DataFrame) -> float:
    """Mean over 0.1 ... 0.9 of twice the pinball loss, as a share of the absolute values."""
    known = table.dropna(subset=["y"])
    losses = []
    for quantile in QUANTILES:
        level = round(abs(2 * quantile - 1) * 100)
        column = "forecast" if level == 0 else f"forecast-{'lo' if quantile < 0.5 else 'hi'}-{level}"
        losses.append(2 * metrics.quantile_loss(known["y"], known[column], level=quantile))
    return float(np.mean(losses) / known["y"].abs().mean())


def keep(name: str, rows: dict[str, Any]) -> None:
    """Add the rows of one set to the results."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    measured = machine.describe()
    for method, row in rows.items():
        known.setdefault(name, {})[method] = {**row, "measured": measured}
    RESULTS.write_text(json.dumps(known, indent=1) + "\n")
    before, rest = PAGE.read_text().split(MARKS[0])
    PAGE.write_text(f"{before}{MARKS[0]}\n{table_of(known)}{MARKS[1]}{rest.split(MARKS[1])[1]}")


def table_of(results: dict[str, Any]) -> str:
    """The results as a table; the spread over the seeds behind the means."""
    lines = [
        "| set | method | sMAPE | MASE | weighted quantile loss | in the 80 % | in the 95 % | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, rows in results.items():
        for method, row in rows.items():
            mean, spread = row["mean"], row.get("spread", {})
            cells = [_cell(mean, spread, key) for key in ("smape", "mase", "wql")]
            cells += [
                f"{100 * mean[key]:.1f} %" if key in mean else "" for key in ("coverage_80", "coverage_95")
            ]
            cells.append(f"{mean['seconds']:.0f}" if "seconds" in mean else "")
            lines.append(f"| {name} | {method} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(mean: dict[str, float], spread: dict[str, float], key: str) -> str:
    if key not in mean:
        return ""
    return f"{mean[key]:.3f}" + (f" ± {spread[key] / 2:.3f}" if spread.get(key) else "")


if __name__ == "__main__":
    main()
