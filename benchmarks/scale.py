"""Time and memory of the default recipe for 1, 1,000 and 100,000 series, and of a backtest of many.

    python benchmarks/scale.py [--series 1 1000 100000] [--origins 2]
    python benchmarks/scale.py --recipe pretrained --series 1000 10000     # backtests, with and without a new fit

Each size runs in a process of its own, on one thread, on made-up monthly series of 20 to 79 rows. Times are those of
the processor, which other work on the machine hardly lengthens; memory is the peak of the process. Results go to
results/scale.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from machine import describe

RESULTS = Path(__file__).parent / "results" / "scale.json"
H, SHORTEST, LONGEST = 12, 20, 80


def make_frame(series: int) -> pd.DataFrame:
    """Monthly series of different lengths and scales."""
    random = np.random.default_rng(0)
    lengths = random.integers(SHORTEST, LONGEST, series)
    owner = np.repeat(np.arange(series), lengths)
    month = np.concatenate([np.arange(length) for length in lengths])
    season = 10 * random.random(series)[owner] * np.sin(2 * np.pi * month / 12)
    y = (10.0 ** random.uniform(0, 4, series))[owner] * (50 + season + random.normal(size=len(month)))
    ds = (np.datetime64("2010-01", "M") + month).astype("datetime64[ns]")
    return pd.DataFrame({"unique_id": owner, "ds": ds, "y": y})


def peak() -> float:
    """Peak memory of this process, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(series: int, origins: int) -> dict[str, Any]:
    """Fit, forecast and, for at most 10,000 series, backtest."""
    import torch

    from ostinato import Forecaster

    torch.set_num_threads(1)
    frame = make_frame(series)
    found: dict[str, Any] = {"series": series, "rows": len(frame), "memory_before": peak()}
    start = time.process_time()
    forecaster = Forecaster(h=H, random_state=0).fit(frame)
    found["fit"] = time.process_time() - start
    start = time.process_time()
    forecast = forecaster.predict()
    found["predict"] = time.process_time() - start
    assert np.isfinite(forecast["forecast"]).all()
    found["memory"] = peak()
    if series <= 10_000:
        start = time.process_time()
        forecaster.cross_validation(n_windows=origins if series > 1 else 1, h=4)
        found["cross_validation"] = time.process_time() - start
    return found


def backtests(series: int, origins: int) -> dict[str, Any]:
    """Backtests of the pretrained networks beside the baselines, made anew at each origin and moved on."""
    from ostinato import Forecaster

    frame = make_frame(series)
    found: dict[str, Any] = {"series": series, "rows": len(frame), "recipe": "pretrained", "origins": origins}
    forecaster = Forecaster(h=H, recipe="pretrained", random_state=0)
    for name, refit in (("refit", True), ("moved", False)):
        told: list[tuple[int, int]] = []
        start = time.process_time()
        table = forecaster.cross_validation(
            frame, n_windows=origins, h=4, refit=refit, progress=lambda *at, told=told: told.append(at)
        )
        found[name] = time.process_time() - start
        assert told[-1][0] == told[-1][1]
        assert len(table) >= 4 * series
    return {**found, "memory": peak()}


def main() -> None:
    """Measure every size in its own process and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, nargs="+", default=[1, 1000, 100_000])
    parser.add_argument("--origins", type=int, default=2)
    parser.add_argument("--recipe", choices=("default", "pretrained"), default="default")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        job = backtests if arguments.recipe == "pretrained" else measure
        print(json.dumps(job(arguments.one, arguments.origins)))
        return
    rows = []
    for series in arguments.series:
        asked = ["--one", str(series), "--origins", str(arguments.origins), "--recipe", arguments.recipe]
        command = [sys.executable, __file__, *asked]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows.append(json.loads(out.splitlines()[-1]))
        print(rows[-1])
    part = "backtests" if arguments.recipe == "pretrained" else "results"
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"machine": describe(), "h": H}
    RESULTS.write_text(json.dumps({**known, part: rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
