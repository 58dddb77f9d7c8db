"""The command `ostinato generate`."""

import json

import pytest

from ostinato.cli import main

TEXT = "one two three, one two three.\n" * 60


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generate")
    (folder / "text.txt").write_text(TEXT)
    words = [str(folder / "text.txt"), "--epochs", "2", "--hidden-size", "16", "--num-layers", "1"]
    assert main(["generate", *words, "--out", str(folder / "out"), "--quiet"]) == 0
    return folder


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    rows = "".join("anna\tf\nbob\tm\nhannah\tf\nbobby\tm\n" for _ in range(15))
    (folder / "names.tsv").write_text("name\tkind\n" + rows)
    words = [str(folder / "names.tsv"), "--text-col", "name", "--condition-col", "kind", "--epochs", "1"]
    assert main(["generate", *words, "--hidden-size", "8", "--out", str(folder / "out"), "--quiet"]) == 0
    return folder


def write(folder, *words):
    return main(["generate", "--model", str(folder / "out/model.zip"), *words])


def test_training_leaves_model_report_and_leaderboard(trained):
    assert {file.name for file in (trained / "out").iterdir()} == {
        "model.zip",
        "report.html",
        "report.json",
        "leaderboard.csv",
    }
    summary = json.loads((trained / "out" / "report.json").read_text())
    assert {score["model"] for score in summary["scores"]} == {"LSTM", "3-gram", "5-gram", "7-gram"}
    assert len(summary["samples"]) == 3
    assert "the last tenth of the text was kept from the training" in summary["notes"]


def test_the_report_shows_what_it_writes_and_how_it_reads(trained):
    page = (trained / "out" / "report.html").read_text()
    for heading in ("What it writes", "How it reads", "At temperature 0.8", "Training"):
        assert heading in page


def test_a_text_is_written_from_a_prompt(trained, capsys):
    assert write(trained, "--prompt", "one", "--length", "30", "--temperature", "0.5") == 0
    first = capsys.readouterr().out
    assert first.startswith("one")
    assert len(first) == 34
    assert write(trained, "--prompt", "one", "--length", "30", "--temperature", "0.5") == 0
    assert capsys.readouterr().out == first


def test_a_text_in_two_parts_is_the_text_in_one(trained, tmp_path, capsys):
    state = str(tmp_path / "state")
    assert write(trained, "--prompt", "one", "--length", "12", "--seed", "4", "--save-state", state) == 0
    first = capsys.readouterr().out[:-1]
    assert write(trained, "--resume", state, "--length", "9") == 0
    second = capsys.readouterr().out[:-1]
    assert write(trained, "--prompt", "one", "--length", "21", "--seed", "4") == 0
    assert capsys.readouterr().out[:-1] == first + second


def test_several_texts_come_as_json(named, capsys):
    assert write(named, "--condition", "f", "--number", "3", "--length", "9", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["texts"]) == 3
    assert all(len(text) <= 9 for text in answer["texts"])


def test_sequences_have_a_report_for_each_condition(named):
    summary = json.loads((named / "out" / "report.json").read_text())
    assert [sample["title"] for sample in summary["samples"]] == [
        "f, at temperature 0.8",
        "m, at temperature 0.8",
    ]


def test_lines_are_sequences(tmp_path, capsys):
    (tmp_path / "lines.txt").write_text("anna\nbob\n\nhannah\n" * 10)
    words = [
        str(tmp_path / "lines.txt"),
        "--lines",
        "--epochs",
        "1",
        "--hidden-size",
        "4",
        "--out",
        str(tmp_path),
    ]
    assert main(["generate", *words]) == 0
    assert "lines.txt: 30 sequences, 130 characters" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "there is no FILE to learn from; name one, or a trained model with --model"),
        (["a.txt", "--prompt", "x"], "--prompt needs a trained model; name one with --model"),
        (
            ["a.txt", "--model", "m.zip"],
            "FILE came with --model, which is trained already; leave one of them out",
        ),
        (["--model", "m.zip"], "there is no model file m.zip; check the path"),
        (["missing.txt"], "cannot read missing.txt (no such file or directory); check the path"),
        (["a.csv", "--lines"], "--lines came with a.csv, which is a table; name its column with --text-col"),
        (
            ["a.txt", "--text-col", "x"],
            "columns are named, but a.txt is no table; give a CSV, TSV, Parquet or",
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(words, message, capsys):
    assert main(["generate", *words]) == 2
    assert message in capsys.readouterr().err


def test_settings_of_a_kept_state_are_not_given_again(trained, tmp_path, capsys):
    state = str(tmp_path / "state")
    assert write(trained, "--length", "1", "--save-state", state) == 0
    assert write(trained, "--resume", state, "--top-k", "3") == 2
    assert "--top-k came with --resume, which has its own; leave one of them out" in capsys.readouterr().err
    assert write(trained, "--resume", state, "--number", "3") == 2
    assert "--number came with the state of one text; leave one of them out" in capsys.readouterr().err
    assert write(trained, "--number", "0") == 2
    assert "--number is 0; use at least 1 text" in capsys.readouterr().err


def test_an_empty_text_is_refused(tmp_path, capsys):
    (tmp_path / "a.txt").write_text(" \n")
    assert main(["generate", str(tmp_path / "a.txt")]) == 2
    assert "file 'a.txt' is empty; give a text" in capsys.readouterr().err


def test_a_model_of_another_task_is_refused(trained, tmp_path, capsys):
    (tmp_path / "a.txt").write_text("the\n")
    assert main(["tag", "--model", str(trained / "out/model.zip"), str(tmp_path / "a.txt")]) == 2
    assert "is no model of ostinato tag; name one with --model" in capsys.readouterr().err
