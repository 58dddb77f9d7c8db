"""The training script: it trains, stops, goes on, and writes weights that the package can read."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from ostinato.tasks.pretrained import network as pretrained_network
from ostinato.tasks.pretrained.forms import DIRECT, LONG

SCRIPT = Path(__file__).parents[2] / "pretraining" / "train.py"


def train(folder, minutes, *more):
    command = [
        sys.executable,
        SCRIPT,
        folder,
        "--minutes",
        str(minutes),
        "--hidden-size",
        "8",
        "--width",
        "8",
    ]
    subprocess.run([*command, *more], check=True, capture_output=True)


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped(tmp_path):
    train(tmp_path, 0.01, "--plain")
    first = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["counts"]
    train(tmp_path, first[2] / 60 + 0.001, "--plain")
    second = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["counts"]
    assert second[0] > first[0] > 0
    assert (first[3], second[3]) == (1, 2)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["updates"] for line in lines] == [first[0], second[0]]
    assert pretrained_network.read_member(tmp_path / "weights.safetensors").plain


@pytest.mark.slow
@pytest.mark.parametrize("form", [DIRECT, LONG])
def test_a_network_without_classical_forecasts_learns_from_the_windows_it_is_given(tmp_path, form):
    train(tmp_path, 0.0, "--form", form.name, "--windows", "3000")
    line = json.loads((tmp_path / "log.jsonl").read_text())
    assert line["windows"] == 4096  # whole groups
    assert pretrained_network.read_member(tmp_path / "weights.safetensors").form is form


@pytest.mark.slow
def test_a_network_of_unseasonal_series_can_start_from_other_weights(tmp_path):
    train(tmp_path / "one", 0.0, "--form", "direct", "--windows", "3000")
    start = tmp_path / "one" / "weights.safetensors"
    train(tmp_path / "two", 0.0, "--unseasonal", "--windows", "3000", "--start", start, "--rate", "1e-9")
    first, second = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    for name, values in first.items():
        np.testing.assert_allclose(
            second[name], values, atol=2e-3
        )  # so small a rate leaves them as they were
    member = pretrained_network.read_member(tmp_path / "two" / "weights.safetensors")
    assert member.form is DIRECT
    assert member.unseasonal
