"""What tasks ask before they begin."""

import pytest

from ostinato.tasks.checks import epochs_for


@pytest.mark.parametrize(
    ("updates_an_epoch", "expected"), [(250, 10), (100, 25), (1, 60), (5000, 10), (0, 60)]
)
def test_small_sets_are_passed_over_more_often(updates_an_epoch, expected):
    assert epochs_for(None, updates_an_epoch, 2500) == expected


def test_passes_that_were_asked_for_are_taken():
    assert epochs_for(3, 1, 2500) == 3
