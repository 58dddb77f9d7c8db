"""Learning curve of direct pretrained networks over their size: the same windows, the same number of them.

    OMP_NUM_THREADS=1 python benchmarks/pretraining_curve.py            # all sizes
    OMP_NUM_THREADS=1 python benchmarks/pretraining_curve.py --size 2   # the third, the others as measured before

Adds "sizes" to the result file, which also holds the curves of the long trainings over the windows seen.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "pretraining_curve.json"
WINDOWS = 98_304
# hidden size, width of the head: 0.07, 0.2, 0.5, 1 and 3 million parameters
SIZES = ((64, 96), (112, 112), (192, 144), (272, 176), (480, 256))


def main() -> None:
    """Trains every size on a small budget and writes the result file, after every size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=WINDOWS)
    parser.add_argument("--size", type=int, nargs="*", default=range(len(SIZES)))
    options = parser.parse_args()
    for number in options.size:
        row = train(*SIZES[number], options.windows)
        print(row, flush=True)
        result = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        known = result.get("sizes", {"windows": options.windows, "rows": []})
        if known["windows"] != options.windows:
            known = {"windows": options.windows, "rows": []}
        rows = [one for one in known["rows"] if one["hidden_size"] != row["hidden_size"]] + [row]
        rows.sort(key=lambda one: one["parameters"])
        result["sizes"] = {"windows": options.windows, "rows": rows, "measured": machine.describe()}
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def train(hidden_size: int, width: int, windows: int) -> dict[str, float]:
    """Trains one size: parameters, processor seconds, loss relative to the untrained network."""
    sys.path.insert(0, str(ROOT / "pretraining"))
    from train import Trainer

    with tempfile.TemporaryDirectory() as folder:
        run = Trainer(
            argparse.Namespace(
                folder=Path(folder),
                minutes=0.0,
                windows=windows,
                hidden_size=hidden_size,
                width=width,
                rate=2e-3,
                seed=31,
                plain=False,
                form="direct",
                unseasonal=False,
                start=None,
            )
        )
        begun = time.process_time()
        run.run()
        seconds = time.process_time() - begun
        line = json.loads((Path(folder) / "log.jsonl").read_text().splitlines()[-1])
    return {
        "hidden_size": hidden_size,
        "parameters": sum(parameter.numel() for parameter in run.network.parameters()),
        "updates": line["updates"],
        "relative_loss": line["of_seasonal_naive"],
        "processor_seconds": round(seconds),
    }


if __name__ == "__main__":
    main()
