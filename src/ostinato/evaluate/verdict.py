"""The verdict: whether a network is better than the baselines, by how much, and how sure that is.

The forecast to use is that of the model with the least error. The network is called better without a
reservation only where the interval of its improvement over the best baseline lies above zero.

Errors are mean absolute errors in MASE's unit, one a series and origin. All models are judged on the same
cells, so differences are paired: origins (and series, where there are several) are drawn again with all
their models. The best baseline is chosen anew in each draw, as it was chosen by these very scores: so the
interval pays for the choice, and many baselines do not make one of them look better than it is.

References:
    B. Efron and R. J. Tibshirani (1993), An introduction to the bootstrap, chapter 13 (percentiles).
    T. C. Hesterberg (2015), What teachers should know about the bootstrap, section 5.3
    (percentiles widened for few origins).
    A. B. Owen (2007), The pigeonhole bootstrap (drawing rows and columns independently).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.errors import ConfigError
from ostinato.evaluate import scores
from ostinato.evaluate.wording import WORST, change_of, range_of

Values = NDArray[np.float64]
LEVEL = 0.95
DRAWS = 4000
BATCH = 250  # draws at a time, to bound the memory with thousands of series
FEWEST_ORIGINS = 3
MANY_SERIES = 20  # so many series tell something even with fewer origins


@dataclass(frozen=True)
class Verdict:
    """Whose forecast is to be used, and why.

    Attributes:
        best: name of the model whose forecast is to be used.
        network: name of the network that was judged, the best of several.
        beats_seasonal_naive: whether the network's error is below seasonal naive's; None = cannot be told.
        improvement: share by which the network's error lies below the best baseline's (0.2 = 20 %
            less, negative = more); NaN = unknown.
        interval: its 95 % interval, (low, high); NaN = unknown.
        origins: number of origins.
        text: all of this in a sentence.
    """

    best: str
    network: str
    beats_seasonal_naive: bool | None
    improvement: float
    interval: tuple[float, float]
    origins: int
    text: str


def judge(
    cv: pd.DataFrame,
    frame: pd.DataFrame,
    season_length: int,
    *,
    model: str | Sequence[str],
    random_state: int = 0,
) -> Verdict:
    """Judge a model, or the best of several, of a backtest by the other columns, its baselines.

    Args:
        cv: the backtest: unique_id, ds, cutoff, y and one column per model; no rows = there was none.
        frame: unique_id, ds, y; the series the backtest was made of.
        season_length: steps in a season.
        model: the column to judge; of several the best is judged, and chosen anew in each draw.
        random_state: seed of the bootstrap.

    Returns:
        The verdict; the same seed gives the same one.

    Raises:
        ConfigError: `cv` has rows but no column `model`, or no other to compare it with.
    """
    judged = [model] if isinstance(model, str) else list(model)
    if cv.empty:
        return _too_little("SeasonalNaive" if season_length > 1 else "Naive", judged[-1], 0)
    names = scores.models_of(cv)
    baselines = [name for name in names if name not in judged]
    if not set(judged) <= set(names) or not baselines:
        raise ConfigError(
            f"the backtest has the models {', '.join(names)}; to judge {' and '.join(map(repr, judged))} it needs that "
            "and a baseline"
        )
    errors = _matrices(scores.cells(cv, frame, season_length))
    order = [names.index(name) for name in (*judged, *baselines)]
    errors = errors[order]  # (models, series, origins), the judged ones first
    series, origins = errors.shape[1:]
    overall = _overall(errors)
    ranked = np.where(np.isnan(overall), np.inf, overall)
    several = len(judged)
    network = judged[int(ranked[:several].argmin())]
    best = baselines[int(ranked[several:].argmin())]
    if np.isinf(ranked[:several].min()) or np.isinf(ranked[several:].min()):
        return _too_little(_plain(baselines, season_length), network, origins)
    improvement = float(_improvement(_least(overall[:several, None]), overall[several:, None])[0])
    if origins < FEWEST_ORIGINS and series < MANY_SERIES:
        return _too_little(_plain(baselines, season_length), network, origins, improvement, best)
    draws = _draws(errors, np.random.default_rng(random_state))
    least = _least(draws[:several])
    interval = _interval(
        _improvement(least, draws[several:]), origins if origins >= FEWEST_ORIGINS else series
    )
    beats = None
    if "SeasonalNaive" in baselines:
        number = several + baselines.index("SeasonalNaive")
        beats = bool(ranked[:several].min() < ranked[number])
    text = _sentence(network, best, improvement, interval, (series, origins))
    return Verdict(network if improvement > 0 else best, network, beats, improvement, interval, origins, text)


def _matrices(found: scores.Cells) -> Values:
    """Errors in MASE's unit by model, series and origin; in that of `y` where no series has a scale."""
    errors = found.mase
    if np.isnan(errors).all():
        errors = found.mae
    grid = np.full((len(found.models), found.series.max() + 1, found.origin.max() + 1), np.nan)
    grid[:, found.series, found.origin] = errors
    answered = ~np.isnan(grid).all(axis=(1, 2), keepdims=True)
    unfair = (np.isnan(grid) & answered).any(axis=0)  # cells that one of the models could not forecast
    grid[:, unfair] = np.nan
    return grid


