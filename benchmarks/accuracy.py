"""Accuracy of the recurrent forecasters on public sets, beside published figures: one command a set.

    python benchmarks/accuracy.py                                    # all sets, recipes and seeds (long)
    python benchmarks/accuracy.py m3_quarterly --recipe pretrained    # one set, one recipe
    python benchmarks/accuracy.py m3_other --part train              # the ends of the training parts: for choices
    python benchmarks/accuracy.py nn5_daily --points                 # without intervals, which need a backtest
    python benchmarks/accuracy.py etth1_96                           # windows of ETTh1, horizon 96 or 336
    python benchmarks/accuracy.py m3_other --neuralforecast          # its LSTM with its defaults, where installed

Each recipe is fitted on the past of all series of a set together and forecasts the test part once. sMAPE and MASE are
means over the series, as the competitions define them; the weighted quantile loss is the sum of the pinball losses at
0.1 ... 0.9, doubled, over the sum of the absolute values; coverage is that of the 80 % and the 95 % interval. On ETTh1
a recipe is fitted on all before the test part and forecasts windows of it; errors are those of values standardised by
the training part. Seconds are those of the processor. Results go to benchmarks/results/accuracy.json, set by set, and
from there into the tables of docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import machine
import numpy as np
import pandas as pd
from zeroshot import DATA, seasonal_naive
from zeroshot import SETS as WITH_GAPS

from ostinato import Forecaster
from ostinato.evaluate import metrics

RESULTS = Path(__file__).parent / "results" / "accuracy.json"
PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
FILLED = {
    "carparts_filled": "carparts"
}  # sets whose gaps are zeros, as in the archive of Godahewa et al. (2021)
SETS = WITH_GAPS | {name: WITH_GAPS[source] for name, source in FILLED.items()}
RECIPES = ("pretrained", "combined", "finetuned", "streaming", "default")
OTHERS = "neuralforecast"
LEVELS = (20, 40, 60, 80, 95)  # intervals whose ends are the quantiles 0.1 ... 0.9 and those of 95 %
ETTH1 = {"etth1_96": 96, "etth1_336": 336}  # horizons
APART = 11  # hours between the windows of ETTh1 that are forecast: every hour of the day comes up
LOOK_BACK = 700  # values of a window of ETTh1
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
    parser.add_argument("--points", action="store_true", help="no intervals, which need a backtest")
    parser.add_argument("--neuralforecast", action="store_true")
    options = parser.parse_args()
    if unknown := set(options.sets) - {*SETS, *ETTH1}:
        parser.error(f"there is no set {unknown.pop()!r}; use {', '.join((*SETS, *ETTH1))}")
    recipes = (OTHERS,) if options.neuralforecast else options.recipe or RECIPES
    for name in options.sets or (*SETS, *ETTH1):
        if name in ETTH1:
            runs = {recipe: windows_of_etth1(ETTH1[name], recipe) for recipe in recipes}
            keep(name, {recipe: over_seeds(recipe, options.seeds, run) for recipe, run in runs.items()})
            continue
        task = read_task(name, options.part)
        levels = () if options.points else LEVELS
        rows = {recipe: measure(task, recipe, options.seeds, levels) for recipe in recipes}
        simple = {"SeasonalNaive": naive_row(task)}
        if name in FILLED:
            zeros = task.future[["unique_id", "ds"]].assign(forecast=0.0)
            simple["Zero"] = {"mean": score(task, zeros), "seeds": 1}
        keep(name, {**simple, **rows}, part=options.part)


def read_task(name: str, part: str) -> Task:
    """One set; the part "train" forecasts the last steps before the test part."""
    file, season, _, horizon = SETS[name]
    frame = pd.read_parquet(DATA / f"{file}.parquet")[["unique_id", "ds", "y"]]
    if name in FILLED:
        frame["y"] = frame["y"].fillna(0.0)
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


def measure(task: Task, recipe: str, seeds: int, levels: tuple[int, ...]) -> dict[str, Any]:
    """Scores of every seed, their mean and spread."""

    def run(seed: int) -> dict[str, float]:
        if recipe == OTHERS:
            known = fit_others(task.past, task.horizon, task.freq, seed)
            return score(task, known.predict().rename(columns={"LSTM": "forecast"}))
        forecaster = Forecaster(
            h=task.horizon, freq=task.freq, season_length=task.season, recipe=recipe, random_state=seed
        ).fit(task.past)
        return score(task, forecaster.predict(level=levels or None))

    return over_seeds(recipe, seeds, run)


def over_seeds(recipe: str, seeds: int, run: Callable[[int], dict[str, float]]) -> dict[str, Any]:
    """Scores and processor seconds of every seed; a recipe without training needs one seed only."""
    runs = []
    for seed in range(1 if recipe == "pretrained" else seeds):
        started = time.process_time()
        scores = run(seed)
        runs.append({**scores, "seconds": round(time.process_time() - started, 1)})
        print(recipe, seed, runs[-1], flush=True)
    shared = [key for key in runs[0] if all(key in run for run in runs)]
    means = {key: round(statistics.mean(run[key] for run in runs), 4) for key in shared}
    spread = {key: round(max(run[key] for run in runs) - min(run[key] for run in runs), 4) for key in shared}
    return {"mean": means, "spread": spread, "seeds": len(runs)}


def windows_of_etth1(horizon: int, recipe: str) -> Callable[[int], dict[str, float]]:
    """What fits a recipe to the seven series before the test part, and forecasts windows of that part."""
    frame = pd.read_parquet(DATA / "etth1" / "etth1.parquet")
    parts, futures, scales = [], [], []
    for name, group in frame.groupby("unique_id", sort=False):
        values, split = group["y"].to_numpy(), group["split"].to_numpy()
        test = np.flatnonzero(split == "test")
        for origin in range(test[0], test[-1] + 2 - horizon, APART):
            ds = np.arange(origin - LOOK_BACK, origin)
            parts.append(pd.DataFrame({"unique_id": f"{name} {origin:05d}", "ds": ds, "y": values[ds]}))
            scales.append(values[split == "train"].std())
            futures.append(values[origin : origin + horizon] / scales[-1])
    past = frame[frame["split"].isin(["train", "val"])]
    past = past.assign(ds=past.groupby("unique_id", sort=False).cumcount())[["unique_id", "ds", "y"]]

    def run(seed: int) -> dict[str, float]:
        shown = pd.concat(parts, ignore_index=True)
        if recipe == OTHERS:
            answers = fit_others(past, horizon, 1, seed).predict(df=shown).set_index("unique_id")
            found = answers.loc[shown["unique_id"].unique(), "LSTM"]
        else:
            forecaster = Forecaster(h=horizon, freq=1, season_length=24, recipe=recipe, random_state=seed)
            found = forecaster.fit(past).model_.with_history(shown).predict(horizon)["forecast"]
        errors = found.to_numpy().reshape(-1, horizon) / np.array(scales)[:, None] - np.stack(futures)
        return {"mse": round(float((errors**2).mean()), 4), "mae": round(float(np.abs(errors).mean()), 4)}

    return run


def fit_others(past: pd.DataFrame, horizon: int, freq: str | int, seed: int) -> Any:
    """The LSTM of neuralforecast with its defaults, fitted to the same past; it gives point forecasts.

    It looks back three horizons. Where a series is shorter than that it refuses unless starts are padded.
    """
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    short = bool(past.groupby("unique_id").size().min() <= 3 * horizon)
    model = LSTM(h=horizon, random_seed=seed + 1, start_padding_enabled=short, accelerator="cpu", logger=False,
                 enable_progress_bar=False, enable_checkpointing=False)  # fmt: skip
    forecaster = NeuralForecast([model], freq=freq)
    forecaster.fit(past.assign(y=past.groupby("unique_id")["y"].ffill().fillna(0.0)))
    return forecaster


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


def keep(name: str, rows: dict[str, Any], *, part: str = "test") -> None:
    """Add the rows of one set to the results; what was measured on the other part stays."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    measured = machine.describe()
    for method, row in rows.items():
        if method == OTHERS:
            measured = {**measured, "versions": {**measured["versions"], OTHERS: version(OTHERS)}}
        before = known.setdefault(name, {}).get(method, {})
        if part == "train":
            known[name][method] = {**before, "train": row}
        else:
            train = {"train": before["train"]} if "train" in before else {}
            known[name][method] = {**row, **train, "measured": measured}
    RESULTS.write_text(json.dumps(known, indent=1) + "\n")
    before, rest = PAGE.read_text().split(MARKS[0])
    PAGE.write_text(f"{before}{MARKS[0]}\n{table_of(known)}{MARKS[1]}{rest.split(MARKS[1])[1]}")


