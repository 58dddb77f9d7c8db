"""`ostinato caption`: described images or vectors to a trained model and a report, and a model to sentences."""

import json

import numpy as np
import pytest

from ostinato.cli import main

QUICK = ["--hidden-size", "8", "--epochs", "2", "--quiet"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("described")
    images = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3)).astype(np.uint8)
    sentences = np.array(["a grey wall", "a <wild> wall"] * 12)
    np.savez(folder / "images.npz", X=images, y=sentences)
    np.savez(folder / "alone.npz", X=images[:2])
    (folder / "days.csv").write_text("low,high,what\n" + "-3,4,a cold day\n15,28,a hot day\n" * 6)
    return folder


@pytest.fixture(scope="module")
def trained(files):
    out, images = files / "out", str(files / "images.npz")
    assert main(["caption", images, "--valid", images, "--test", images, "--out", str(out), *QUICK]) == 0
    return out


def test_a_training_leaves_its_results_in_a_folder(trained):
    names = {file.name for file in trained.iterdir()}
    assert names == {"captions.csv", "leaderboard.csv", "model.zip", "report.html", "report.json"}
    summary = json.loads((trained / "report.json").read_text())
    assert {row["model"] for row in summary["scores"]} == {"GRU", "nearest neighbour", "most frequent"}
    assert "Where each word looks" in (trained / "report.html").read_text()


def test_a_neighbour_that_is_the_image_itself_is_always_right(trained):
    scores = {row["model"]: row for row in json.loads((trained / "report.json").read_text())["scores"]}
    assert scores["nearest neighbour"]["exact"] == 1.0
    assert scores["most frequent"]["exact"] == 0.5


def test_vectors_of_a_table_are_described(files, tmp_path, capsys):
    assert main(["caption", str(files / "days.csv"), "--out", str(tmp_path / "out"), *QUICK, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert "each input is the 2 numbers in its row" in summary["notes"]
    assert "Where each word looks" not in (tmp_path / "out" / "report.html").read_text()


def test_what_is_printed_names_the_files_and_the_verdict(files, tmp_path, capsys):
    assert main(["caption", str(files / "days.csv"), "--out", str(tmp_path / "out"), *QUICK[:-1]]) == 0
    printed = capsys.readouterr().out
    assert "12 inputs" in printed
    assert "nearest neighbour" in printed
    assert "model.zip" in printed


def test_a_model_describes_each_input_on_a_line(trained, files, capsys):
    assert (
        main(["caption", str(files / "alone.npz"), "--model", str(trained / "model.zip"), "--beam", "1"]) == 0
    )
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_model_answers_in_json(trained, files, capsys):
    assert main(["caption", str(files / "alone.npz"), "--model", str(trained / "model.zip"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in answer["captions"]] == ["item 1", "item 2"]


def test_options_of_a_training_are_refused_beside_a_model(trained, files, capsys):
    words = ["caption", str(files / "alone.npz"), "--model", str(trained / "model.zip"), "--tokens", "char"]
    assert main(words) == 2
    assert "--tokens came with --model, which is trained already" in capsys.readouterr().err


def test_inputs_without_sentences_cannot_be_learned_from(files, tmp_path, capsys):
    assert main(["caption", str(files / "alone.npz"), "--out", str(tmp_path / "out"), "--quiet"]) == 2
    assert "has no sentences; add a column and name it with --sentence-col" in capsys.readouterr().err


def test_a_model_of_another_task_is_refused(files, tmp_path, capsys):
    from ostinato import SequenceTranslator

    small = SequenceTranslator(tokens="word", hidden_size=4, embedding_size=4, epochs=1, random_state=0)
    small.fit(["a"], ["b"]).save(tmp_path / "model")
    assert main(["caption", str(files / "alone.npz"), "--model", str(tmp_path / "model")]) == 2
    assert "is no model of ostinato caption; name one with --model" in capsys.readouterr().err
