"""Measure streams: updates a second, time to the first forecast, coverage of the intervals, accuracy.

    python benchmarks/streaming.py              everything
    python benchmarks/streaming.py --speed      only the updates, into the results that are there
    python benchmarks/streaming.py --docs       only write the numbers into docs/streaming.md

Results go to benchmarks/results/streaming.json. Speed is that of one thread, an LSTM of 64 units and twelve steps
ahead; times are processor times, the best and the median of several repetitions, each over many updates. Accuracy:
one fit on the training part of each set, then its test part comes row by row, and each row is forecast from those
before it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import machine
import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("OSTINATO_SHARED_DATA", ROOT.parent / "shared" / "data"))
RESULTS = ROOT / "benchmarks" / "results" / "streaming.json"
DOCS = ROOT / "docs" / "streaming.md"
BEGIN, END = "<!-- numbers of benchmarks/results/streaming.json -->", "<!-- end of numbers -->"
HIDDEN, AHEAD = 64, 12
FIRST = "import sys, ostinato; ostinato.load(sys.argv[1]).predict(); assert 'torch' not in sys.modules"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--docs", action="store_true", help="only write the numbers into the docs")
    parser.add_argument("--speed", action="store_true", help="only measure the updates again")
    arguments = parser.parse_args()
    if not arguments.docs:
        found = json.loads(RESULTS.read_text()) if arguments.speed else {}
        found |= {
            **machine.describe(),
            "load_before": os.getloadavg()[0],
            "speed": [speed(1, 2000), speed(1000, 40)],
            "long_history": long_history(),
        }
    if not arguments.docs and not arguments.speed:
        found |= {
            "first_forecast": first_forecast(),
            "accuracy": [
                accuracy("m3/m3_monthly.parquet", 30, 12, None),
                accuracy("m4_hourly/m4_hourly.parquet", 8, 24, 300),
            ],
        }
    if not arguments.docs:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    write_docs()


def speed(series: int, updates: int) -> dict[str, Any]:
    """Microseconds an update: of the state alone, with a forecast, and with intervals and the drift alarm as well."""
    from ostinato.evaluate.adaptive import Adaptive
    from ostinato.tasks.streaming.encoding import FEATURES, Running, Start
    from ostinato.tasks.streaming.network import Carried, Weights
    from ostinato.tasks.streaming.stream import Stream

    random = np.random.default_rng(0)
    shapes = [(4 * HIDDEN, FEATURES), (4 * HIDDEN, HIDDEN), (4 * HIDDEN,), (4 * HIDDEN,)]
    recurrent = tuple(0.1 * random.normal(size=shape).astype(np.float32) for shape in shapes)
    head = 0.1 * random.normal(size=(AHEAD, HIDDEN)).astype(np.float32), np.zeros(AHEAD, dtype=np.float32)
    starts = [Start(False, 0.0, random.normal(size=12)) for _ in range(series)]
    carried = Carried(Weights("lstm", recurrent, head, {}), Running.start(starts))
    tracker = Adaptive(series, AHEAD)
    stream = Stream(carried, tracker, list(range(series)), np.zeros(series, dtype=np.int64), 1)
    ys = random.normal(size=(updates, series))
    for y in ys[:100]:
        stream.step(y)

    def forecast(y: Any) -> None:
        carried.advance(y)
        carried.ahead(AHEAD)

    parts: dict[str, Callable[[Any], Any]] = {
        "state": carried.advance,
        "forecast": forecast,
        "everything": stream.step,
    }
    assert "torch" not in sys.modules
    return {"series": series, **{name: timed(part, ys) for name, part in parts.items()}}


def timed(update: Callable[[Any], Any], ys: Any) -> dict[str, float]:
    """Best and median microseconds a call."""
    times = []
    for _ in range(9):
        started = time.process_time()
        for y in ys:
            update(y)
        times.append((time.process_time() - started) / len(ys) * 1e6)
    return {"best_us": min(times), "median_us": statistics.median(times)}


def long_history() -> list[dict[str, float]]:
    """Microseconds an update and bytes kept after ever longer histories."""
    from ostinato.evaluate.adaptive import Adaptive
    from ostinato.tasks.streaming.encoding import FEATURES, Running, Start
    from ostinato.tasks.streaming.network import Carried, Weights
    from ostinato.tasks.streaming.stream import Stream

    shapes = [(4 * HIDDEN, FEATURES), (4 * HIDDEN, HIDDEN), (4 * HIDDEN,), (4 * HIDDEN,)]
    recurrent = tuple(np.full(shape, 0.01, dtype=np.float32) for shape in shapes)
    head = np.zeros((AHEAD, HIDDEN), dtype=np.float32), np.zeros(AHEAD, dtype=np.float32)
    carried = Carried(
        Weights("lstm", recurrent, head, {}), Running.start([Start(False, 0.0, np.arange(12.0))])
    )
    stream = Stream(carried, Adaptive(1, AHEAD), ["a"], np.zeros(1, dtype=np.int64), 1)
    random, rows, found = np.random.default_rng(0), 0, []
    for length in (100, 10_000, 50_000):
        for y in random.normal(size=(length - rows, 1)):
            stream.step(y)
        rows = length
        arrays = [*carried.running.arrays.values(), *carried.state, *stream.tracker.arrays.values()]
        kept = sum(array.nbytes for array in arrays)
        found.append({"rows": rows, "bytes": kept, **timed(stream.step, random.normal(size=(500, 1)))})
        rows += 9 * 500
    return found


def first_forecast() -> dict[str, float]:
    """Seconds of a process that loads a saved model and forecasts: processor time, and by the clock, of five."""
    import ostinato

    milk = pd.read_csv(ROOT / "examples" / "monthly_milk_production.csv")
    found = {}
    for recipe in ("streaming", "pretrained", "default"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.zip"
            ostinato.Forecaster(h=12, recipe=recipe, random_state=0).fit(milk).save(path)
            runs = []
            for _ in range(5):
                before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                subprocess.run([sys.executable, "-c", FIRST, str(path)], check=True)
                clock, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
                runs.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock))
        processor, clock = zip(*runs, strict=True)
        found[recipe] = {"processor_s": statistics.median(processor), "best_clock_s": min(clock)}
    return found


def accuracy(path: str, series: int, season: int, rows: int | None) -> dict[str, Any]:
    """One-step errors and coverage of streams over the test part, beside the season before."""
    import ostinato
    from ostinato.evaluate.metrics import seasonal_scale

    table = pd.read_parquet(SHARED / path)
    names = np.random.default_rng(0).choice(table["unique_id"].unique(), series, replace=False)
    table = table[table["unique_id"].isin(names)].sort_values(["unique_id", "ds"])
    test = table["split"] == "test"
    past, future = table[~test], table[test]
    past = past if rows is None else past.groupby("unique_id").tail(rows)
    past = past.assign(ds=past.groupby("unique_id").cumcount(ascending=False).rsub(0))
    future = future.assign(ds=future.groupby("unique_id").cumcount() + 1)
    columns = ["unique_id", "ds", "y"]
    pasts = [group.to_numpy() for _, group in past.groupby("unique_id")["y"]]
    futures = np.stack([group.to_numpy() for _, group in future.groupby("unique_id")["y"]])
    scale = np.array([seasonal_scale(values, season) for values in pasts])
    whole = [np.concatenate(pair) for pair in zip(pasts, futures, strict=True)]
    last = np.stack([values[-futures.shape[1] - season : -season] for values in whole])
    found: dict[str, Any] = {
        "set": path.partition("/")[2].removesuffix(".parquet"),
        "series": series,
        "steps": futures.shape[1],
        "seasonal naive": float((np.abs(last - futures).mean(axis=1) / scale).mean()),
    }
    for recipe in ("default", "streaming"):
        model = ostinato.Forecaster(h=AHEAD, freq=1, season_length=season, recipe=recipe, random_state=0).fit(
            past[columns]
        )
        predicted = []
        for _, step in future[columns].groupby("ds"):
            predicted.append(model.predict(h=1)["forecast"].to_numpy())
            model.update(step)
        errors = np.abs(np.stack(predicted, axis=1) - futures)
        coverage = model.updated_.coverage
        found[recipe] = {
            "mase": float((errors.mean(axis=1) / scale).mean()),
            "coverage": {f"{level:g}": share for level, share in coverage.items() if share == share},
        }
    return found


def write_docs() -> None:
    """Write the numbers of the results file into docs/streaming.md."""
    found = json.loads(RESULTS.read_text())
    one, many = found["speed"]
    lines = ["| update of an LSTM(64), 12 steps ahead | one series | 1,000 series |", "| --- | --- | --- |"]
    words = {
        "state": "hidden state and running statistics",
        "forecast": "... and the forecast",
        "everything": "... and intervals, coverage and drift alarm",
    }
    for name, word in words.items():
        rate = 1e6 * many["series"] / many[name]["median_us"]
        lines.append(f"| {word} | {one[name]['median_us']:.0f} µs | {rate:,.0f} updates a second |")
    first = ", ".join(
        f"`{name}` {times['processor_s']:.2f} s" for name, times in found["first_forecast"].items()
    )
    lengths = ", ".join(
        f"{row['median_us']:.0f} µs and {row['bytes'] / 1000:.1f} kB after {row['rows']:,} rows"
        for row in found["long_history"]
    )
    lines += ["", f"Everything, after longer histories: {lengths}.", ""]
    lines += [f"A process that loads a saved model and forecasts, from its start: {first}.", ""]
    lines += [
        "| one step ahead, row by row | seasonal naive | `default` | `streaming` |",
        "| --- | --- | --- | --- |",
    ]
    for row in found["accuracy"]:
        scores = " | ".join(f"{row[name]['mase']:.3f}" for name in ("default", "streaming"))
        lines.append(
            f"| {row['set']}, {row['series']} series, MASE | {row['seasonal naive']:.3f} | {scores} |"
        )
    for row in found["accuracy"]:
        held = [row[name]["coverage"] for name in ("default", "streaming")]
        if all(held):
            shares = ", ".join(f"{each['80']:.1%} and {each['95']:.1%}" for each in held)
            lines += [
                "",
                f"Intervals of 80 % and 95 % on {row['set']} held {shares} (`default`, `streaming`).",
            ]
    lines += [
        "",
        f"{found['processor']}, one thread, medians of processor time; load of the machine {found['load_before']:.1f}.",
    ]
    text = DOCS.read_text()
    before, _, rest = text.partition(BEGIN)
    DOCS.write_text(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
