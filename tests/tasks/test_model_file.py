import pytest
import torch

import ostinato
from ostinato.errors import ModelFileError
from ostinato.tasks.model_file import LOADERS, load_estimator, rebuilding, save_estimator
from ostinato.train.checkpoint import save_model


@pytest.mark.parametrize("name", ["model", "model.zip"])
def test_what_was_saved_comes_back(tmp_path, name):
    weights = {"w": torch.randn(2, 3), "n": torch.tensor([1, 2])}
    save_estimator(
        tmp_path / name, task="tag", parameters={"a": 1}, extra={"b": [2]}, weights=weights, history={"c": 3}
    )
    parameters, extra, loaded, history = load_estimator(tmp_path / name, task="tag")
    assert (parameters, extra, history) == ({"a": 1}, {"b": [2]}, {"c": 3})
    assert all(torch.equal(loaded[key], weights[key]) for key in weights)


def test_a_model_of_another_task_is_refused(tmp_path):
    save_estimator(tmp_path / "m", task="tag", parameters={}, extra={}, weights={}, history={})
    with pytest.raises(ModelFileError, match="for the task 'tag', not 'classify'; load it"):
        load_estimator(tmp_path / "m", task="classify")


def test_a_model_without_its_parts_is_refused(tmp_path):
    save_model(tmp_path / "m", config={"task": "tag"}, weights={}, history={})
    with pytest.raises(ModelFileError, match="lacks its parts parameters and extra"):
        load_estimator(tmp_path / "m", task="tag")


def test_a_model_of_an_unknown_task_is_refused(tmp_path):
    save_model(tmp_path / "m", config={"task": "dance"}, weights={}, history={})
    with pytest.raises(ModelFileError, match="for the task 'dance'; this version knows forecast, classify"):
        ostinato.load(tmp_path / "m")


@pytest.mark.parametrize("task", [task for task in LOADERS if task != "forecast"])
def test_parts_that_do_not_fit_are_refused_by_every_task(tmp_path, task):
    save_estimator(tmp_path / "m", task=task, parameters={}, extra={}, weights={}, history={})
    with pytest.raises(ModelFileError, match="does not fit together"):
        ostinato.load(tmp_path / "m")


def test_errors_of_rebuilding_name_the_file():
    with (
        pytest.raises(ModelFileError, match=r"m\.zip does not fit together \('classes'\)"),
        rebuilding("m.zip"),
    ):
        raise KeyError("classes")
