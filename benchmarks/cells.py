"""Compare the cells as forecasters: accuracy and time of the default recipe's network with each of them.

    python benchmarks/cells.py                  all cells and sets, and the table of docs/cells.md
    python benchmarks/cells.py --seeds 1        quicker
    python benchmarks/cells.py --docs           only write the table of the results file into docs/cells.md

Results go to benchmarks/results/cells.json after every fit. One network instead of three, so that differences
between cells are not averaged away; the rest is the default recipe. MASE on the test part of each set, mean over the
series; seconds are processor time of one thread, for all fits of a set.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import machine
import numpy as np
import pandas as pd

from ostinato.evaluate.metrics import seasonal_scale
from ostinato.nn import LAYERS
from ostinato.tasks.forecasting.recipes import RECIPES
from ostinato.tasks.forecasting.trained import MakeNetwork

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("OSTINATO_SHARED_DATA", ROOT.parent / "shared" / "data"))
RESULTS = ROOT / "benchmarks" / "results" / "cells.json"
DOCS = ROOT / "docs" / "cells.md"
BEGIN, END = "<!-- numbers of benchmarks/results/cells.json -->", "<!-- end of numbers -->"
NAIVE = "seasonal naive"
Values = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Case:
    """A past and what followed it.

    Attributes:
        past: unique_id, ds, y.
        future: (series, h) values after it.
        scale: (series,) MASE's unit: the mean absolute seasonal step of the past, before any value was taken away.
        freq: of the times.
        season: steps in a season.
    """

    past: pd.DataFrame
    future: Values
    scale: Values
    freq: str | int
    season: int


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--docs", action="store_true", help="only write the table")
    arguments = parser.parse_args()
    if not arguments.docs:
        measure(arguments.seeds)
    write_docs()


def measure(seeds: int) -> None:
    """Fit every cell on every set with every seed; what is in the results file already is kept."""
    found = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    done = {(run["cell"], run["set"], run["seed"]) for run in found}
    sets = {name: list(cases) for name, cases in load_sets().items()}
    for seed in range(seeds):
        for name, cases in sets.items():
            for cell in [NAIVE, *LAYERS]:
                if (cell, name, seed) not in done:
                    found.append({"cell": cell, "set": name, "seed": seed, **run(cell, cases, seed)})
                    RESULTS.write_text(json.dumps({**machine.describe(), "runs": found}, indent=1) + "\n")


def run(cell: str, cases: list[Case], seed: int) -> dict[str, float]:
    """MASE and seconds of one cell on the cases of one set."""
    started = time.process_time()
    scores = [score(case, forecast(cell, case, seed)) for case in cases]
    return {"mase": float(np.mean(scores)), "seconds": time.process_time() - started}


def forecast(cell: str, case: Case, seed: int) -> Values:
    """The forecast of one cell, or of the season before."""
    h = case.future.shape[1]
    if cell == NAIVE:
        pasts = [group.to_numpy() for _, group in case.past.groupby("unique_id", sort=False)["y"]]
        last = [pd.Series(past).ffill().to_numpy()[-case.season :] for past in pasts]
        return np.stack([np.resize(season, h) for season in last])
    recipe = replace(RECIPES["default"], members=1)
    make = MakeNetwork(recipe, cell, h, case.freq, case.season, seed)
    return make(case.past).predict(h)["forecast"].to_numpy().reshape(-1, h)


def score(case: Case, predicted: Values) -> float:
    """Mean MASE over the series of a case."""
    return float((np.abs(predicted - case.future).mean(axis=1) / case.scale).mean())


def scale_of(past: pd.DataFrame, season: int) -> Values:
    """The unit of MASE of each series."""
    values = [group.to_numpy() for _, group in past.groupby("unique_id", sort=False)["y"]]
    return np.array([seasonal_scale(each, season) for each in values])


def load_sets() -> dict[str, Iterator[Case]]:
    """The sets by name."""
    return {
        "milk": milk(),
        "m3 monthly": sampled("m3/m3_monthly.parquet", 30, 18, 12, None),
        "m3 monthly, 30 % missing": sampled("m3/m3_monthly.parquet", 30, 18, 12, None, missing=0.3),
        "m4 hourly": sampled("m4_hourly/m4_hourly.parquet", 8, 48, 24, 300),
    }


def milk() -> Iterator[Case]:
    """Four origins, a year apart."""
    table = pd.read_parquet(SHARED / "milk" / "milk.parquet")
    y = table["y"].to_numpy()
    for year in (4, 3, 2, 1):
        past = table.iloc[: len(y) - 12 * year][["unique_id", "ds", "y"]]
        future = y[len(past) : len(past) + 12][None]
        yield Case(past, future, scale_of(past, 12), "MS", 12)


def sampled(
    path: str, series: int, h: int, season: int, rows: int | None, missing: float = 0.0
) -> Iterator[Case]:
    """One case: a sample of series, the last rows of their training part, some values taken away."""
    table = pd.read_parquet(SHARED / path)
    random = np.random.default_rng(0)
    chosen = random.choice(table["unique_id"].unique(), series, replace=False)
    table = table[table["unique_id"].isin(chosen)]
    test = table["split"] == "test"
    future = np.stack([group.to_numpy()[:h] for _, group in table[test].groupby("unique_id")["y"]])
    past = table[~test].sort_values(["unique_id", "ds"])
    past = past if rows is None else past.groupby("unique_id").tail(rows)
    steps = past.groupby("unique_id").cumcount()  # whole numbers for times: the sets have no dates in common
    scale = scale_of(past, season)
    past = past.assign(ds=steps, y=past["y"].where(random.random(len(past)) >= missing))
    yield Case(past[["unique_id", "ds", "y"]].reset_index(drop=True), future, scale, 1, season)


def write_docs() -> None:
    """Write the table of the results file into docs/cells.md."""
    runs = json.loads(RESULTS.read_text())["runs"]
    sets = list(dict.fromkeys(run["set"] for run in runs))
    lines = ["| cell | " + " | ".join(sets) + " | seconds |", "| --- |" + " --- |" * (len(sets) + 1)]
    for cell in dict.fromkeys(run["cell"] for run in runs):
        own = [run for run in runs if run["cell"] == cell]
        cells = [summary([run["mase"] for run in own if run["set"] == name]) for name in sets]
        seconds = sum(statistics.mean(r["seconds"] for r in own if r["set"] == name) for name in sets)
        label = cell if cell == NAIVE else f"`{cell}`"
        lines.append(f"| {label} | {' | '.join(cells)} | {seconds:.0f} |")
    text = DOCS.read_text()
    before, _, rest = text.partition(BEGIN)
    DOCS.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.partition(END)[2])


def summary(values: list[float]) -> str:
    """The mean over the seeds, and from the smallest to the largest."""
    spread = "" if min(values) == max(values) else f" ({min(values):.2f}-{max(values):.2f})"
    return f"{statistics.mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
