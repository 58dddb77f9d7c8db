"""Windows to learn from: what the pretrained network reads, and what it should have said."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ostinato.tasks.pretrained import inputs as pretrained_inputs
from ostinato.tasks.pretrained import scaling as pretrained_scaling
from ostinato.tasks.pretrained.forms import MIXED, Form
from ostinato.tasks.pretrained.scaling import Array


@dataclass(frozen=True)
class Windows:
    """Windows ready for the network. Attributes as in `Inputs`, and what they should have said.

    Attributes:
        target: (windows, steps), in units relative to the last adjusted value, 0 where not scored.
        weight: (windows, steps), 0 where not scored; it turns units into those of MASE.
    """

    patches: Array
    statistics: Array
    steps: Array
    experts: Array
    target: Array
    weight: Array

    def take(self, rows: npt.NDArray[np.intp]) -> "Windows":
        """The windows at `rows`."""
        return Windows(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def cut(
    history: Array,
    future: Array,
    seasons: tuple[int, int],
    steps: npt.NDArray[np.int64],
    *,
    patches: int,
    form: Form = MIXED,
    plain: bool = False,
) -> Windows:
    """Makes windows of histories and what followed them.

    Args:
        history: (windows, time), NaN where missing and before the start; every row holds a value.
        future: (windows, steps), what followed at those steps, NaN where it is not known.
        seasons: steps of the season and of the longer one, 0 for none.
        steps: (steps,), which steps ahead, from 1.
        patches: how many patches to read, from `form.read_for`.
        form: how the network reads a past.
        plain: whether to leave out the logarithm of positive series.

    Returns:
        The windows.
    """
    past = pretrained_scaling.prepare(history, *seasons, pretrained_scaling.no_logarithm(history, plain))
    inputs = form.build(history, past, steps, patches)
    target, weight = _targets(past, history, future, steps)
    apart = inputs.experts.std(axis=2) * (past.unit / past.seasonal_unit)[:, None]
    weight /= np.sqrt(1 + apart)  # wild series, known as such from the past, count less
    return Windows(inputs.patches, inputs.statistics, inputs.steps, inputs.experts, target, weight)


def _targets(
    past: pretrained_scaling.Past, history: Array, future: Array, steps: npt.NDArray[np.int64]
) -> tuple[Array, Array]:
    """Targets in units and weights: (windows, steps) each."""
    scored = np.isfinite(future) & ((future > 0) | ~past.logged[:, None])
    scored &= steps <= np.maximum(8, 1.5 * past.length[:, None])
    varied = np.nanmax(history, axis=1) > np.nanmin(history, axis=1)
    scored &= varied[:, None]
    safe = np.where(scored, future, np.float32(1))
    value = np.where(past.logged[:, None], np.log(np.where(past.logged[:, None], safe, 1)), safe)
    target = (value - past.adjusted[:, -1:]) / past.unit[:, None]
    limit = pretrained_inputs.LARGEST * np.sqrt(steps.astype(np.float32))
    season = past.index[:, (steps - 1) % past.index.shape[1]] / past.unit[:, None]
    target = np.where(scored, season + np.clip(target - season, -limit, limit), 0)
    weight = np.clip(past.unit / past.seasonal_unit, 0.05, 1.5)[:, None] * scored
    return target.astype(np.float32), weight.astype(np.float32)
