import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils import get_tags

from ostinato.errors import ConfigError
from ostinato.tasks.parameters import Parameters


class Estimator(Parameters):
    def __init__(self, size=3, *, weights=None):
        self.size = size
        self.weights = weights


def test_scikit_learn_can_clone():
    given = np.ones(2)
    copy = clone(Estimator(5, weights=given))
    assert copy.size == 5
    assert np.array_equal(copy.weights, given)


def test_scikit_learn_takes_it_for_no_classifier_and_no_table_reader():
    tags = get_tags(Estimator())
    assert tags.estimator_type is None
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array


def test_parameters_are_stored_untouched():
    given = {"a": 1}
    assert Estimator(weights=given).get_params()["weights"] is given


def test_only_what_differs_is_shown():
    assert repr(Estimator(size=3, weights=[1])) == "Estimator(weights=[1])"


def test_an_unknown_parameter_is_refused():
    with pytest.raises(ConfigError, match="Estimator has no parameter 'height'; it has: size, weights"):
        Estimator().set_params(height=1)
