import numpy as np
import pytest
from sklearn import metrics

from ostinato.errors import ConfigError
from ostinato.evaluate.classification import accuracy, calibration_error, confusion_matrix, log_loss, macro_f1

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.integers(0, 4, 300)
PROBABILITIES = RANDOM.dirichlet(np.ones(4), 300)
GUESS = np.where(RANDOM.random(300) < 0.5, TRUTH, PROBABILITIES.argmax(axis=1))


def test_accuracy_and_f1_are_those_of_scikit_learn():
    assert accuracy(TRUTH, GUESS) == pytest.approx(metrics.accuracy_score(TRUTH, GUESS))
    assert macro_f1(TRUTH, GUESS) == pytest.approx(metrics.f1_score(TRUTH, GUESS, average="macro"))


def test_a_class_that_is_never_right_counts_in_f1():
    truth, guess = ["a", "a", "b"], ["a", "a", "c"]
    expected = metrics.f1_score(truth, guess, average="macro", zero_division=0)
    assert macro_f1(truth, guess) == pytest.approx(expected)


def test_the_confusion_matrix_is_that_of_scikit_learn():
    expected = metrics.confusion_matrix(TRUTH, GUESS)
    assert np.array_equal(confusion_matrix(TRUTH, GUESS, range(4)), expected)


def test_log_loss_is_that_of_scikit_learn():
    assert log_loss(TRUTH, PROBABILITIES) == pytest.approx(metrics.log_loss(TRUTH, PROBABILITIES))


def test_the_loss_of_sure_and_right_answers_is_written_without_a_sign():
    assert format(log_loss([0, 1], [[1.0, 0.0], [0.0, 1.0]]), ".3f") == "0.000"


def test_a_probability_of_zero_has_a_finite_loss():
    assert log_loss([0], [[0.0, 1.0]]) == pytest.approx(-np.log(1e-15))


def test_the_calibration_error_is_the_sum_of_its_formula():
    confidence, right = PROBABILITIES.max(axis=1), PROBABILITIES.argmax(axis=1) == TRUTH
    total = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence > low) & (confidence <= low + 1 / 15)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert calibration_error(TRUTH, PROBABILITIES) == pytest.approx(total)


def test_probabilities_that_come_true_have_no_calibration_error():
    truth = np.repeat([0, 0, 0, 1], 25)
    assert calibration_error(truth, np.tile([0.75, 0.25], (100, 1))) == pytest.approx(0)


def test_nothing_to_compare_is_nan():
    empty = np.zeros((0, 2))
    assert all(np.isnan(value) for value in (accuracy([], []), macro_f1([], []), log_loss([], empty)))
    assert np.isnan(calibration_error([], empty))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy(["a"], ["a", "b"]), r"true classes of shape \(1,\) and predictions of \(2,\)"),
        (lambda: confusion_matrix(["z"], ["a"], ["a"]), "the class 'z' is none of 'a'; add it"),
        (lambda: log_loss([0], [0.5, 0.5]), r"probabilities of \(2,\)"),
    ],
)
def test_shapes_and_classes_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
