import numpy as np
import pytest

from ostinato.evaluate.redrawing import redrawn


def test_sums_scatter_as_the_formula_says():
    values = np.random.default_rng(0).normal(3, 2, size=(1, 400))
    sums = redrawn(values, np.random.default_rng(1), draws=20_000)[0]
    assert sums.mean() == pytest.approx(values.sum(), rel=0.01)
    assert sums.std() == pytest.approx(20 * values.std(), rel=0.03)  # of the mean of n draws: std / sqrt(n)


def test_all_rows_see_the_same_items():
    first = np.random.default_rng(0).normal(size=30)
    sums = redrawn(np.stack([first, 2 * first]), np.random.default_rng(1), draws=70)
    np.testing.assert_allclose(sums[1], 2 * sums[0])


def test_a_column_may_stand_for_several_items():
    table, counts = np.array([[1.0, 0.0]]), np.array([300, 100])
    sums = redrawn(table, np.random.default_rng(0), draws=20_000, counts=counts)[0]
    assert sums.mean() == pytest.approx(300, rel=0.01)
    assert sums.std() == pytest.approx(np.sqrt(400 * 0.75 * 0.25), rel=0.03)  # binomial