def _overall(errors: Values) -> Values:
    """Mean error of each model, (models,); NaN without any."""
    known = ~np.isnan(errors)
    count = known.sum(axis=(1, 2))
    total = np.where(known, errors, 0.0).sum(axis=(1, 2))
    mean: Values = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return mean


def _draws(errors: Values, random: np.random.Generator) -> Values:
    """Mean errors of all models when series and origins are drawn again, (models, draws)."""
    _, series, origins = errors.shape
    known = ~np.isnan(errors)
    filled = np.where(known, errors, 0.0)
    parts = []
    for _ in range(DRAWS // BATCH):
        of_series = _weights(series, BATCH, random, fixed=series == 1)
        of_origins = _weights(origins, BATCH, random, fixed=origins < FEWEST_ORIGINS)
        total, count = (
            ((of_series @ part) * of_origins).sum(axis=-1) for part in (filled, known.astype(np.float64))
        )
        parts.append(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))
    return np.concatenate(parts, axis=1)


def _weights(size: int, count: int, random: np.random.Generator, *, fixed: bool) -> Values:
    """How often each of `size` things is drawn, (count, size); always once if fixed."""
    if fixed:
        return np.ones((count, size))
    return random.multinomial(size, np.full(size, 1 / size), size=count).astype(np.float64)


def _least(errors: Values) -> Values:
    """The least error of some models, (models, draws) to (draws,); NaN where all are unknown."""
    least = np.where(np.isnan(errors), np.inf, errors).min(axis=0)
    known: Values = np.where(np.isinf(least), np.nan, least)
    return known


def _improvement(network: Values, baselines: Values) -> Values:
    """Share by which the network's error lies below the least of the baselines', (draws,)."""
    least = np.nan_to_num(_least(baselines), nan=np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(network == least, 0.0, 1 - network / least)
    gain = np.where(np.isinf(least), np.nan, gain)
    clipped: Values = np.maximum(gain, WORST)
    return clipped


def _interval(draws: Values, size: int) -> tuple[float, float]:
    """Percentile interval of the draws, widened for few origins as Student's t is (Hesterberg, 2015)."""
    known = draws[~np.isnan(draws)]
    tail = NormalDist().cdf(-np.sqrt(size / (size - 1)) * _student(0.5 + LEVEL / 2, size - 1))
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def _student(probability: float, freedom: int) -> float:
    """Quantile of Student's t by Cornish and Fisher's expansion (Abramowitz and Stegun, 26.7.5)."""
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(z + sum(term / freedom ** (power + 1) for power, term in enumerate(terms)))


def _plain(baselines: list[str], season_length: int) -> str:
    """The baseline to trust without evidence: seasonal naive, or naive where there is no season."""
    wanted = "SeasonalNaive" if season_length > 1 else "Naive"
    return wanted if wanted in baselines else baselines[0]


def _too_little(
    best: str, network: str, origins: int, improvement: float = float("nan"), against: str = ""
) -> Verdict:
    """The verdict that nothing can be told."""
    if np.isnan(improvement):
        seen = "no origin has values to compare"
    elif improvement == 0:
        seen = f"over {_origins(origins)} its error equals that of {against}"
    else:
        than = f"{change_of(improvement)} than that of {against}"
        seen = f"over {_origins(origins)} its error is {than}, which may be chance"
    text = (
        f"There is too little history to tell whether {network} is better than the baselines: {seen}. "
        f"{best}'s forecast is the one to use."
    )
    unknown = float("nan")
    return Verdict(best, network, None, improvement, (unknown, unknown), origins, text)


def _sentence(
    model: str, best: str, improvement: float, interval: tuple[float, float], size: tuple[int, int]
) -> str:
    """The verdict in words."""
    series, origins = size
    over = _origins(origins) + (f" of {series} series" if series > 1 else "")
    if improvement == 0:
        found = f"is not better than the best baseline, {best}: their errors are equal ({over})"
        return f"{model} {found}. {best}'s forecast is the one to use."
    verb, doubt = ("is", "") if interval[0] > 0 else ("did", ", though that may be chance")
    if improvement < 0:
        verb, doubt = "is not", ""
    found = (
        f"{verb} better than the best baseline, {best}: its error is {change_of(improvement)}{doubt} "
        f"(95 % interval {range_of(*interval)}, {over})"
    )
    return f"{model} {found}. {model if improvement > 0 else best}'s forecast is the one to use."


def _origins(number: int) -> str:
    return f"{number} origin{'' if number == 1 else 's'}"
