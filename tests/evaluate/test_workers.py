"""Worker processes end with their parent."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
from pathlib import Path
import numpy as np, pandas as pd
from ostinato.evaluate.backtest import backtest

class Slow:
    def __call__(self, past):
        Path(sys.argv[1], str(os.getpid())).touch()
        time.sleep(200)

frame = pd.DataFrame({"unique_id": "a", "ds": np.arange(40), "y": np.arange(40.0)})
backtest({"slow": Slow()}, frame, h=2, freq=1, n_windows=4, step_size=2, n_jobs=2)
"""


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)])
    while len(list(tmp_path.iterdir())) < 2 and parent.poll() is None:
        time.sleep(0.05)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    until = time.time() + 100  # half of what they would sleep
    while any(map(_lives, workers)) and time.time() < until:
        time.sleep(0.05)
    assert not any(map(_lives, workers))
