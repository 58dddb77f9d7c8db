"""Accuracy of the pretrained forecaster on series it never saw, beside seasonal naive and the literature.

    python benchmarks/zeroshot.py                          # the test parts, with the weights of the package
    python benchmarks/zeroshot.py --part train             # the ends of the training parts: for choices
    python benchmarks/zeroshot.py --weights a.safetensors  # other weights

MASE divides by the mean absolute seasonal difference of the past; relative to seasonal naive means the ratio
of mean MASE; the summary is the geometric mean of those ratios over the ten sets.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import machine
import numpy as np
import pandas as pd

from ostinato.tasks.pretrained import forecaster as pretrained
from ostinato.tasks.pretrained import intervals as pretrained_intervals
from ostinato.tasks.pretrained import network as pretrained_network

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
RESULTS = ROOT / "benchmarks" / "results" / "zeroshot.json"
# set: file, season, long season, horizon
SETS = {
    "m3_yearly": ("m3/m3_yearly", 1, 0, 6),
    "m3_quarterly": ("m3/m3_quarterly", 4, 0, 8),
    "m3_monthly": ("m3/m3_monthly", 12, 0, 18),
    "m3_other": ("m3/m3_other", 1, 0, 8),
    "m4_weekly": ("m4_weekly/m4_weekly", 1, 52, 13),
    "m4_hourly": ("m4_hourly/m4_hourly", 24, 168, 48),
    "nn5_daily": ("nn5_daily/nn5_daily", 7, 0, 56),
    "carparts": ("carparts/carparts", 12, 0, 12),
}


@dataclass(frozen=True)
class Task:
    """Series with one season and one horizon: the past of each and what followed."""

    pasts: list[np.ndarray]
    futures: np.ndarray
    season: int
    long_season: int


def main() -> None:
    """Runs all sets and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("test", "train"), default="test")
    parser.add_argument("--weights", type=Path, nargs="*", default=None)
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    members = (
        tuple(pretrained_network.read_member(path) for path in options.weights) if options.weights else None
    )
    scores = {name: score(tasks(name, options.part), members) for name in (*SETS, "etth1", "classics")}
    summary = float(
        np.exp(np.mean([np.log(row["mase"] / row["mase_seasonal_naive"]) for row in scores.values()]))
    )
    for name, row in scores.items():
        print(f"{name:13s}", " ".join(f"{key} {value:8.3f}" for key, value in row.items()))
    print(f"geometric mean of MASE over that of seasonal naive: {summary:.4f}")
    result = {"sets": scores, "relative_mase": round(summary, 4)}
    if options.part == "test":
        result |= {"milk": milk(members), "etth1_all_windows": etth1_windows(members)}
        result |= {"published": published(), "measured": machine.describe()}
        print(result["milk"], result["etth1_all_windows"])
        out = options.out or RESULTS
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n")


def tasks(name: str, part: str) -> Iterator[Task]:
    """The tasks of one set; the part "train" asks for the last steps before the test part."""
    if name == "classics":
        yield from _classics(part)
    elif name == "etth1":
        yield from _etth1(part)
    else:
        path, season, long_season, horizon = SETS[name]
        yield _task(_series(path), horizon, season, long_season, part)


def _series(path: str) -> list[np.ndarray]:
    """All series of a file."""
    frame = pd.read_parquet(DATA / f"{path}.parquet")
    return [group.to_numpy() for _, group in frame.groupby("unique_id", sort=False)["y"]]


def _task(series: list[np.ndarray], horizon: int, season: int, long_season: int, part: str) -> Task:
    """Cuts series at their forecast origin."""
    if part == "train":
        series = [values[:-horizon] for values in series if len(values) >= 2 * horizon + max(season, 4)]
    futures = np.stack([values[-horizon:] for values in series])
    return Task([values[:-horizon] for values in series], futures, season, long_season)


