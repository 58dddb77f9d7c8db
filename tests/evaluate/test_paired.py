import numpy as np
import pytest
from scipy import stats

from ostinato.errors import ConfigError
from ostinato.evaluate.paired import compare_accuracy, mcnemar

TRUTH = np.random.default_rng(0).integers(0, 2, 400)


def answers(share, seed=1):
    """Answers of which about so many are right."""
    return np.where(np.random.default_rng(seed).random(400) < share, TRUTH, 1 - TRUTH)


def test_mcnemar_is_the_exact_test_of_scipy():
    first, second = np.random.default_rng(1).random((2, 200)) < [[0.8], [0.7]]
    differ = first != second
    expected = stats.binomtest(int((first & differ).sum()), int(differ.sum())).pvalue
    assert mcnemar(first, second) == pytest.approx(expected)


def test_models_that_never_differ_are_equal():
    assert mcnemar([True, False], [True, False]) == 1.0


def test_a_clearly_better_model_is_named_without_doubt():
    verdict = compare_accuracy(TRUTH, {"net": answers(0.95), "Majority": answers(0.5, 2)}, model="net")
    assert verdict.best == "net"
    assert verdict.interval[0] > 0
    assert verdict.p_value < 0.001
    assert "may be chance" not in verdict.text
    assert verdict.text.endswith("net is the one to use.")


def test_a_small_lead_may_be_chance():
    baseline = answers(0.9)
    network = baseline.copy()
    wrong, right = np.flatnonzero(baseline != TRUTH), np.flatnonzero(baseline == TRUTH)
    network[wrong[:4]], network[right[:2]] = TRUTH[wrong[:4]], 1 - TRUTH[right[:2]]
    verdict = compare_accuracy(TRUTH, {"net": network, "Bag": baseline}, model="net", noun="texts")
    assert verdict.difference == pytest.approx(2 / 400)
    assert "400 texts, 0.5 points more than the best baseline, Bag, though that may be chance" in verdict.text


def test_the_interval_is_that_of_a_paired_normal_approximation():
    network, baseline = answers(0.85), answers(0.75, 2)
    gain = (network == TRUTH).astype(float) - (baseline == TRUTH)
    half = 1.96 * gain.std() / 20
    low, high = compare_accuracy(TRUTH, {"net": network, "Bag": baseline}, model="net").interval
    assert (low, high) == pytest.approx((gain.mean() - half, gain.mean() + half), abs=0.006)


def test_the_best_of_many_baselines_is_chosen_anew_in_each_draw():
    network = answers(0.8)
    one = compare_accuracy(TRUTH, {"net": network, "0": answers(0.8, 2)}, model="net").interval
    many = {"net": network} | {str(number): answers(0.8, 2 + number) for number in range(30)}
    assert compare_accuracy(TRUTH, many, model="net").interval[1] < one[1]


def test_a_worse_model_is_not_to_be_used():
    verdict = compare_accuracy(TRUTH, {"net": answers(0.6), "Bag": answers(0.9, 2)}, model="net")
    assert verdict.best == "Bag"
    assert "points fewer than the best baseline, Bag (95 %" in verdict.text


def test_few_items_are_too_few_for_an_interval():
    verdict = compare_accuracy([0, 1], {"net": [0, 1], "Bag": [1, 1]}, model="net", noun="texts")
    assert np.isnan(verdict.interval).all()
    assert verdict.text == (
        "net is right for 100.0 % of 2 texts, 50.0 points more than the best baseline, Bag, too few to be sure. "
        "net is the one to use."
    )


def test_a_single_item_is_counted_in_the_singular():
    texts = compare_accuracy([0], {"net": [0], "Bag": [1]}, model="net", noun="texts").text
    series = compare_accuracy([0], {"net": [0], "Bag": [1]}, model="net", noun="series").text
    assert "% of 1 text," in texts
    assert "% of 1 series," in series


def test_equal_models_are_told_so():
    verdict = compare_accuracy([0, 1], {"net": [0, 0], "Bag": [1, 1]}, model="net")
    assert "as often as the best baseline, Bag. Bag is the one to use." in verdict.text


def test_without_a_baseline_there_is_nothing_to_compare():
    assert "there is no baseline" in compare_accuracy([0], {"net": [0]}, model="net").text


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        ({"Bag": [0]}, "none of 'net'"),
        ({"net": [0], "Bag": [0, 1]}, "Bag has not one prediction for each of the 1"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(predictions, message):
    with pytest.raises(ConfigError, match=message):
        compare_accuracy([0], predictions, model="net")
