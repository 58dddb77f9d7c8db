"""The paired bootstrap against what is known about it."""

import numpy as np
import pytest

from ostinato.errors import ConfigError
from ostinato.evaluate.comparison import compare

WORDS = {"loss": "share of wrong tags", "item": "sentence"}


def test_improvement_is_that_over_the_best_baseline():
    losses = {"LSTM": [1.0] * 20, "poor": [9.0] * 20, "good": [4.0] * 20}
    found = compare(losses, [10] * 20, model="LSTM", **WORDS)
    assert found.baseline == "good"
    assert found.best == "LSTM"
    assert found.improvement == pytest.approx(0.75)
    assert found.interval == pytest.approx((0.75, 0.75))
    assert found.text == (
        "LSTM is better than the best baseline, good: its share of wrong tags is 75 % lower "
        "(95 % interval 75 % to 75 % lower, 20 sentences)."
    )


def test_losses_are_weighted_by_size():
    found = compare({"a": [0, 3], "b": [2, 2]}, [1, 3], model="a", **WORDS)
    assert found.improvement == pytest.approx(1 - 3 / 4)


def test_the_interval_has_the_width_of_the_normal_approximation():
    random = np.random.default_rng(0)
    ours, theirs = random.random(400) < 0.2, random.random(400) < 0.3
    found = compare({"a": ours, "b": theirs}, np.ones(400), model="a", **WORDS)
    draws = [random.integers(400, size=400) for _ in range(4000)]
    ratios = [1 - ours[draw].sum() / theirs[draw].sum() for draw in draws]
    # Another seed and the plain way of drawing; four standard errors of a quantile of 2000 draws.
    assert found.interval == pytest.approx(np.quantile(ratios, [0.025, 0.975]), abs=0.03)


def test_equal_losses_are_no_improvement():
    found = compare({"a": [1] * 12, "b": [1] * 12}, [2] * 12, model="a", **WORDS)
    assert found.improvement == 0
    assert found.best == "b"
    assert not found.sure
    assert found.text == (
        "a is not better than the best baseline, b: its share of wrong tags is the same (12 sentences)."
    )


def test_worse_and_doubtful_results_say_so():
    random = np.random.default_rng(1)
    noise = random.random(30)
    worse = compare({"a": noise + 1, "b": noise}, np.ones(30), model="a", **WORDS)
    assert worse.text.startswith("a is not better than the best baseline, b: its share of wrong tags is ")
    assert "higher" in worse.text
    doubtful = compare({"a": [0, 2] * 15, "b": [2, 0] * 14 + [2, 1]}, np.ones(30), model="a", **WORDS)
    assert doubtful.text.startswith(
        "a did better than the best baseline, b: its share of wrong tags is 3.2 % lower, "
    )
    assert "though that may be chance (95 % interval" in doubtful.text


def test_few_items_have_no_interval():
    found = compare({"a": [0, 0], "b": [1, 1]}, [1, 1], model="a", loss="loss", item="block of 500 tokens")
    assert np.isnan(found.interval).all()
    assert found.text.endswith("its loss is 100 % lower, too few to be sure (2 blocks of 500 tokens).")


def test_a_perfect_baseline_leaves_no_finite_share():
    found = compare({"a": [1] * 20, "b": [0] * 20}, [1] * 20, model="a", **WORDS)
    assert found.improvement == -10
    assert "more than ten times higher" in found.text


def test_a_model_alone_cannot_be_compared():
    with pytest.raises(ConfigError, match="there are losses of a; to judge 'a' it and a baseline are needed"):
        compare({"a": [1]}, [1], model="a", **WORDS)
