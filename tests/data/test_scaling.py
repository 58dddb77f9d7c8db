import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ostinato.data.scaling import SCALERS, Scaler
from ostinato.errors import ConfigError, DataError

ANY_SCALER = pytest.mark.parametrize("kind", SCALERS)
NUMBERS = st.floats(-1e12, 1e12) | st.just(float("nan"))


@ANY_SCALER
@settings(max_examples=40)
@given(
    past=arrays(np.float64, st.integers(0, 20), elements=NUMBERS),
    future=arrays(np.float64, 5, elements=NUMBERS),
)
def test_inverse_undoes_transform(kind, past, future):
    scaler = Scaler.fit(past, kind)
    back = scaler.inverse(scaler.transform(np.concatenate([past, future])))
    # Rounding is relative to the largest number that took part: the value or the offset.
    largest = np.nanmax(np.abs(np.concatenate([past, future, [1.0]])))
    np.testing.assert_allclose(
        back, np.concatenate([past, future]), rtol=0, atol=8 * np.finfo(float).eps * largest
    )


@ANY_SCALER
def test_a_spread_next_to_nothing_counts_as_none(kind):
    assert Scaler.fit([7e-309, 0.0], kind).scale == 1.0


@ANY_SCALER
@settings(max_examples=20)
@given(past=arrays(np.float64, st.integers(0, 5), elements=st.floats(width=64)))
def test_any_numbers_give_a_scaler_or_a_clear_error(kind, past):
    try:
        scaler = Scaler.fit(past, kind)
    except DataError:
        return
    assert np.isfinite(scaler.offset)
    assert scaler.scale > 0


@ANY_SCALER
@settings(max_examples=20)
@given(past=arrays(np.float64, st.integers(0, 5), elements=NUMBERS))
def test_a_saved_scaler_is_the_same(kind, past):
    scaler = Scaler.fit(past, kind)
    assert Scaler.from_dict(json.loads(json.dumps(scaler.to_dict()))) == scaler


@ANY_SCALER
@pytest.mark.parametrize("value", [0.0, 7.25, -3e9, 0.1])
def test_a_constant_series_stays_finite(kind, value):
    scaler = Scaler.fit([value] * 7, kind)
    assert np.isfinite(scaler.transform([value, value + 1])).all()
    assert scaler.inverse(scaler.transform([value]))[0] == pytest.approx(value)


@ANY_SCALER
def test_missing_values_stay_missing_and_change_nothing(kind):
    with_gap, without = Scaler.fit([1.0, np.nan, 4.0, 9.0], kind), Scaler.fit([1.0, 4.0, 9.0], kind)
    assert with_gap == without
    assert np.isnan(with_gap.transform([np.nan])).all()


def test_each_kind_equals_its_formula():
    past = np.array([1.0, 2.0, 4.0, 9.0])
    scaled = {kind: Scaler.fit(past, kind).transform(past) for kind in SCALERS}
    np.testing.assert_allclose(scaled["identity"], past)
    np.testing.assert_allclose(scaled["minmax"], [0, 1 / 8, 3 / 8, 1])
    np.testing.assert_allclose(scaled["standard"], (past - 4) / np.sqrt(9.5))
    np.testing.assert_allclose(scaled["robust"], (past - 3) / (5.25 - 1.75))
    np.testing.assert_allclose(scaled["mean_absolute"], past / 4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Scaler.fit([1.0], "log"), ConfigError, "scaler is 'log'; use one of identity, minmax"),
        (
            lambda: Scaler.fit([1.0, np.inf, -np.inf]),
            DataError,
            "2 of 3 values are infinite; mark them as missing",
        ),
        (
            lambda: Scaler.fit([-1.7e308, 1.7e308], "minmax"),
            DataError,
            r"values up to 1.7e\+308 are too large",
        ),
        (lambda: Scaler.from_dict({"kind": "standard"}), ConfigError, "it needs kind .*, offset, scale"),
        (
            lambda: Scaler.from_dict({"kind": "standard", "offset": 0, "scale": 0}),
            ConfigError,
            "offset must be a number and scale one above 0",
        ),
        (
            lambda: Scaler.from_dict({"kind": "standard", "offset": "a", "scale": 1}),
            ConfigError,
            "offset must be a number and scale one above 0",
        ),
    ],
)
def test_what_cannot_be_scaled_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
