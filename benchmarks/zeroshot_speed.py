"""Speed of the pretrained forecaster: series a second, in one thread and in all, and the start of a process.

OMP_NUM_THREADS=1 python benchmarks/zeroshot_speed.py
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
import numpy as np

from ostinato.synthetic import generate
from ostinato.tasks.pretrained import network as pretrained_network
from ostinato.tasks.pretrained import values as pretrained_values

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "zeroshot_speed.json"
SERIES, LENGTH, HORIZON, REPEATS = 4096, 512, 24, 5
START = """
import numpy as np, pandas as pd
from ostinato.tasks.pretrained import forecaster as pretrained
months = pd.date_range("1962-01-01", periods=168, freq="MS")
past = pd.DataFrame({"unique_id": "milk", "ds": months, "y": np.arange(168.0) + 500})
pretrained.forecast(past, 12, season_length=12, freq="MS", level=(80,))
"""


def main() -> None:
    """Measures and writes the result file."""
    before = machine.describe()
    result: dict[str, object] = {
        "series": SERIES,
        "context": LENGTH,
        "horizon": HORIZON,
        "members": len(pretrained_network.load_members()),
        "parameters": sum(_size(member) for member in pretrained_network.load_members()),
        "season_12": throughput(12, 0),
        "season_24_and_168": throughput(24, 168),
        "process_start_and_forecast_seconds": process_seconds([sys.executable, "-c", START]),
        "command_seconds": command(),
        "generation_series_of_1024_per_cpu_second": generation(),
        "measured": before,
    }
    print(json.dumps(result, indent=1))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def throughput(season_length: int, long_season: int) -> dict[str, float]:
    """Series a second of wall time and of processor time, best and median of the repeats."""
    series = generate(SERIES, LENGTH, season_length=season_length, seed=1)
    series = series[np.isfinite(series).any(axis=1)].astype(np.float64)
    ends = np.arange(1, len(series) + 1) * LENGTH
    walls, processors = [], []
    for _ in range(REPEATS + 1):
        wall, processor = time.perf_counter(), time.process_time()
        pretrained_values.forecast_values(
            series.reshape(-1),
            ends - LENGTH,
            ends,
            HORIZON,
            season_length=season_length,
            long_season=long_season,
        )
        walls.append(len(series) / (time.perf_counter() - wall))
        processors.append(len(series) / (time.process_time() - processor))
    names = ("best_per_second", "median_per_second", "median_per_processor_second")
    values = (max(walls[1:]), statistics.median(walls[1:]), statistics.median(processors[1:]))
    return {name: round(value) for name, value in zip(names, values, strict=True)}


def command() -> dict[str, float]:
    """Seconds of the whole command on the milk file: read, judged at eight origins, forecast and written."""
    milk = ROOT / "examples" / "monthly_milk_production.csv"
    with tempfile.TemporaryDirectory() as folder:
        options = ["--recipe", "pretrained", "--no-report", "--quiet", "--out", folder]
        return process_seconds(["ostinato", "forecast", str(milk), *options])


def process_seconds(words: list[str]) -> dict[str, float]:
    """Seconds from the start of a process to its end: best and median wall time."""
    seconds = []
    for _ in range(REPEATS + 1):
        begun = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - begun)
    return {"best": round(min(seconds[1:]), 3), "median": round(statistics.median(seconds[1:]), 3)}


def generation() -> int:
    """Synthetic series of 1,024 points a processor second."""
    generate(100, 1024)
    begun = time.process_time()
    generate(4000, 1024)
    return round(4000 / (time.process_time() - begun))


def _size(member: pretrained_network.Member) -> int:
    """Numbers in one network."""
    arrays = (*member.input_weights, *member.state_weights, *member.biases, *member.head.values())
    return sum(array.size for array in arrays)


if __name__ == "__main__":
    main()
