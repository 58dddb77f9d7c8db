import json
import wave

import numpy as np
import pandas as pd
import pytest

from ostinato.cli import main

ROWS = "".join(
    f"a {word} film number {n},{label}\n"
    for n in range(12)
    for word, label in (("fine", "up"), ("dull", "down"))
)
FAST = ["--members", "1", "--epochs", "4", "--hidden-size", "8"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classify")
    (folder / "films.csv").write_text("review,mood\n" + ROWS)
    assert (
        main(
            [
                "classify",
                str(folder / "films.csv"),
                "--label-col",
                "mood",
                *FAST,
                "--out",
                str(folder / "out"),
                "--quiet",
            ]
        )
        == 0
    )
    return folder


def test_every_result_is_written(trained):
    names = {"predictions.csv", "leaderboard.csv", "report.html", "report.json", "model.zip"}
    assert {path.name for path in (trained / "out").iterdir()} == names
    predictions = pd.read_csv(trained / "out" / "predictions.csv")
    assert list(predictions) == ["name", "truth", "prediction", "confidence", "p(down)", "p(up)"]
    board = pd.read_csv(trained / "out" / "leaderboard.csv")
    assert set(board["model"]) == {"BiLSTM", "Majority", "BagOfWords"}


def test_the_report_shows_confusion_errors_and_learning(trained):
    page = (trained / "out" / "report.html").read_text()
    for heading in ("Leaderboard", "Confusion", "Training", "How to get this again"):
        assert f"<h2>{heading}</h2>" in page


def test_the_summary_holds_scores_and_the_verdict(trained):
    summary = json.loads((trained / "out" / "report.json").read_text())
    assert summary["task"] == "classify"
    assert summary["classes"] == ["down", "up"]
    assert {row["model"] for row in summary["scores"]} == {"BiLSTM", "Majority", "BagOfWords"}
    assert summary["verdict"].startswith("BiLSTM is right for")


def test_text_names_the_verdict_and_the_files(trained, capsys):
    words = [
        "classify",
        str(trained / "films.csv"),
        "--label-col",
        "mood",
        *FAST,
        "--out",
        str(trained / "again"),
    ]
    assert main([*words, "--no-report"]) == 0
    shown = capsys.readouterr().out
    assert "24 texts" in shown
    assert "4 of 24 texts were kept for the test" in shown
    assert "is the one to use." in shown
    assert not (trained / "again" / "report.html").exists()


def test_one_json_object_is_printed(trained, capsys):
    out = str(trained / "json")
    assert (
        main(["classify", str(trained / "films.csv"), "--label-col", "mood", *FAST, "--out", out, "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["outputs"]["model"].endswith("model.zip")


def test_a_trained_model_answers_a_file_without_classes(trained, capsys):
    (trained / "new.csv").write_text("review\na fine day\nso dull\n")
    assert main(["classify", "--model", str(trained / "out" / "model.zip"), str(trained / "new.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name,prediction,confidence,p(down),p(up)"
    assert len(lines) == 3


def test_a_trained_model_answers_in_json_and_into_a_folder(trained, capsys):
    model, file = str(trained / "out" / "model.zip"), str(trained / "films.csv")
    assert main(["classify", "--model", model, file, "--label-col", "mood", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["predictions"]) == 24
    assert 0 <= found["accuracy"] <= 1
    assert main(["classify", "--model", model, file, "--out", str(trained / "answers")]) == 0
    assert len(pd.read_csv(trained / "answers" / "predictions.csv")) == 24


def test_series_and_recordings_are_classified(tmp_path):
    cases = "".join(
        f"{','.join(str((1 if n % 2 else -1) * step) for step in range(6))}:{n % 2}\n" for n in range(20)
    )
    (tmp_path / "a.ts").write_text("@classLabel true 0 1\n@data\n" + cases)
    assert (
        main(["classify", str(tmp_path / "a.ts"), *FAST, "--out", str(tmp_path / "series"), "--quiet"]) == 0
    )
    assert "NearestNeighbourDTW" in (tmp_path / "series" / "leaderboard.csv").read_text()
    assert "What they look like" in (tmp_path / "series" / "report.html").read_text() or (
        pd.read_csv(tmp_path / "series" / "predictions.csv").eval("truth == prediction").all()
    )
    for number in range(12):
        path = tmp_path / "sounds" / ("low" if number % 2 else "high") / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            tone = np.sin(np.arange(800) * (0.2 if number % 2 else 1.5))
            file.writeframes((8000 * tone).astype("<i2").tobytes())
    assert (
        main(["classify", str(tmp_path / "sounds"), *FAST, "--out", str(tmp_path / "speech"), "--quiet"]) == 0
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.csv"], "cannot be read (no such file or directory)"),
        (["films.csv", "--text-col", "nothing"], "has no column 'nothing'"),
        (["plain.csv"], "has no classes; name their column with label_col (--label-col)"),
        (["films.csv", "--label-col", "mood", "--epochs", "0"], "epochs is 0"),
        (["films.csv", "--model", "out/model.zip", "--epochs", "3"], "--epochs came with --model"),
        (["films.csv", "--label-col", "mood", "--test", "plain.csv"], "'plain.csv' has no column 'mood'"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(trained, monkeypatch, capsys, words, message):
    monkeypatch.chdir(trained)
    (trained / "plain.csv").write_text("text\na b\nc d\n")
    assert main(["classify", *words, "--quiet"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
