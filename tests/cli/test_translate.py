"""`ostinato translate`: pairs to a trained model and a report, and a model to translations."""

import json

import pytest

from ostinato.cli import main

TENS, ONES = ("ten", "twenty", "thirty"), ("one", "two", "three", "four")
PAIRS = [(f"{tens} {ones}", f"{ones} and {tens}") for tens in TENS for ones in ONES]
QUICK = ["--tokens", "word", "--hidden-size", "8", "--epochs", "2", "--quiet"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    for name, pairs in (("pairs.tsv", PAIRS), ("test.tsv", PAIRS[:3])):
        lines = ["\t".join(pair) for pair in [("source", "target"), *pairs]]
        (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "texts.txt").write_text("twenty two\n\nten\n")
    return folder


@pytest.fixture(scope="module")
def trained(files):
    out = files / "out"
    words = [
        "translate",
        str(files / "pairs.tsv"),
        "--test",
        str(files / "test.tsv"),
        "--out",
        str(out),
        *QUICK,
    ]
    assert main(words) == 0
    return out


def test_a_training_leaves_its_results_in_a_folder(trained):
    names = {file.name for file in trained.iterdir()}
    assert names == {"leaderboard.csv", "model.zip", "report.html", "report.json", "translations.csv"}
    summary = json.loads((trained / "report.json").read_text())
    assert summary["task"] == "translate"
    assert {row["model"] for row in summary["scores"]} == {"GRU", "word by word", "copy"}
    page = (trained / "report.html").read_text()
    assert "Where the words of" in page
    assert "Translations least like the reference" in page
    assert "How sure it was of each token" in page


def test_the_same_command_gives_the_same_result(trained, files, capsys):
    words = ["translate", str(files / "pairs.tsv"), "--test", str(files / "test.tsv"), *QUICK, "--json"]
    assert main([*words, "--out", str(files / "again")]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["scores"] == json.loads((trained / "report.json").read_text())["scores"]
    assert (files / "again" / "translations.csv").read_text() == (trained / "translations.csv").read_text()


def test_without_test_pairs_some_are_kept_from_the_training(files, tmp_path, capsys):
    words = [
        "translate",
        str(files / "pairs.tsv"),
        "--out",
        str(tmp_path / "out"),
        *QUICK,
        "--no-report",
        "--json",
    ]
    assert main(words) == 0
    summary = json.loads(capsys.readouterr().out)
    assert "1 pair drawn by chance were kept from the training" in summary["notes"]
    assert "the scores are of the validation pairs, as there are no test pairs" in summary["notes"]
    assert not (tmp_path / "out" / "report.html").exists()


def test_what_is_printed_names_the_files_and_the_verdict(files, tmp_path, capsys):
    words = [
        "translate",
        str(files / "pairs.tsv"),
        "--test",
        str(files / "test.tsv"),
        "--out",
        str(tmp_path / "out"),
    ]
    assert main([*words, *QUICK[:-1]]) == 0
    printed = capsys.readouterr().out
    assert "12 pairs" in printed
    assert "word by word" in printed
    assert "model.zip" in printed


def test_a_model_translates_a_text_a_line(trained, files, capsys):
    words = ["translate", str(files / "texts.txt"), "--model", str(trained / "model.zip"), "--beam", "1"]
    assert main(words) == 0
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == 4
    assert lines[1] == ""


def test_a_model_answers_in_json_with_bleu_where_there_are_translations(trained, files, capsys):
    pytest.importorskip("sacrebleu")
    assert main(["translate", str(files / "test.tsv"), "--model", str(trained / "model.zip"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["translations"]) == 3
    assert 0 <= answer["bleu"] <= 100


def test_options_of_a_training_are_refused_beside_a_model(trained, files, capsys):
    assert (
        main(["translate", str(files / "test.tsv"), "--model", str(trained / "model.zip"), "--epochs", "3"])
        == 2
    )
    assert "--epochs came with --model, which is trained already" in capsys.readouterr().err


def test_a_file_of_single_texts_cannot_be_learned_from(files, tmp_path, capsys):
    assert main(["translate", str(files / "texts.txt"), "--out", str(tmp_path / "out"), "--quiet"]) == 2
    assert "has texts alone; add a second column with their translations" in capsys.readouterr().err


def test_a_model_of_another_task_is_refused(files, tmp_path, capsys):
    from ostinato import SequenceCaptioner

    SequenceCaptioner(hidden_size=4, epochs=1, random_state=0).fit([[0.0]], ["a"]).save(tmp_path / "model")
    assert main(["translate", str(files / "test.tsv"), "--model", str(tmp_path / "model")]) == 2
    assert "is no model of ostinato translate; name one with --model" in capsys.readouterr().err
