"""Improvements in words, as verdicts say them."""

from __future__ import annotations

WORST = -10.0
"""Improvements below -1000 % are all the same."""


def change_of(improvement: float) -> str:
    """An improvement in words.

    Args:
        improvement: share by which an error fell; negative where it rose.

    Example:
        >>> change_of(0.123), change_of(-0.05), change_of(-20.0)
        ('12 % lower', '5.0 % higher', 'more than ten times higher')
    """
    if improvement <= WORST:
        return "more than ten times higher"
    return f"{percent(abs(improvement))} {'lower' if improvement > 0 else 'higher'}"


def range_of(low: float, high: float) -> str:
    """An interval of improvements in words.

    Example:
        >>> range_of(0.03, 0.2), range_of(-0.04, 0.08)
        ('3.0 % to 20 % lower', '4.0 % higher to 8.0 % lower')
    """
    if low >= 0:
        return f"{percent(low)} to {percent(high)} lower"
    if high <= 0:
        return f"{percent(-high)} to {percent(-low)} higher"
    return f"{percent(-low)} higher to {percent(high)} lower"


def percent(share: float) -> str:
    """A share in percent, with a digit more where it is small."""
    number = 100 * share
    return f"{number:.1f} %" if abs(number) < 10 else f"{number:.0f} %"
