"""Which values a series can take."""

import numpy as np
import pandas as pd
import pytest

from ostinato.evaluate.supports import Supports

HISTORY = pd.DataFrame(
    {
        "unique_id": ["counts"] * 6 + ["level"] * 6 + ["change"] * 6 + ["few"] * 2,
        "y": [0.0, 3, np.nan, 1, 4, 2, 0.5, 1, 2, 3, 4, 5, -1.0, 2, 3, 1, -4, 0, 1.0, 2.0],
    }
)


def test_evidence_is_taken_from_each_series():
    found = Supports.of(HISTORY, ["few", "counts", "level", "change", "unknown"])
    assert found.least.tolist() == [0.0, 0.0, 0.0, -np.inf, -np.inf]
    assert found.whole.tolist() == [False, True, False, True, False]


@pytest.mark.parametrize("seed", range(3))
def test_rounding_inwards_keeps_every_whole_number_inside(seed):
    draws = np.random.default_rng(seed)
    middle = draws.normal(3, 2, size=(1, 50))
    low, high = middle - draws.random((1, 50)) * 3, middle + draws.random((1, 50)) * 3
    support = Supports(np.array([-np.inf]), np.array([True]), np.array([True]))
    inner_low, inner_high = support.quantile(low, middle, 0.1), support.quantile(high, middle, 0.9)
    for number in range(-9, 15):
        inside = (low <= number) & (number <= high)
        assert (inside <= ((inner_low <= number) & (number <= inner_high))).all()


def test_quantiles_do_not_cross_however_they_are_rounded():
    middle = np.array([[0.4, -0.3, 2.5]])
    support = Supports(np.array([0.0]), np.array([True]), np.array([True]))
    ends = [
        support.quantile(middle + shift, middle, level)
        for shift, level in ((-2, 0.1), (-1, 0.3), (0, 0.5), (1, 0.8))
    ]
    assert (np.diff(np.concatenate(ends), axis=0) >= 0).all()


def test_samples_are_whole_and_not_negative():
    support = Supports(np.array([0.0, -np.inf]), np.array([True, False]), np.array([True, False]))
    found = support.sample(np.array([[[-1.2, 2.6], [-1.2, 2.6]]]))
    assert found.tolist() == [[[0.0, 3.0], [-1.2, 2.6]]]
