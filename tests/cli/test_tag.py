"""The command `ostinato tag`."""

import json

import pytest

from ostinato.cli import main
from ostinato.data.conllu import read_sentences


def row(number, word, tag):
    return f"{number}\t{word}\t_\t{tag}\t{tag.lower()}\t_\t_\t_\t_\t_"


def treebank(sentences):
    first = [row(1, "the", "DET"), row(2, "dog", "NOUN"), row(3, "barks", "VERB")]
    second = ["1-2\ta-cat\t_\t_\t_\t_\t_\t_\t_\t_", row(1, "a", "DET"), row(2, "cat", "NOUN")]
    return "".join(
        "\n".join([f"# sent_id = {number}", *(first if number % 2 else second)]) + "\n\n"
        for number in range(sentences)
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tag")
    (folder / "train.conllu").write_text(treebank(60))
    (folder / "test.conllu").write_text(treebank(20))
    words = [str(folder / "train.conllu"), "--test", str(folder / "test.conllu"), "--epochs", "20"]
    assert main(["tag", *words, "--hidden-size", "8", "--out", str(folder / "out"), "--quiet"]) == 0
    return folder


def test_training_leaves_model_report_and_tables(trained):
    assert {file.name for file in (trained / "out").iterdir()} == {
        "model.zip",
        "report.html",
        "report.json",
        "leaderboard.csv",
        "predictions.csv",
    }
    summary = json.loads((trained / "out" / "report.json").read_text())
    assert summary["task"] == "tag"
    assert summary["column"] == "upos"
    assert {score["model"] for score in summary["scores"]} == {
        "BiLSTM + CRF",
        "most frequent tag",
        "with endings",
    }
    assert 0 <= summary["calibration_error"] <= 1


def test_the_report_shows_confusion_errors_and_doubts(trained):
    page = (trained / "out" / "report.html").read_text()
    for heading in ("Confusion of tags", "Where the network was least sure", "Leaderboard", "Training"):
        assert heading in page


def test_a_treebank_is_tagged_as_a_treebank(trained, capsys):
    assert main(["tag", "--model", str(trained / "out/model.zip"), str(trained / "test.conllu")]) == 0
    assert capsys.readouterr().out == (trained / "test.conllu").read_text()


def test_a_plain_file_is_tagged_as_a_plain_file(trained, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("the\ndog\n\na\ncat\n")
    words = ["tag", "--model", str(trained / "out/model.zip"), str(tmp_path / "words.txt")]
    assert main(words) == 0
    assert capsys.readouterr().out == "the\tDET\ndog\tNOUN\n\na\tDET\ncat\tNOUN\n\n"
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    path = capsys.readouterr().out.strip()
    assert read_sentences(path)[0].tags("upos") == ["DET", "NOUN"]


def test_answers_as_json_have_the_accuracy_where_tags_are_given(trained, capsys):
    assert (
        main(["tag", "--model", str(trained / "out/model.zip"), str(trained / "test.conllu"), "--json"]) == 0
    )
    answer = json.loads(capsys.readouterr().out)
    assert answer["accuracy"] == 1
    assert answer["sentences"][1] == {"words": ["the", "dog", "barks"], "tags": ["DET", "NOUN", "VERB"]}


def test_another_column_is_learned_and_kept(trained, tmp_path, capsys):
    words = [
        str(trained / "train.conllu"),
        "--column",
        "xpos",
        "--epochs",
        "1",
        "--hidden-size",
        "4",
        "--no-report",
    ]
    assert main(["tag", *words, "--out", str(tmp_path / "x"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["column"] == "xpos"
    assert (
        main(["tag", "--model", str(tmp_path / "x/model.zip"), str(trained / "test.conllu"), "--json"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["column"] == "xpos"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.conllu"], "cannot read missing.conllu (no such file or directory); check the path"),
        (
            ["a.conllu", "--model", "m.zip", "--column", "xpos"],
            "--column came with --model, which is trained already",
        ),
        (["a.conllu", "--model", "m.zip"], "there is no model file m.zip; check the path"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(words, message, capsys):
    assert main(["tag", *words]) == 2
    assert message in capsys.readouterr().err


def test_words_without_tags_name_their_line(tmp_path, capsys):
    (tmp_path / "a.conllu").write_text(row(1, "the", "DET") + "\n" + row(2, "dog", "_") + "\n\n")
    assert main(["tag", str(tmp_path / "a.conllu"), "--valid", str(tmp_path / "a.conllu")]) == 2
    assert (
        "line 2: the word 'dog' has no upos; give it one, or leave the sentence out"
        in capsys.readouterr().err
    )
