"""The job behind `ostinato tag`: what it says of a tagger, against counting by hand."""

import numpy as np
import pytest

from ostinato.data.conllu import parse_plain
from ostinato.errors import DataError
from ostinato.tasks.tag.run import TagRun, run_tag, tag_sentences

SENTENCES = parse_plain("the\tD\ndog\tN\nbarks\tV\n\na\tD\ncat\tN\n\n" * 30)


def silent(_):
    return lambda done, total: None


@pytest.fixture(scope="module")
def run():
    parameters = {"hidden_size": 8, "num_layers": 1, "dropout": 0.0, "epochs": 15, "random_state": 0}
    return run_tag(SENTENCES, valid=None, test=None, column="upos", parameters=parameters, watch=silent)


def by_hand(run, tags, shares):
    """The run of a tagger that gave these tags to "the dog barks" with these probabilities of D, N and V."""
    return TagRun(
        run.tagger,
        SENTENCES[:1],
        [["D", "N", "V"]],
        [tags],
        [np.array(shares)],
        run.leaderboard,
        run.comparison,
        (),
        {},
    )


def test_a_tenth_is_kept_for_judging_and_said_so(run):
    assert len(run.test) == 6
    assert run.notes[0] == "6 sentences drawn by chance were kept from the training"


def test_every_word_is_in_the_table_with_its_confidence(run):
    table = by_hand(run, ["D", "V", "V"], [[0.9, 0.1, 0], [0.2, 0.3, 0.5], [0, 0, 1]]).table()
    assert table.to_dict("list") == {
        "sentence": [1, 1, 1],
        "word": ["the", "dog", "barks"],
        "tag": ["D", "N", "V"],
        "prediction": ["D", "V", "V"],
        "confidence": [0.9, 0.5, 1.0],
    }


def test_errors_are_counted_and_ordered_by_confidence(run):
    found = by_hand(run, ["N", "V", "V"], [[0.4, 0.6, 0], [0.2, 0.1, 0.7], [0, 0, 1]])
    assert found.surest_errors()["word"].tolist() == ["dog", "the"]
    assert found.commonest_errors()["times"].tolist() == [1, 1]
    classes, counts = found.confusion()
    assert classes == ["D", "N", "V"]
    assert counts.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1]]


def test_calibration_is_that_of_the_probabilities_of_words(run):
    found = by_hand(run, ["D", "N", "V"], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]).calibration()
    assert found["calibration_error"] == pytest.approx(0.2)
    assert found["log_loss"] == pytest.approx(-np.log(0.8))


def test_tags_in_the_test_sentences_alone_are_named():
    run = run_tag(
        SENTENCES,
        valid=None,
        test=parse_plain("wow\tINTJ\n"),
        column="upos",
        parameters={"hidden_size": 4, "num_layers": 1, "epochs": 1, "random_state": 0},
        watch=silent,
    )
    assert run.notes[-1] == "the tags INTJ are in the test sentences alone and cannot be predicted"
    assert run.leaderboard["accuracy"].max() == 0


def test_tagging_fills_in_the_column_of_the_tagger(run):
    assert tag_sentences(run.tagger, parse_plain("a\ndog\n"))[0].column("upos") == ["D", "N"]


def test_one_sentence_is_too_little():
    with pytest.raises(DataError, match="there is one sentence, and one must be set apart for judging"):
        run_tag(SENTENCES[:1], valid=None, test=None, column="upos", parameters={}, watch=silent)
