import io
import json
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.errors import ModelFileError
from ostinato.train.checkpoint import load_model, save_model
from ostinato.train.history import History

CONFIG = {
    "task": "forecast",
    "scaler": {"kind": "standard", "offset": 0.1, "scale": 2.0},
    "scores": [0.5, 1e-300],
}
WEIGHTS = {
    "a": torch.arange(6.0).reshape(2, 3),
    "scalar": torch.tensor(2.0),
    "b": np.arange(3, dtype=np.int64),
}
HISTORY = History(train=[1.0, 0.5], best_epoch=1).to_dict()
NAMES = ["model", "model.zip"]


def save(path, config=CONFIG, weights=WEIGHTS, history=HISTORY):
    save_model(path, config=config, weights=weights, history=history)
    return path


def pack(files):
    """A zip of these files, as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_what_was_saved_is_loaded(tmp_path, name):
    model = load_model(save(tmp_path / "new" / name))
    assert model.config == CONFIG
    assert model.history == HISTORY
    assert set(model.weights) == set(WEIGHTS)
    for key, weight in WEIGHTS.items():
        assert model.weights[key].shape == tuple(weight.shape)
        np.testing.assert_array_equal(model.weights[key], np.asarray(weight))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_file_is_replaced_whole(tmp_path, name):
    save(tmp_path / name)
    save(tmp_path / name, config={"task": "other"})
    assert load_model(tmp_path / name).config == {"task": "other"}
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_model_file_goes_into_an_empty_folder(tmp_path):
    (tmp_path / "model").mkdir()
    assert load_model(save(tmp_path / "model")).config == CONFIG


def test_the_results_of_a_command_are_opened_by_the_model_in_them(tmp_path):
    save(tmp_path / "results" / "model.zip")
    assert load_model(tmp_path / "results").config == CONFIG


def test_a_configuration_with_pairs_and_number_keys_loads_as_json_has_it(tmp_path):
    config = {"tbptt": (4, 8), "levels": {2: "b", 10: "a"}}
    assert load_model(save(tmp_path / "model", config=config)).config == {
        "tbptt": [4, 8],
        "levels": {"2": "b", "10": "a"},
    }


def test_the_files_are_those_of_the_format(tmp_path):
    save(tmp_path / "model")
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "config.json",
        "weights.safetensors",
        "history.json",
    }
    head = json.loads((tmp_path / "model" / "config.json").read_text())
    assert head["format"] == 1
    assert {"ostinato", "python", "numpy", "torch"} <= set(head["versions"])
    assert set(head["sha256"]) == {"weights.safetensors", "history.json"}


def test_a_folder_packed_by_hand_loads_too(tmp_path):
    save(tmp_path / "model")
    files = [(path.name, path.read_bytes()) for path in (tmp_path / "model").iterdir()]
    (tmp_path / "by-hand.zip").write_bytes(pack(files))
    assert load_model(tmp_path / "by-hand.zip").config == CONFIG


def test_the_same_model_gives_the_same_zip(tmp_path):
    assert save(tmp_path / "one.zip").read_bytes() == save(tmp_path / "two.zip").read_bytes()


@pytest.mark.parametrize("part", ["config.json", "weights.safetensors", "history.json"])
def test_a_missing_part_is_named(tmp_path, part):
    folder = save(tmp_path / "model")
    files = [(path.name, path.read_bytes()) for path in folder.iterdir() if path.name != part]
    (tmp_path / "part.zip").write_bytes(pack(files))
    with pytest.raises(ModelFileError, match=f"has 0 files {part} and should have 1; save the model again"):
        load_model(tmp_path / "part.zip")
    (folder / part).unlink()
    with pytest.raises(
        ModelFileError, match=f"has no {part}; it is not a whole model file, save the model again"
    ):
        load_model(folder)


def change_head(folder, **changes):
    head = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(head))


def test_a_newer_format_says_to_upgrade(tmp_path):
    change_head(save(tmp_path / "model"), format=2)
    with pytest.raises(
        ModelFileError, match="has model format 2 and this version reads up to 1; upgrade ostinato"
    ):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("number", [None, "1", 0, True])
def test_a_file_without_a_format_number_is_none_of_ours(tmp_path, number):
    change_head(save(tmp_path / "model"), format=number)
    with pytest.raises(ModelFileError, match="has no format number; it is not a model file of ostinato"):
        load_model(tmp_path / "model")


def test_an_altered_configuration_is_refused(tmp_path):
    change_head(save(tmp_path / "model"), config={"task": "forecast"})
    with pytest.raises(ModelFileError, match=r"config.json of .*model was altered after it was saved"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("part", ["weights.safetensors", "history.json"])
def test_altered_and_cut_off_parts_are_refused(tmp_path, part):
    file = save(tmp_path / "model") / part
    content = file.read_bytes()
    for damaged in (content[:-1], b"", content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]):
        file.write_bytes(damaged)
        with pytest.raises(
            ModelFileError, match=f"{part} of .*model was cut off or altered after it was saved"
        ):
            load_model(tmp_path / "model")


@pytest.mark.parametrize("text", ["{", "", "\\xff", "[" * 100_000])
def test_a_configuration_that_is_not_json_is_refused(tmp_path, text):
    (save(tmp_path / "model") / "config.json").write_text(text)
    with pytest.raises(ModelFileError, match=r"config.json of .*model is not JSON"):
        load_model(tmp_path / "model")


def test_a_configuration_that_is_no_object_is_refused(tmp_path):
    (save(tmp_path / "model") / "config.json").write_text("[1, 2]")
    with pytest.raises(ModelFileError, match=r"config.json of .*model is not a JSON object"):
        load_model(tmp_path / "model")


def test_a_path_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match=r"there is no model file .*nowhere.zip; check the path"):
        load_model(tmp_path / "nowhere.zip")


def test_a_zip_bomb_is_not_unfolded(tmp_path):
    files = [("config.json", "{}"), ("weights.safetensors", bytes(30_000_000)), ("history.json", "{}")]
    (tmp_path / "bomb.zip").write_bytes(pack(files))
    with pytest.raises(ModelFileError, match=r"weights.safetensors of .* would unfold to 30000000 bytes"):
        load_model(tmp_path / "bomb.zip")


def test_other_entries_and_their_paths_are_never_looked_at(tmp_path):
    save(tmp_path / "model")
    files = [(path.name, path.read_bytes()) for path in (tmp_path / "model").iterdir()]
    (tmp_path / "odd.zip").write_bytes(pack([("../outside.txt", "here"), ("/etc/passwd", "x"), *files]))
    assert load_model(tmp_path / "odd.zip").config == CONFIG
    assert {path.name for path in tmp_path.iterdir()} == {"model", "odd.zip"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_a_part_twice_is_refused(tmp_path):
    (tmp_path / "twice.zip").write_bytes(pack([("config.json", "{}"), ("config.json", "{}")]))
    with pytest.raises(ModelFileError, match=r"has 2 files config.json and should have 1"):
        load_model(tmp_path / "twice.zip")


def test_an_unknown_way_of_packing_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ModelFileError, match=r"config.json of .* is packed in an unknown way"):
        load_model(tmp_path / "model.zip")


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_model_file_is_never_replaced(tmp_path, name):
    path = tmp_path / name
    if name == "model":
        path.mkdir()
        (path / "thesis.txt").write_text("years of work")
    else:
        path.write_text("years of work")
    with pytest.raises(
        ModelFileError, match="is there and is not a model file; remove it or choose another path"
    ):
        save(path)
    assert ((path / "thesis.txt") if name == "model" else path).read_text() == "years of work"


def test_a_path_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelFileError, match=r"cannot write the model file .*; choose another path"):
        save(tmp_path / "file" / "model")


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_write_leaves_the_old_model(tmp_path, name, monkeypatch):
    save(tmp_path / name)

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ostinato.train.files.os.fsync", fail)
        with pytest.raises(ModelFileError, match="No space left on device; choose another path"):
            save(tmp_path / name, config={})
    assert load_model(tmp_path / name).config == CONFIG
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_json_cannot_hold_is_refused_before_anything_is_written(tmp_path, value):
    with pytest.raises(ModelFileError, match=r"config.json cannot be written: .*; use plain values only"):
        save(tmp_path / "model", config={"value": value})
    assert not list(tmp_path.iterdir())


def test_weights_of_a_type_numpy_lacks_are_refused(tmp_path):
    with pytest.raises(
        ModelFileError, match=r"weights.safetensors cannot be written: .*; use float32 or float64"
    ):
        save(tmp_path / "model", weights={"a": torch.zeros(2, dtype=torch.bfloat16)})


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    return save(folder / "model"), save(folder / "model.zip").read_bytes(), folder


def assert_loads_or_refuses(path):
    try:
        model = load_model(path)
    except ModelFileError:
        return
    assert model.config == CONFIG
    assert model.history == HISTORY
    np.testing.assert_array_equal(model.weights["a"], WEIGHTS["a"].numpy())


@settings(max_examples=150)
@given(data=st.data())
def test_random_damage_to_a_zip_is_harmless_or_refused(saved, data):
    _, content, folder = saved
    damaged = bytearray(content)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    (folder / "damaged.zip").write_bytes(damaged[:cut])
    assert_loads_or_refuses(folder / "damaged.zip")


@settings(max_examples=100)
@given(part=st.sampled_from(["config.json", "weights.safetensors", "history.json"]), data=st.data())
def test_random_damage_to_a_folder_is_harmless_or_refused(saved, part, data):
    model, _, folder = saved
    content = (model / part).read_bytes()
    damaged = bytearray(content)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        damaged[place] = data.draw(st.integers(0, 255))
    (folder / "damaged").mkdir(exist_ok=True)
    for file in model.iterdir():
        (folder / "damaged" / file.name).write_bytes(damaged if file.name == part else file.read_bytes())
    assert_loads_or_refuses(folder / "damaged")


@settings(max_examples=50)
@given(content=st.binary(max_size=200))
def test_random_bytes_are_refused(saved, content):
    file = saved[2] / "random.zip"
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"is not a whole zip file|has 0 files"):
        load_model(file)
