"""Whether a network is better than the best of some baselines on the same items, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ostinato.data.findings import count
from ostinato.errors import ConfigError
from ostinato.evaluate.redrawing import redrawn
from ostinato.evaluate.wording import WORST, change_of, range_of

Values = NDArray[np.float64]
DRAWS = 2000
FEWEST_ITEMS = 10


@dataclass(frozen=True)
class Comparison:
    """A network beside the best baseline.

    Attributes:
        best: the model with the least loss.
        baseline: the baseline with the least loss.
        improvement: share by which the network's loss lies below the baseline's (0.2 = 20 % less, negative = more).
        interval: its 95 % interval; NaN with fewer than ten items.
        text: all of this in a sentence.
    """

    best: str
    baseline: str
    improvement: float
    interval: tuple[float, float]
    text: str

    @property
    def sure(self) -> bool:
        """Whether the network is better without a reservation: the whole interval lies above zero."""
        return self.interval[0] > 0


def compare(
    losses: Mapping[str, ArrayLike],
    sizes: ArrayLike,
    *,
    model: str,
    loss: str,
    item: str,
    random_state: int = 0,
) -> Comparison:
    """Compare a model with the others by a paired bootstrap.

    Items are drawn again with the losses of all models; the loss of a draw is the sum of losses over the sum of sizes.
    The best baseline is chosen anew in each draw, so the interval pays for the choice.

    Args:
        losses: of each model, `(items,)`: the sum of losses in each item, such as wrong words in each sentence.
        sizes: `(items,)` what the losses are to be divided by, such as the words of each sentence.
        model: the model to judge; the others are baselines.
        loss: what the loss is, for the sentence, such as "share of wrong tags".
        item: what an item is, for the sentence, such as "sentence" or "block of 500 tokens".
        random_state: seed of the draws.

    Returns:
        The comparison; the same seed gives the same one.

    Raises:
        ConfigError: there is no such model, or no other.

    References:
        Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 13.
        Berg-Kirkpatrick, Burkett and Klein (2012), An empirical investigation of statistical significance in NLP,
        https://aclanthology.org/D12-1091.

    Example:
        >>> wrong = {"LSTM": [0, 1] * 20, "majority": [1, 1] * 20}
        >>> compare(wrong, [1] * 40, model="LSTM", loss="share of wrong classes", item="text").improvement
        0.5
    """
    others = [name for name in losses if name != model]
    if model not in losses or not others:
        raise ConfigError(
            f"there are losses of {', '.join(losses)}; to judge {model!r} it and a baseline are needed"
        )
    table = np.stack(
        [np.asarray(losses[name], dtype=np.float64) for name in (model, *others)]
    )  # (models, items)
    weights = np.asarray(sizes, dtype=np.float64)
    whole = table.sum(axis=1) / max(weights.sum(), 1e-300)
    baseline = others[int(whole[1:].argmin())]
    improvement = float(_improvement(whole[:, None])[0])
    interval = _interval(table, weights, random_state)
    noun, space, rest = item.partition(" ")
    items = f"{count(table.shape[1], noun)}{space}{rest}"
    text = _sentence(model, baseline, improvement, interval, f"its {loss} is", items)
    return Comparison(model if improvement > 0 else baseline, baseline, improvement, interval, text)


def _interval(table: Values, weights: Values, random_state: int) -> tuple[float, float]:
    """The 95 % interval of the improvement; unknown with few items."""
    if table.shape[1] < FEWEST_ITEMS:
        return float("nan"), float("nan")
    *sums, sizes = redrawn(np.vstack([table, weights]), np.random.default_rng(random_state), draws=DRAWS)
    low, high = np.quantile(_improvement(np.stack(sums) / np.maximum(sizes, 1e-300)), [0.025, 0.975])
    return float(low), float(high)


def _improvement(losses: Values) -> Values:
    """Share by which the first loss lies below the least of the others', `(models, draws)` to `(draws,)`."""
    least = losses[1:].min(axis=0)
    ours = losses[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain: Values = np.where(ours == least, 0.0, np.maximum(1 - ours / least, WORST))
    return gain


def _sentence(
    model: str, baseline: str, improvement: float, interval: tuple[float, float], its: str, items: str
) -> str:
    """The comparison in words."""
    low, high = interval
    if improvement == 0:
        return f"{model} is not better than the best baseline, {baseline}: {its} the same ({items})."
    change = change_of(improvement)
    if np.isnan(low):
        return f"{model} beside the best baseline, {baseline}: {its} {change}, too few to be sure ({items})."
    sure = f"95 % interval {range_of(low, high)}, {items}"
    if improvement < 0:
        return f"{model} is not better than the best baseline, {baseline}: {its} {change} ({sure})."
    if low > 0:
        return f"{model} is better than the best baseline, {baseline}: {its} {change} ({sure})."
    return f"{model} did better than the best baseline, {baseline}: {its} {change}, though that may be chance ({sure})."
