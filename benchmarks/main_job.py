"""Measure the main job: accuracy and time of both recipes beside the baselines and Keras.

    python benchmarks/main_job.py               everything but Keras
    python benchmarks/main_job.py --keras-python PATH    everything
    python benchmarks/main_job.py --readme      only write the numbers of the results file into README.md

Results go to benchmarks/results/main_job.json, the picture to docs/images/forecast.png. Every run is a process of
its own, as a person would start it; recipes alternate, so that a busy minute hits all of them. Times are medians
over the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
MILK = ROOT / "examples" / "monthly_milk_production.csv"
RESULTS = ROOT / "benchmarks" / "results" / "main_job.json"
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "images" / "forecast.png"
BEGIN, END = "<!-- numbers of benchmarks/results/main_job.json -->", "<!-- end of numbers -->"
TEST = 32
TRAINED = ("Combined", "LSTM")  # columns that depend on the seed


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10, help="runs of the classic recipe (default 10)")
    parser.add_argument("--default-seeds", type=int, default=3, help="runs of the default recipe (default 3)")
    parser.add_argument(
        "--keras-runs", type=int, default=3, help="runs of the classic recipe in Keras (default 3)"
    )
    parser.add_argument(
        "--keras-python", help="a Python with keras, jax and pandas; no Keras runs without it"
    )
    parser.add_argument("--readme", action="store_true", help="only write the numbers into README.md")
    arguments = parser.parse_args()
    if not arguments.readme:
        RESULTS.write_text(json.dumps(measure(arguments), indent=1) + "\n")
    write_readme()


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All runs, in turns."""
    runs: dict[str, list[dict[str, Any]]] = {"classic": [], "default": [], "pretrained": [], "keras": []}
    for number in range(max(arguments.seeds, arguments.default_seeds, arguments.keras_runs)):
        if number < arguments.seeds:
            runs["classic"].append(command(recipe="classic", seed=number))
        if number < arguments.default_seeds:
            runs["default"].append(command(recipe="default", seed=number))
            runs["pretrained"].append(command("--no-report", recipe="pretrained", seed=number))
        if number < arguments.keras_runs and arguments.keras_python:
            runs["keras"].append(keras(arguments.keras_python, number))
        print(number, {name: found[-1] for name, found in runs.items() if found}, flush=True)
    return {
        "machine": machine.describe(),
        "test_months": TEST,
        "one_step_rmse": one_step(runs),
        "rolling_origin": rolling(runs["default"]),
        "seconds": {name: seconds(found) for name, found in runs.items() if found},
        "start_up_seconds": {
            "--help": timed("--help"),
            "inspect": timed("inspect", str(MILK)),
        },
        "runs": runs,
    }


