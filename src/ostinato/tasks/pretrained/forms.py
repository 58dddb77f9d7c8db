"""The forms of pretrained networks: what each reads of a past, and of which series."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ostinato.tasks.pretrained import direct, inputs, long
from ostinato.tasks.pretrained.inputs import Inputs, Sizes
from ostinato.tasks.pretrained.scaling import Array, Mask, Past

Steps = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Form:
    """How networks of one form read a past.

    Attributes:
        name: mixed, direct or long.
        sizes: how wide what they read is.
        build: makes the inputs of (history, past, steps, patches).
        read_for: how many patches (steps, of direct networks) are read of histories of at most so many steps.
        lengths: longest histories that are read in the same number of patches; the last has no bound where 0.
        above: steps of history up to which it does not forecast.
        zeros: largest share of zeros in the series that it forecasts.
    """

    name: str
    sizes: Sizes
    build: Callable[[Array, Past, Steps, int], Inputs]
    read_for: Callable[[int], int]
    lengths: tuple[int, ...]
    above: int = 0
    zeros: float = 1.0

    def suits(self, history: npt.NDArray[np.floating]) -> Mask:
        """Whether series have few enough zeros: (batch,) of (batch, time), NaN where missing and before the start."""
        seen = np.maximum(np.isfinite(history).sum(axis=-1), 1)
        return np.asarray((history == 0).sum(axis=-1) <= self.zeros * seen)

    def __reduce__(self) -> tuple[Callable[[str], "Form"], tuple[str]]:
        """Pickles the name: there is one object of each form."""
        return _form, (self.name,)


MIXED = Form(
    "mixed",
    inputs.SIZES,
    inputs.build,
    inputs.patches_for,
    (*(longest for longest, _ in inputs.PATCH_COUNTS[:-1]), 0),
)
DIRECT = Form(
    "direct",
    direct.SIZES,
    lambda _, past, steps, read: direct.build(past, steps, read),
    direct.read_for,
    (32, 64, direct.LONGEST),
    zeros=0.0,
)
LONG = Form(
    "long",
    long.SIZES,
    lambda _, past, steps, patches: long.build(past, steps, patches),
    long.read_for,
    (0,),
    above=192,
    zeros=0.1,
)
FORMS = {form.name: form for form in (MIXED, DIRECT, LONG)}


def _form(name: str) -> Form:
    """The form of a name."""
    return FORMS[name]