def table_of(results: dict[str, Any]) -> str:
    """The results as two tables; the spread over the seeds behind the means."""
    lines = [
        "| set | method | sMAPE | MASE | sMAPE, held out | MASE, held out | weighted quantile loss | in the 80 % "
        "| in the 95 % | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, rows in results.items():
        for method, row in rows.items() if name not in ETTH1 else ():
            test, held_out = row.get("mean", {}), row.get("train", {})
            cells = [_cell(row, key) for key in ("smape", "mase")]
            cells += [_cell(held_out, key) for key in ("smape", "mase")] + [_cell(row, "wql")]
            cells += [
                f"{100 * test[key]:.1f} %" if key in test else "" for key in ("coverage_80", "coverage_95")
            ]
            cells.append(f"{test['seconds']:.0f}" if "seconds" in test else "")
            lines.append(f"| {name} | {method} | {' | '.join(cells)} |")
    lines += ["", "| set | method | MSE | MAE | seconds |", "| --- | --- | --- | --- | --- |"]
    for name in ETTH1:
        for method, row in results.get(name, {}).items():
            cells = [_cell(row, "mse"), _cell(row, "mae"), f"{row['mean']['seconds']:.0f}"]
            lines.append(f"| {name} | {method} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(row: dict[str, Any], key: str) -> str:
    mean, spread = row.get("mean", {}), row.get("spread", {})
    if key not in mean:
        return ""
    return f"{mean[key]:.3f}" + (f" ± {spread[key] / 2:.3f}" if spread.get(key) else "")


if __name__ == "__main__":
    main()