def command(*options: str, recipe: str, seed: int) -> dict[str, Any]:
    """One run of the whole command, as a person starts it."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "forecast",
            str(MILK),
            "--recipe",
            recipe,
            "--seed",
            str(seed),
            "--out",
            folder,
            "--json",
            *options,
        ]
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "ostinato", *words], capture_output=True, text=True, check=True
        )
        wall = time.perf_counter() - started
        if recipe == "default" and seed == 0:
            shutil.copy(Path(folder) / "forecast.png", PICTURE)
    found = json.loads(done.stdout)
    return {
        "seed": seed,
        "seconds": wall,
        "parts": found["seconds"],
        "scores": found["backtest"]["scores"],
        "verdict": found["verdict"],
        "load": os.getloadavg()[0],
    }


def one_step(runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """RMSE in pounds, one step ahead from true history on the last 32 months."""
    classic = [run["scores"]["ClassicLSTM"]["rmse"] for run in runs["classic"]]
    baseline = runs["classic"][0]["scores"]
    found: dict[str, Any] = {
        "classic": spread(classic),
        "SeasonalNaive": baseline["SeasonalNaive"]["rmse"],
        "Naive": baseline["Naive"]["rmse"],
        "pretrained": pretrained_one_step(),
        "AutoETS": autoets_one_step(),
    }
    if runs["keras"]:
        found["keras"] = spread([run["rmse"] for run in runs["keras"]])
    return found


def pretrained_one_step() -> float:
    """RMSE of the pretrained networks, one step ahead from each of the same months."""
    run = command("--h", "1", "--origins", str(TEST), "--no-report", recipe="pretrained", seed=0)
    rmse: float = run["scores"]["Pretrained"]["rmse"]
    return rmse


def rolling(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """MASE over the yearly origins, 12 months ahead, fitted again at each."""
    found: dict[str, Any] = {name: score["mase"] for name, score in runs[0]["scores"].items()}
    return found | {name: spread([run["scores"][name]["mase"] for run in runs]) for name in TRAINED}


def autoets_one_step() -> float | None:
    """RMSE of AutoETS, fitted again each month, on the same months; None where statsforecast is not installed."""
    try:
        from statsforecast import StatsForecast
        from statsforecast.models import AutoETS
    except ImportError:
        return None
    milk = pd.read_csv(MILK)
    frame = pd.DataFrame({"unique_id": "milk", "ds": pd.to_datetime(milk["Date"]), "y": milk["Production"]})
    table = StatsForecast([AutoETS(season_length=12)], freq="MS").cross_validation(
        df=frame, h=1, n_windows=TEST, step_size=1
    )
    return float(np.sqrt(np.mean((table["AutoETS"] - table["y"]) ** 2)))


def keras(python: str, seed: int) -> dict[str, Any]:
    """The classic recipe in Keras, in a process of its own, on the backend that is fastest on a CPU."""
    started = time.perf_counter()
    done = subprocess.run(
        [python, str(Path(__file__).with_name("classic_keras.py")), str(seed)],
        capture_output=True, text=True, check=True, env={**os.environ, "KERAS_BACKEND": "jax"},
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "seconds": time.perf_counter() - started}


def spread(values: list[float]) -> dict[str, Any]:
    """Least, median and largest of some runs."""
    return {
        "min": min(values), "median": statistics.median(values), "max": max(values), "runs": len(values)
    }  # fmt: skip


def seconds(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Wall-clock seconds of whole processes."""
    return spread([run["seconds"] for run in runs])


def timed(*words: str) -> dict[str, Any]:
    """Seconds of a command, five times."""
    found = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ostinato", *words], capture_output=True, check=True)
        found.append(time.perf_counter() - started)
    return spread(found)


def write_readme() -> None:
    """Put the numbers between the marks in README.md."""
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = numbers(json.loads(RESULTS.read_text()))
    README.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


def numbers(results: dict[str, Any]) -> str:
    """The README's table of results."""
    rmse, mase, took = results["one_step_rmse"], results["rolling_origin"], results["seconds"]
    rows = [
        "| monthly milk production | MASE, 12 months ahead, 8 yearly origins | RMSE, 1 month ahead, last 32 months |",
        "| --- | --- | --- |",
        f"| **`ostinato`, trained and pretrained networks averaged** | **{mase['Combined']['median']:.3f}** | |",
        f"| **`ostinato`, an LSTM trained on this file alone** | **{mase['LSTM']['median']:.3f}** | |",
        f"| **`ostinato`, its pretrained networks** | **{mase['Pretrained']:.3f}** | **{rmse['pretrained']:.1f}** |",
    ]
    for name in ("AutoARIMA", "AutoETS", "AutoTheta"):
        if name in mase:
            month = f"{rmse[name]:.1f}" if rmse.get(name) else ""
            rows.append(f"| {name} | {mase[name]:.3f} | {month} |")
    rows += [
        f"| seasonal naive | {mase['SeasonalNaive']:.3f} | {rmse['SeasonalNaive']:.1f} |",
        f"| the textbook's LSTM (`--recipe classic`) | | {rmse['classic']['median']:.1f} (median of "
        f"{rmse['classic']['runs']} seeds, {rmse['classic']['min']:.1f} to {rmse['classic']['max']:.1f}) |",
    ]
    if "keras" in rmse:
        rows.append(
            f"| the same in Keras | | {rmse['keras']['median']:.1f} ({rmse['keras']['min']:.1f} to "
            f"{rmse['keras']['max']:.1f}, {rmse['keras']['runs']} runs) |"
        )
    rows.append(f"| naive | {mase['Naive']:.3f} | {rmse['Naive']:.1f} |")
    where = results["machine"]
    rows += [
        "",
        f"The whole command takes {took['default']['median']:.1f} s from start to report (median of "
        f"{took['default']['runs']}), with `--recipe pretrained --no-report` {took['pretrained']['median']:.1f} s, "
        f"on {where['cores']} cores of an {where['processor']}; "
        f"{where['date']}, commit {where['commit']}.",
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    main()