def _classics(part: str) -> Iterator[Task]:
    """One task a series, each with its own season and horizon."""
    facts = pd.read_csv(DATA / "classics" / "series.csv").set_index("unique_id")
    frame = pd.read_parquet(DATA / "classics" / "classics.parquet")
    for name, values in frame.groupby("unique_id", sort=False)["y"]:
        season, horizon = int(facts.loc[name, "season"]), int(facts.loc[name, "horizon"])
        task = (
            _task([values.to_numpy()], horizon, season, pretrained.LONG_SEASONS.get(season, 0), part)
            if (part == "test" or len(values) >= 2 * horizon + max(season, 4))
            else None
        )
        if task:
            yield task


def _etth1(part: str) -> Iterator[Task]:
    """Origins 96 hours apart over the test part, or over the end of the training part; horizon 96."""
    frame = pd.read_parquet(DATA / "etth1" / "etth1.parquet")
    pasts, futures = [], []
    for _, group in frame.groupby("unique_id", sort=False):
        values = group["y"].to_numpy()
        where = np.flatnonzero((group["split"] == part).to_numpy())
        first = where[0] if part == "test" else where[-1] + 1 - 960
        for origin in range(first, where[-1] + 2 - 96, 96):
            pasts.append(values[:origin])
            futures.append(values[origin : origin + 96])
    yield Task(pasts, np.stack(futures), 24, 168)


def run(task: Task, members: tuple[pretrained_network.Member, ...] | None) -> pretrained_intervals.Levels:
    """Forecast distributions of a task."""
    ends = np.cumsum([len(past) for past in task.pasts])
    starts = np.concatenate([[0], ends[:-1]])
    return pretrained_intervals.forecast_levels(
        np.concatenate(task.pasts),
        starts,
        ends,
        task.futures.shape[1],
        season_length=task.season,
        long_season=task.long_season,
        members=members,
    )


def seasonal_naive(past: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Repeats the last season, or the last value of a shorter past; gaps hold the last real value."""
    filled = pd.Series(past).ffill().bfill().to_numpy()
    if len(filled) < season:
        return np.repeat(filled[-1], horizon)
    return filled[len(filled) - season + np.arange(horizon) % season]


def score(
    all_tasks: Iterator[Task], members: tuple[pretrained_network.Member, ...] | None
) -> dict[str, float]:
    """Means over series of MASE and sMAPE of the median, and of the coverage of the intervals."""
    rows = []
    for task in all_tasks:
        levels = run(task, members)
        rows.append(_scores(task, levels.at(0.5)) | _coverages(task, levels))
    mean = {name: np.nanmean(np.concatenate([row[name] for row in rows])) for name in rows[0]}
    result = {name: round(float(value), 4) for name, value in mean.items()}
    return {"relative": round(result["mase"] / result["mase_seasonal_naive"], 4), **result}


def _scores(task: Task, median: np.ndarray) -> dict[str, np.ndarray]:
    """Errors of every series, NaN where there is nothing to score or to divide by."""
    horizon = task.futures.shape[1]
    naive = np.stack([seasonal_naive(past, task.season, horizon) for past in task.pasts])
    apart = [np.abs(past[task.season :] - past[: -task.season]) for past in task.pasts]
    scale = np.array([np.nanmean(one) if np.isfinite(one).any() else np.nan for one in apart])
    scale[~(scale > 0)] = np.nan
    size = np.abs(task.futures) + np.abs(median)
    share = np.abs(task.futures - median) / np.where(size > 0, size, 1)
    return {
        "mase": _mean(np.abs(task.futures - median)) / scale,
        "mase_seasonal_naive": _mean(np.abs(task.futures - naive)) / scale,
        "smape": 200 * _mean(share),
    }


def _coverages(task: Task, levels: pretrained_intervals.Levels) -> dict[str, np.ndarray]:
    """Share of the values of every series in the intervals of 80 and 95 percent.

    Quantiles of counts are whole numbers, many of them equal, so that even right ones hold too many values: of a
    value on which quantiles lie, only the part of its probability between 0.1 and 0.9 counts in `..._split`.
    """
    known = np.isfinite(task.futures)
    ends = {percent: levels.interval(percent / 100) for percent in (80, 95)}
    inside = {
        percent: (task.futures >= low) & (task.futures <= high) for percent, (low, high) in ends.items()
    }
    grid = np.linspace(0.005, 0.995, 100)
    below = np.mean([levels.at(level) < task.futures for level in grid], axis=0)
    upto = np.mean([levels.at(level) <= task.futures for level in grid], axis=0)
    overlap = np.clip(np.minimum(upto, 0.9) - np.maximum(below, 0.1), 0, None)
    split = np.where(upto > below, overlap / np.maximum(upto - below, 1e-9), inside[80])
    return {
        "coverage_80": _mean(np.where(known, inside[80], np.nan)),
        "coverage_95": _mean(np.where(known, inside[95], np.nan)),
        "coverage_80_split": _mean(np.where(known, split, np.nan)),
    }


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the steps that are known, NaN where none is: (series,)."""
    known = np.isfinite(values)
    return np.where(
        known.any(axis=1), np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1), np.nan
    )


