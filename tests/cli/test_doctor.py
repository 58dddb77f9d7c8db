import json
import sys

import numpy as np
import pytest

from ostinato.cli import main


@pytest.fixture
def run(capsys):
    def run(*words):
        code = main(["doctor", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_a_file_is_diagnosed_by_a_short_training(quick, run, milk_csv):
    code, out, err = run(milk_csv)
    assert (code, err) == (0, "")
    assert out.startswith("The network remembers ")
    assert "your season of 12 is taken out before it looks" in out
    assert "recurrent.l0: LSTM(4), memory " in out


def test_a_saved_model_is_diagnosed_on_its_history_or_on_a_file(quick, run, milk_csv, tmp_path):
    import pandas as pd

    from ostinato import Forecaster

    model = tmp_path / "model.zip"
    Forecaster(h=6, cell="gru", random_state=0).fit(pd.read_csv(milk_csv)).save(model)
    code, own, _ = run(model)
    assert code == 0
    assert "GRU(4)" in own
    assert run(model, milk_csv)[1] == own


def test_pictures_and_numbers_are_written_on_request(quick, run, milk_csv, tmp_path):
    out = tmp_path / "new" / "folder"
    code, text, _ = run(milk_csv, "--out", out)
    assert code == 0
    assert {path.name for path in out.iterdir()} == {
        "gradients.png",
        "gates.png",
        "training.png",
        "doctor.json",
    }
    assert (out / "gradients.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "doctor.json").read_text())["layers"][0]["cell"] == "LSTM"
    assert f"numbers     {out / 'doctor.json'}" in text


def test_json_is_one_object(quick, run, milk_csv, tmp_path):
    code, out, _ = run(milk_csv, "--json", "--cell", "rnn", "--out", tmp_path / "out")
    values = json.loads(out)
    assert code == 0
    assert values["layers"][0]["cell"] == "RNN"
    assert set(values["outputs"]) == {"gradients", "training", "numbers"}  # a simple layer has no gates
    assert values["watch"]["updates"] > 50
    assert values["watch"]["sightings"][-1]["memory"] >= 1


def test_a_training_is_written_for_tensorboard(quick, run, milk_csv, tmp_path):
    pytest.importorskip("tensorboard")
    code, _, err = run(milk_csv, "--tensorboard", tmp_path / "board")
    assert (code, err) == (0, "")
    assert any(path.name.startswith("events.out.tfevents") for path in (tmp_path / "board").iterdir())


def test_tensorboard_is_asked_for_where_it_is_missing(quick, run, milk_csv, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    code, _, err = run(milk_csv, "--tensorboard", tmp_path / "board")
    assert code == 2
    assert "--tensorboard needs the package tensorboard; install it with pip install" in err


def test_a_model_of_another_task_is_left_to_python(run, tmp_path):
    from ostinato import SequenceClassifier

    model = tmp_path / "model.zip"
    classifier = SequenceClassifier(hidden_size=4, members=1, epochs=1, random_state=0)
    classifier.fit(list(np.random.default_rng(0).normal(size=(12, 20, 1))), np.arange(12) % 2).save(model)
    code, _, err = run(model)
    assert code == 2
    assert "holds a SequenceClassifier and the command looks into forecasters; in Python use" in err


def test_a_folder_that_is_no_model_is_refused(run, tmp_path):
    code, _, err = run(tmp_path)
    assert code == 2
    assert err.startswith(f"ostinato: {tmp_path} has no config.json; it is not a whole model file")
