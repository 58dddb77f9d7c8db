"""Forecasts of series that lie one after the other in an array: what the pretrained forecaster is made of."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ostinato.errors import ConfigError
from ostinato.evaluate.knots import LEVELS
from ostinato.tasks.pretrained import direct as pretrained_direct
from ostinato.tasks.pretrained import inputs as pretrained_inputs
from ostinato.tasks.pretrained import network as pretrained_network
from ostinato.tasks.pretrained import scaling as pretrained_scaling
from ostinato.tasks.pretrained.forms import DIRECT, LONG, MIXED, Form
from ostinato.tasks.pretrained.network import Member
from ostinato.tasks.pretrained.scaling import Array, Mask

BLOCK = 512  # series run at once
SHORT = 32  # steps up to which direct members count as much as the mixed ones
LONG_SHARE = 0.5  # of a long member where a mixed one counts 1, of histories as long as can be read
LEAST_MOVEMENT = 1e-3  # of a series over its level
LONGEST = 8192  # steps looked at, however long the season


@dataclass(frozen=True)
class Raw:
    """Forecasts before they are made to fit what a series can be.

    Attributes:
        levels: (series, h, 9), the quantiles 0.1 to 0.9, increasing.
        counts: (series,), True where only whole numbers can come: counts that have been zero.
        lowest: (series,), 0 where the series was never negative, else minus infinity.
    """

    levels: npt.NDArray[np.float64]
    counts: Mask
    lowest: npt.NDArray[np.float64]

    def fitting(self, levels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Levels of these series, none below the lowest, those of counts whole: (series, h, any)."""
        bounded = np.maximum(levels, self.lowest[:, None, None])
        return np.where(self.counts[:, None, None], np.rint(bounded), bounded)