def milk(members: tuple[pretrained_network.Member, ...] | None) -> dict[str, float]:
    """MASE over the last eight yearly origins, root mean squared error a month ahead over the last 32."""
    values = _series("milk/milk")[0]
    origins = [len(values) - 12 * year for year in range(8, 0, -1)]
    yearly = Task(
        [values[:end] for end in origins], np.stack([values[end : end + 12] for end in origins]), 12, 0
    )
    pasts = [values[:end] for end in range(len(values) - 32, len(values))]
    one_step = run(Task(pasts, values[-32:, None], 12, 0), members).at(0.5)[:, 0]
    yearly_score = score(iter([yearly]), members)
    return {
        "mase": yearly_score["mase"],
        "mase_seasonal_naive": yearly_score["mase_seasonal_naive"],
        "rmse_one_step": round(float(np.sqrt(np.mean((one_step - values[-32:]) ** 2))), 3),
    }


def etth1_windows(members: tuple[pretrained_network.Member, ...] | None) -> dict[str, float]:
    """Errors of standardised values over every window of the test part, horizon 96, as in the literature."""
    frame = pd.read_parquet(DATA / "etth1" / "etth1.parquet")
    squared, absolute = [], []
    for _, group in frame.groupby("unique_id", sort=False):
        values = group["y"].to_numpy()
        train = values[(group["split"] == "train").to_numpy()]
        where = np.flatnonzero((group["split"] == "test").to_numpy())
        origins = np.arange(where[0], where[-1] + 2 - 96)
        origins = origins[: len(origins) // 32 * 32]
        futures = np.stack([values[origin : origin + 96] for origin in origins])
        found = run(Task([values[origin - 700 : origin] for origin in origins], futures, 24, 168), members)
        errors = (found.at(0.5) - futures) / train.std()
        squared.append((errors**2).mean())
        absolute.append(np.abs(errors).mean())
    return {"mse": round(float(np.mean(squared)), 4), "mae": round(float(np.mean(absolute)), 4)}


def published() -> dict[str, dict[str, dict[str, float]]]:
    """Figures of the literature by set, metric and method, from the table that comes with the data."""
    table = pd.read_csv(DATA / "published_results.csv")
    names = "Naive|Theta|ETS|Chronos|TiRex|TimesFM|Moirai|Reverso|TempoPFN|N-BEATS|DeepAR|PatchTST|FlowState"
    table = table[
        table["method"].str.contains(names, case=False, regex=True)
        & table["metric"].isin(["MASE", "sMAPE", "MAE"])
    ]
    table = table[table["data_set"].str.contains("m3|m4|nn5|carparts|etth1")]
    result: dict[str, dict[str, dict[str, float]]] = {}
    for row in table.itertuples():
        key = f"{row.data_set}, {row.frequency}"
        result.setdefault(key, {}).setdefault(row.metric, {})[row.method] = float(row.value)
    return result


if __name__ == "__main__":
    main()
