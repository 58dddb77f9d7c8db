"""Time and memory of `ostinato forecast` on Parquet files of many series, read in parts.

OMP_NUM_THREADS=1 python benchmarks/large_file.py 100000 1000000
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ostinato.synthetic import generate

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "large_file.json"
LENGTH, GROUP, HORIZON = 48, 20_000, 12


def main() -> None:
    """Measures every size named on the command line and writes them into the result file."""
    for count in map(int, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            row = {**measure(Path(folder), count), "measured": machine.describe()}
        print(row, flush=True)
        known = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
        rows = sorted([one for one in known if one["series"] != count] + [row], key=lambda one: one["series"])
        RESULTS.write_text(json.dumps({"length": LENGTH, "horizon": HORIZON, "rows": rows}, indent=1) + "\n")


def write(path: Path, count: int) -> None:
    """Monthly synthetic series in long form, sorted by series."""
    months = pd.date_range("2020-01-01", periods=LENGTH, freq="MS").to_numpy()
    schema = pa.schema([("unique_id", pa.string()), ("ds", pa.timestamp("ns")), ("y", pa.float64())])
    with pq.ParquetWriter(path, schema) as file:
        for begin in range(0, count, GROUP):
            names = [f"s{number:07d}" for number in range(begin, min(begin + GROUP, count))]
            series = generate(len(names), LENGTH, season_length=12, seed=begin)
            filled = np.nan_to_num(series.astype(np.float64), nan=1.0)
            columns = [np.repeat(names, LENGTH), np.tile(months, len(names)), filled.reshape(-1)]
            file.write_table(pa.table(columns, schema=schema))


def measure(folder: Path, count: int) -> dict[str, float]:
    """Wall and processor seconds and the most memory of one command."""
    path = folder / "many.parquet"
    write(path, count)
    command = ["ostinato", "forecast", path, "--recipe", "pretrained", "--h", str(HORIZON)]
    begun = time.perf_counter()
    child = subprocess.Popen([*command, "--out", folder / "out", "--quiet"], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    if status:
        raise SystemExit(f"the command ended with status {status}")
    forecast = pq.ParquetDataset(folder / "out" / "forecast")
    assert sum(part.count_rows() for part in forecast.fragments) == count * HORIZON
    return {
        "series": count,
        "rows": count * LENGTH,
        "file_megabytes": round(path.stat().st_size / 1e6),
        "wall_seconds": round(wall, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "most_memory_megabytes": round(used.ru_maxrss / 1024),
    }


if __name__ == "__main__":
    main()