def forecast_values(
    values: npt.NDArray[np.float64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    h: int,
    *,
    season_length: int,
    long_season: int = 0,
    members: tuple[Member, ...] | None = None,
) -> npt.NDArray[np.float64]:
    """Forecasts series that lie one after the other in an array.

    Args:
        values: all series, NaN where missing; each has a value.
        starts: (series,), where each begins.
        ends: (series,), one past where each ends.
        h: steps to forecast.
        season_length: steps of the season, 1 for none.
        long_season: steps of a second, longer season, 0 for none.
        members: networks whose quantiles are averaged; None for those of the package.

    Returns:
        (series, h, 9), the quantiles 0.1 to 0.9, increasing.

    Raises:
        ConfigError: the horizon or a season is below its least value.
    """
    raw = forecast_raw(
        values, starts, ends, h, season_length=season_length, long_season=long_season, members=members
    )
    return raw.fitting(raw.levels)


def forecast_raw(
    values: npt.NDArray[np.float64],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    h: int,
    *,
    season_length: int,
    long_season: int = 0,
    members: tuple[Member, ...] | None = None,
) -> Raw:
    """What `forecast_values` does, before counts are rounded; the arguments are the same."""
    if h < 1 or season_length < 1 or long_season < 0:
        raise ConfigError(
            f"h is {h}, season_length {season_length} and long_season {long_season}; "
            "use an h and a season_length of at least 1 and a long_season of at least 0"
        )
    networks = pretrained_network.load_members() if members is None else members
    networks = pretrained_network.serving(networks, season_length, long_season)
    longest = max(pretrained_inputs.CONTEXT, min(4 * max(season_length, long_season), LONGEST))
    lengths = np.minimum(ends - starts, longest)
    raw = Raw(np.empty((len(ends), h, len(LEVELS))), np.empty(len(ends), dtype=bool), np.empty(len(ends)))
    limits = {
        length for member in networks for length in member.form.lengths
    }  # one of which is 0, or longest
    blocks = _blocks(lengths, sorted({0, *(min(limit, longest) for limit in limits), longest}))

    def run(block: npt.NDArray[np.intp], longest_read: int) -> None:
        history, level = _histories(values, ends[block], lengths[block])
        found = _forecast_block(history, h, (season_length, long_season), networks, longest_read)
        raw.levels[block] = found + level[:, None, None]
        raw.counts[block] = _are_counts(history) & (level == 0)
        lowest = np.nanmin(history, axis=1) + level
        raw.lowest[block] = np.where(lowest >= 0, 0.0, -np.inf)

    with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as threads:  # NumPy lets threads run
        for done in [threads.submit(run, *block) for block in blocks]:
            done.result()
    return raw


def _blocks(lengths: npt.NDArray[np.int64], bounds: list[int]) -> list[tuple[npt.NDArray[np.intp], int]]:
    """Series of similar length that are run together, and the bound they lie below."""
    order = np.argsort(lengths, kind="stable")
    blocks = []
    for low, high in pairwise(bounds):
        rows = order[(lengths[order] > low) & (lengths[order] <= high)]
        blocks += [(rows[begin : begin + BLOCK], high) for begin in range(0, len(rows), BLOCK)]
    return blocks


def _forecast_block(
    history: Array, h: int, seasons: tuple[int, int], members: tuple[Member, ...], longest: int
) -> npt.NDArray[np.float64]:
    """Forecasts histories of one bucket of lengths: (batch, h, 9).

    Only series of which logarithms are taken are prepared once more for the members that read plain values.
    """
    total = np.zeros((len(history), h, len(LEVELS)))
    weight = np.zeros(len(history))
    shares = _shares(history, members)
    rows = np.arange(len(history))
    for plain in (False, True):
        if not len(rows) or all(member.plain != plain for member in members):
            continue
        told = pretrained_scaling.no_logarithm(history[rows], plain)
        past = pretrained_scaling.prepare(history[rows], *seasons, told)
        for form, of_all in shares.items():
            share = of_all[rows]
            if not share.any():
                continue
            inputs = form.build(history[rows], past, np.arange(1, h + 1), form.read_for(longest))
            for member in members:
                fits = (~past.logged | (member.plain == plain)) & (share > 0)
                if member.form is form and (member.plain or not plain) and fits.any():
                    total[rows[fits]] += _values(member, inputs, past, fits) * share[fits, None, None]
                    weight[rows[fits]] += share[fits]
        rows = rows[past.logged]
    return total / weight[:, None, None]


def _shares(history: Array, members: tuple[Member, ...]) -> dict[Form, npt.NDArray[np.float64]]:
    """How much the members of each form count: (batch,) each.

    Direct ones learnt from short histories without zeros: they count as much as the mixed ones up to 32 steps and
    nothing from 128 on. Long ones count from 192 steps on, more and more up to 512. Where there are no mixed ones, all
    count alike.
    """
    forms = {member.form: np.ones(len(history)) for member in members}
    if MIXED not in forms:
        return forms
    length = history.shape[1] - np.isfinite(history).argmax(axis=1)
    short = np.clip((pretrained_direct.LONGEST - length) / (pretrained_direct.LONGEST - SHORT), 0.0, 1.0)
    far = np.clip((length - LONG.above) / (pretrained_inputs.CONTEXT - LONG.above), 0.0, 1.0)
    shares = {DIRECT: short * DIRECT.suits(history), LONG: LONG_SHARE * far * LONG.suits(history)}
    unseasonal = any(member.unseasonal for member in members)
    return {form: shares.get(form, ones - unseasonal * shares[DIRECT]) for form, ones in forms.items()}


def _are_counts(history: Array) -> Mask:
    """Where all values are whole, none is negative and some are zero: (batch,)."""
    values = np.where(np.isfinite(history), history, np.float32(0))
    whole = (values == np.rint(values)).all(axis=1) & (values >= 0).all(axis=1)
    return np.asarray(whole & (history == 0).any(axis=1))


def _values(
    member: Member, inputs: pretrained_inputs.Inputs, past: pretrained_scaling.Past, chosen: Mask
) -> npt.NDArray[np.float64]:
    """Quantiles of the chosen series in values: undoes the logarithm; what was never negative stays so."""
    if not chosen.all():
        inputs = pretrained_inputs.Inputs(*(array[chosen] for array in vars(inputs).values()))
    units = pretrained_network.quantiles(member, inputs).astype(np.float64)
    levels = units * past.unit[chosen, None, None] + past.adjusted[chosen, -1][:, None, None]
    logged = past.logged[chosen, None, None]
    highest = past.values[chosen].max(axis=1)[:, None, None] + 7.0  # a thousand times the largest value
    raised = np.exp(np.where(logged, np.minimum(levels, highest), 0.0))
    never_negative = (past.values[chosen].min(axis=1) >= 0)[:, None, None]
    plain = np.where(never_negative, np.maximum(levels, 0.0), levels)
    return np.where(logged, raised, plain)


def _histories(
    values: npt.NDArray[np.float64], ends: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]
) -> tuple[Array, npt.NDArray[np.float64]]:
    """The last values of each series, NaN before the start, and the level taken off: (batch, longest), (batch,).

    Only from series that hardly move on their level, which single precision could not tell apart.
    """
    back = np.arange(-int(lengths.max()), 0)
    history = values[np.maximum(ends[:, None] + back, 0)]
    history[back < -lengths[:, None]] = np.nan
    seen = np.isfinite(history)
    highest = np.where(seen, history, -np.inf).max(axis=1)
    lowest = np.where(seen, history, np.inf).min(axis=1)
    still = highest - lowest < LEAST_MOVEMENT * np.abs(lowest)
    level = np.where(still, (highest + lowest) / 2, 0.0)
    return (history - level[:, None]).astype(np.float32), level
