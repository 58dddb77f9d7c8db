"""The job behind `ostinato generate`."""

import gzip

import numpy as np
import pytest

from ostinato.errors import ConfigError, DataError
from ostinato.tasks.generate.data import Texts
from ostinato.tasks.generate.run import read_texts, run_generate

SMALL = {"hidden_size": 8, "num_layers": 1, "epochs": 1, "random_state": 0}


def silent(_):
    return lambda done, total: None


def test_a_text_file_is_one_text_and_its_lines_are_sequences(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\n\ntwo\n")
    assert read_texts(path)[0] == Texts(("one\n\ntwo\n",), None, True)
    assert read_texts(path, lines=True)[0] == Texts(("one", "two"))


def test_a_packed_text_is_unpacked(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress("née".encode()))
    assert read_texts(path)[0].texts == ("née",)


def test_a_table_has_sequences_and_conditions(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,kind\nanna,f\nbob,m\n")
    texts, notes = read_texts(path, text_col="name", condition_col="kind")
    assert texts == Texts(("anna", "bob"), ("f", "m"))
    assert notes


def test_what_is_judged_is_the_test_where_there_is_one():
    text, test = Texts.of("one two three " * 50), Texts.of("two one " * 20)
    run = run_generate(text, valid=None, test=test, parameters=SMALL, watch=silent)
    assert run.judged is test
    assert run.notes == ("the last tenth of the text was kept from the training",)
    board = run.leaderboard.set_index("model")["nats"]
    assert board["LSTM"] == pytest.approx(-run.generator.score(test.texts[0]), rel=1e-6)


def test_each_piece_of_unseen_text_has_its_probability():
    run = run_generate(Texts.of("one two three " * 50), valid=None, test=None, parameters=SMALL, watch=silent)
    text = run.judged.texts[0]
    assert "".join(piece for piece, _ in run.surprise) == text[1:]
    (expected,) = run.generator.log_probabilities(text)
    assert [share for _, share in run.surprise] == pytest.approx(np.exp(expected).tolist())


def test_files_and_options_that_do_not_fit_are_refused(tmp_path):
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(DataError, match=r"file 'a.txt' is empty; give a text"):
        read_texts(tmp_path / "a.txt")
    with pytest.raises(ConfigError, match=r"columns are named, but a.txt is no table; give a CSV"):
        read_texts(tmp_path / "a.txt", condition_col="x")
    with pytest.raises(ConfigError, match=r"--lines came with a.tsv, which is a table"):
        read_texts(tmp_path / "a.tsv", lines=True)
