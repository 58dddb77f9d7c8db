import sys
from dataclasses import replace

import numpy as np
import pytest

from ostinato import SequenceClassifier
from ostinato.data.examples import Examples
from ostinato.errors import DataError
from ostinato.tasks.classify import run as classify_run
from ostinato.tasks.classify.run import run_classify, split


def texts(count=24, *, labels=("bad", "good"), kind="text"):
    words = {"bad": "a dull film", "good": "a fine film", "odd": "what is this"}
    classes = [labels[number % len(labels)] for number in range(count)]
    inputs = [np.ones(4) for _ in classes] if kind == "series" else [words[name] for name in classes]
    return Examples(kind, inputs, classes, [f"line {number}" for number in range(count)], "file 'a.csv'")


def quick():
    return SequenceClassifier(members=1, epochs=2, hidden_size=8, random_state=0)


def test_a_fifth_of_each_class_is_kept_for_the_test():
    train, test = split(texts(100, labels=("bad", "bad", "bad", "good")), seed=0)
    assert (len(train), len(test)) == (80, 20)
    assert test.labels.count("good") == 5
    assert not set(train.names) & set(test.names)


def test_classes_with_too_few_sequences_leave_nothing_to_test_on():
    with pytest.raises(DataError, match="too few sequences of each class to keep some for a test"):
        split(texts(2), seed=0)


def test_scores_are_those_of_the_test_data_alone():
    run = run_classify(texts(), quick(), test=texts(10))
    board = run.leaderboard.set_index("model")
    assert board.loc["Majority", "accuracy"] == 0.5
    assert board.loc["BagOfWords", "accuracy"] == 1.0
    assert run.confusion.sum() == 10
    assert len(run.predictions) == 10


def test_of_equal_models_the_one_to_use_comes_first():
    run = run_classify(
        texts(kind="series"), quick(), test=texts(10, kind="series")
    )  # all series are the same
    assert run.verdict.difference == 0
    assert run.leaderboard["model"][0] == run.verdict.best != "BiGRU"


def test_errors_worth_a_look_are_wrong_and_sure():
    run = run_classify(texts(), quick(), test=texts(10, labels=("good", "bad", "odd")))
    assert (run.errors["truth"] != run.errors["prediction"]).all()
    assert run.errors["confidence"].is_monotonic_decreasing
    assert len(run.explanations) == len(run.errors)


def test_classes_that_were_not_in_training_are_noted_and_count_as_wrong():
    run = run_classify(texts(), quick(), test=texts(9, labels=("odd", "good", "bad")))
    assert "the test data has classes that were not in training: odd" in run.notes
    assert run.confusion.shape == (3, 3)
    assert run.leaderboard["accuracy"].max() <= 2 / 3


def test_without_scikit_learn_the_bag_of_words_is_left_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    run = run_classify(texts(), quick(), test=texts(10))
    assert "BagOfWords" not in set(run.leaderboard["model"])
    assert any("install ostinato[tasks]" in note for note in run.notes)


def test_warping_is_left_out_where_it_takes_too_long(monkeypatch):
    monkeypatch.setattr(classify_run, "MOST_CELLS", 10)
    run = run_classify(texts(kind="series"), quick(), test=texts(10, kind="series"))
    assert "NearestNeighbourDTW" not in set(run.leaderboard["model"])
    assert any("would take too long" in note for note in run.notes)


def test_one_class_is_refused_before_some_are_kept_for_the_test():
    alone = replace(texts(), labels=["up"] * len(texts()))
    with pytest.raises(
        DataError, match=r"file 'a\.csv' has one class only, 'up'; give sequences of at least two"
    ):
        run_classify(alone, quick())


def test_test_series_of_other_channels_are_refused_before_the_training():
    series = texts(kind="series")
    other = replace(series, inputs=[np.ones((5, 2)) for _ in series.inputs])
    with pytest.raises(
        DataError, match=r"file 'a\.csv': .* has 2 channels and the training data had 1; give the same"
    ):
        run_classify(series, quick(), test=other)


def test_data_of_another_kind_is_refused():
    with pytest.raises(DataError, match=r"file 'a\.csv' has series and the training data texts"):
        run_classify(texts(), quick(), test=texts(kind="series"))
