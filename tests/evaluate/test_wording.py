import pytest

from ostinato.evaluate.wording import change_of, percent, range_of


@pytest.mark.parametrize(
    ("improvement", "words"),
    [
        (0.12, "12 % lower"),
        (-0.5, "50 % higher"),
        (-10.0, "more than ten times higher"),
        (0.021, "2.1 % lower"),
    ],
)
def test_a_change_in_words(improvement, words):
    assert change_of(improvement) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.05, 0.3, "5.0 % to 30 % lower"),
        (-0.3, -0.05, "5.0 % to 30 % higher"),
        (-0.1, 0.02, "10 % higher to 2.0 % lower"),
    ],
)
def test_an_interval_in_words(low, high, words):
    assert range_of(low, high) == words


def test_small_shares_have_a_digit_more():
    assert (percent(0.0999), percent(0.1)) == ("10.0 %", "10 %")
