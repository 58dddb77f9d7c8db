import json
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ostinato.data.batch import Batch, Batches
from ostinato.errors import ConfigError, ModelFileError
from ostinato.nn.losses import mse
from ostinato.train.config import TrainConfig
from ostinato.train.loop import fit

# A run as a program, so that it can be killed; its arguments are the checkpoint, where to put the weights, and how many
# seconds to wait before.
PROGRAM = """
import sys, time
import torch
from safetensors.torch import save_file
from torch import nn
from ostinato.data.batch import Batch, Batches
from ostinato.nn import LSTM
from ostinato.nn.losses import mse
from ostinato.train.config import TrainConfig
from ostinato.train.loop import fit

torch.set_num_threads(1)
torch.manual_seed(0)
recurrent, output = LSTM(1, 4, num_layers=2, dropout=0.3, batch_first=True), nn.Linear(4, 1)
inputs = torch.randn(12, 10, 1)
data = Batch(inputs, inputs[:, :, 0].cumsum(1).sin())

def loss(batch, state):
    outputs, state = recurrent(batch.inputs, state)
    return mse(output(outputs).squeeze(-1), batch.targets, batch.mask), state

class Slow:
    def epoch(self, number):
        time.sleep(0.01)
        return Batches(data, batch_size=5, seed=3).epoch(number)

config = TrainConfig(
    epochs=40, learning_rate=0.05, schedule="plateau", plateau=3, patience=30, ema=0.8, tbptt=(5, 10)
)
model = nn.ModuleList([recurrent, output])
print("ready", flush=True)
fit(model, Slow(), loss=loss, config=config, validation=Batches(data, batch_size=12, shuffle=False),
    checkpoint=sys.argv[1], resume=True)
time.sleep(float(sys.argv[3]))
save_file(model.state_dict(), sys.argv[2])
"""


def start(folder, name, *, linger=0):
    """Start the program and wait until it trains."""
    files = [str(folder / f"{name}.checkpoint"), str(folder / f"{name}.weights")]
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, *files, str(linger)], stdout=subprocess.PIPE)
    assert program.stdout.readline() == b"ready\n"
    program.stdout.close()
    return program


@pytest.mark.slow
def test_resume_after_kill_9_ends_with_the_bits_of_an_uninterrupted_run(tmp_path):
    assert start(tmp_path, "whole").wait() == 0
    moments = random.Random()  # any moment must do, so it is another one each time
    for _ in range(3):
        program = start(tmp_path, "killed", linger=200)
        time.sleep(moments.uniform(0.02, 0.35))
        program.kill()
        assert program.wait() == -signal.SIGKILL
    assert start(tmp_path, "killed").wait() == 0
    whole, resumed = (load_file(tmp_path / f"{name}.weights") for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    left = {file.name for file in tmp_path.iterdir() if not file.name.endswith(".tmp")}
    assert left == {"whole.checkpoint", "whole.weights", "killed.checkpoint", "killed.weights"}


class StopError(Exception):
    """Raised in the middle of training, as an interruption would be."""


def run(file=None, *, stop=None, resume=False, hidden=3, **settings):
    """Train a network with dropout, perhaps only until an epoch, and return its weights and history."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, hidden), nn.Dropout(0.5), nn.Linear(hidden, 1))
    inputs = torch.randn(10, 4, 2)
    data = Batch(inputs, inputs.sum(-1, keepdim=True))

    def loss(batch, state):
        return mse(model(batch.inputs), batch.targets), None

    def progress(epoch, epochs, losses):
        if epoch == stop:
            raise StopError

    config = TrainConfig(**{"epochs": 8, "learning_rate": 0.05} | settings)
    history = fit(
        model,
        Batches(data, batch_size=4),
        loss=loss,
        config=config,
        validation=Batches(data, batch_size=10),
        checkpoint=file,
        resume=resume,
        progress=progress,
    )
    return model.state_dict(), history


def stop_at(file, epoch, **settings):
    with pytest.raises(StopError):
        run(file, stop=epoch, **settings)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("ema", [None, 0.9])
@pytest.mark.parametrize("patience", [None, 2])
@pytest.mark.parametrize("every", [1, 3])
def test_resume_ends_with_the_same_bits(tmp_path, optimizer, ema, patience, every):
    settings = {"optimizer": optimizer, "ema": ema, "patience": patience, "checkpoint_every": every}
    file = tmp_path / "run"
    whole, history = run(**settings)
    stop_at(file, min(2, len(history)), **settings)
    weights, resumed = run(file, resume=True, **settings)
    assert all(torch.equal(whole[name], weights[name]) for name in whole)
    assert (resumed.train, resumed.validation) == (history.train, history.validation)
    assert (resumed.best_epoch, resumed.stopped_early) == (history.best_epoch, history.stopped_early)


def test_resuming_a_finished_run_gives_its_result_again(tmp_path):
    first, history = run(tmp_path / "run", patience=2)
    again, same = run(tmp_path / "run", resume=True, patience=2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert same == history


def test_a_resumed_run_may_have_more_epochs(tmp_path):
    run(tmp_path / "run", epochs=3)
    weights, history = run(tmp_path / "run", resume=True, epochs=8)
    assert len(history) == 8
    assert all(torch.equal(weight, weights[name]) for name, weight in run()[0].items())


def test_without_resume_a_checkpoint_is_written_over(tmp_path):
    run(tmp_path / "run", epochs=3)
    assert len(run(tmp_path / "run", epochs=2)[1]) == 2


def test_a_checkpoint_holds_no_pickle(tmp_path):
    run(tmp_path / "run", epochs=2)
    content = (tmp_path / "run").read_bytes()
    size = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + size])
    assert json.loads(head["__metadata__"]["ostinato"])["config"]["epochs"] == 2


def test_other_settings_cannot_go_on(tmp_path):
    run(tmp_path / "run", epochs=2)
    with pytest.raises(
        ConfigError, match=r"was made with learning_rate=0.05 and this run has 0.5; use the same"
    ):
        run(tmp_path / "run", resume=True, learning_rate=0.5)


def test_another_model_cannot_go_on(tmp_path):
    run(tmp_path / "run", epochs=2)
    with pytest.raises(ConfigError, match="is of another model; delete it to start again"):
        run(tmp_path / "run", resume=True, hidden=4)


def test_a_cut_off_checkpoint_is_refused(tmp_path):
    run(tmp_path / "run", epochs=2)
    content = (tmp_path / "run").read_bytes()
    for size in (0, 5, 100, len(content) - 1):
        (tmp_path / "run").write_bytes(content[:size])
        with pytest.raises(
            ModelFileError, match=r"the checkpoint .*run cannot be read .*; delete it to start again"
        ):
            run(tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "is not a checkpoint of ostinato; use another path"),
        ({"ostinato": "[1]"}, "is not a checkpoint of ostinato; use another path"),
        ({"ostinato": '{"format": 99}'}, "has format 99 and this version reads 1; upgrade ostinato"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, metadata, message):
    save_file({"random.cpu": torch.zeros(1)}, tmp_path / "run", metadata)
    with pytest.raises(ModelFileError, match=message):
        run(tmp_path / "run", resume=True)


def test_a_checkpoint_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelFileError, match=r"cannot write the checkpoint .*; use another path"):
        run(tmp_path / "file" / "run")


def test_an_interrupted_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    file = tmp_path / "run"
    stop_at(file, 1)
    before = file.read_bytes()

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ostinato.train.files.os.fsync", fail)
    with pytest.raises(ModelFileError, match="No space left on device"):
        run(file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
