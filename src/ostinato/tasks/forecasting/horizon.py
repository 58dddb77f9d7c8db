"""How far to forecast where nobody says."""

from ostinato.data.grid import parse_freq
from ostinato.data.tables import Table

USUAL_HORIZONS = {"month": 6, "business": 10, "step": 14}
"""Steps to forecast where there is no season, by the kind of the frequency's grid."""


def choose_horizon(table: Table, h: int | None) -> tuple[int, str]:
    """The steps to forecast, and a sentence about them.

    Args:
        table: the series.
        h: what was asked for; one season when None, or a length usual for the frequency, at most a quarter of the
            history.
    """
    if h is not None:
        return h, f"the horizon is {h} {'step' if h == 1 else 'steps'}, as asked"
    rows = int(table.frame.groupby("unique_id", sort=False, observed=True).size().median())
    usual = (
        table.season_length
        if table.season_length > 1
        else USUAL_HORIZONS.get(parse_freq(table.freq).kind, 10)
    )
    chosen = max(1, min(usual, rows // 4))
    why = "one season" if chosen == table.season_length > 1 else "a usual length"
    if chosen < usual:
        why = f"a quarter of the {rows} rows"
    return chosen, f"the horizon is {chosen} {'step' if chosen == 1 else 'steps'}, {why}; --h sets another"
