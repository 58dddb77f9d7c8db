"""The job of `ostinato caption`: who is on the leaderboard, and which errors are shown."""

import numpy as np
import pytest

from ostinato.data.captioned import Captioned
from ostinato.errors import DataError
from ostinato.tasks.caption.run import _words_in_place, run_caption

VECTORS = [np.array([value], dtype=np.float32) for value in range(12)]
SAID = ["a low number"] * 7 + ["a HIGH number"] * 5
NAMES = [str(value) for value in range(12)]
EXAMPLES = Captioned(VECTORS, SAID, NAMES, "file 'numbers.csv'")
SMALL = {"embedding_size": 8, "hidden_size": 8, "epochs": 1, "random_state": 0}


def run(examples=EXAMPLES, valid=EXAMPLES, test=EXAMPLES):
    watch = lambda _label: lambda _done, _total: None  # noqa: E731
    return run_caption(examples, valid=valid, test=test, parameters=SMALL, watch=watch)


def test_the_network_is_beside_its_baselines():
    board = run().leaderboard.set_index("model")
    assert board.loc["nearest neighbour", "exact"] == 1.0
    assert board.loc["most frequent", "exact"] == pytest.approx(7 / 12)
    assert board.loc["most frequent", "words"] == pytest.approx((7 * 3 + 5 * 2) / 36)
    assert "GRU" in board.index


def test_the_one_to_use_is_the_one_that_the_verdict_names():
    result = run(valid=None, test=None)  # a single sentence, so that many tie
    assert result.verdict.endswith(f"{result.comparison.best} is the one to use.")


def test_errors_are_wrong_sentences_the_surest_first():
    errors = run().errors(4)
    assert (errors["truth"] != errors["caption"]).all()
    assert errors["score"].is_monotonic_decreasing


def test_sentences_are_compared_without_case():
    assert run().table()["truth"].tolist()[-1] == "a high number"


def test_missing_and_surplus_words_count_as_wrong():
    assert _words_in_place(["a b c", "a"], ["a b", "a b"]) == pytest.approx(3 / 5)


def test_without_validation_some_inputs_are_kept_from_the_training():
    result = run(valid=None, test=None)
    assert "1 input drawn by chance were kept from the training" in result.notes
    assert len(result.test) == 1


def test_inputs_without_sentences_are_refused():
    with pytest.raises(
        DataError, match="file 'x' has no sentences; add a column and name it with --sentence-col"
    ):
        run(test=Captioned(VECTORS, None, NAMES, "file 'x'"))
