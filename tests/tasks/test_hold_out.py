"""Some items by chance are kept from a training, each item once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.errors import DataError
from ostinato.tasks.hold_out import hold_out


@given(number=st.integers(2, 3000), seed=st.integers(0, 99))
def test_every_item_is_on_one_side(number, seed):
    kept, judged = hold_out(number, seed=seed, source="file 'x'", noun="pair")
    assert sorted(kept + judged) == list(range(number))
    assert 1 <= len(judged) <= max(number // 20, 1)


def test_never_more_than_a_thousand_are_kept():
    assert len(hold_out(50_000, seed=0, source="file 'x'", noun="pair")[1]) == 1000


def test_a_single_item_is_refused():
    with pytest.raises(DataError, match="file 'x' has 1 pair; give at least 2, one of them to judge by"):
        hold_out(1, seed=0, source="file 'x'", noun="pair")
