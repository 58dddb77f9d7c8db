"""The gradient of the loss with respect to the state, step by step and by time lag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.train.diagnosis.scan import Call, Scan, state_norms

Values = NDArray[np.float64]

MEMORY_SHARE = 0.9
"""Share of the gradient that lies within the effective memory."""


@dataclass(frozen=True)
class StateGradients:
    """How the loss depends on the state of one layer in one direction.

    Attributes:
        by_step: (time,) norm of dLoss / dstate after each step, mean over the rows that are real there.
        by_lag: (lags,) the same by the number of steps before the one where the loss looks, for its share there.
    """

    by_step: Values
    by_lag: Values

    @property
    def memory(self) -> int | None:
        """The effective memory in steps; None where no gradient arrives."""
        return effective_memory(self.by_lag)

    @property
    def factor(self) -> float:
        """By which factor the gradient changes from one lag to the next; 1 where there are too few lags."""
        return decay_factor(self.by_lag)


@dataclass(frozen=True)
class _Anchors:
    """Where the loss looks at a call: the last step of each row forwards, and backwards in time the first."""

    forward: Tensor
    reverse: Tensor

    def lags(self, scan: Scan) -> Tensor:
        """Steps from the state to where the loss looks, (batch, time); negative where it cannot matter."""
        steps = torch.arange(scan.time, device=scan.lengths.device)
        lags = steps - self.reverse[:, None] if scan.reverse else self.forward[:, None] - steps
        return torch.where(scan.real, lags, -1)


def state_gradients(loss: Tensor, calls: Sequence[Call]) -> dict[str, StateGradients]:
    """Follow the loss back to the state of every layer at every step.

    The gradient is the total one: through the outputs and through all later states. The state of an LSTM is the
    pair (h, c), and the norm is that of the gradients of both together. Where the loss looks at many steps, its
    gradient at the last of them alone is followed for `by_lag`, so that a lag counts the steps from there.

    Args:
        loss: a scalar whose graph goes through the calls.
        calls: what was recorded; the last one is where the loss looks.

    Returns:
        The gradients by the name of the scan.
    """
    scans = [scan for call in calls for scan in call.scans]
    total = state_norms([loss], None, calls)
    last = calls[-1]
    ends = [last.outputs, *last.final]
    arriving = torch.autograd.grad(loss, ends, retain_graph=True, allow_unused=True)
    anchors, kept = _look(last, arriving)
    followed = total
    if kept is not None:
        pairs = [(end, gradient) for end, gradient in zip(ends, kept, strict=True) if gradient is not None]
        followed = state_norms([end for end, _ in pairs], [gradient for _, gradient in pairs], calls)
    results = {}
    for scan in scans:
        same = scan.real.shape == last.scans[0].real.shape
        lags = (anchors if same else _ends(scan)).lags(scan)
        results[scan.name] = StateGradients(
            _mean_by(_positions(scan), total[scan.name]), _mean_by(lags, followed[scan.name])
        )
    return results


def effective_memory(by_lag: Values, share: float = MEMORY_SHARE) -> int | None:
    """The number of steps within which a share of the gradient lies.

    Args:
        by_lag: (lags,) norm of the gradient at lag 0, 1, 2, ...
        share: of the sum of the norms, in (0, 1).

    Returns:
        The smallest number of steps, from 1; None where there is no gradient.

    Examples:
        >>> effective_memory(np.array([4.0, 4.0, 1.0, 0.5, 0.25, 0.25]))
        3
        >>> effective_memory(np.zeros(3)) is None
        True
    """
    total = float(by_lag.sum())
    if not total > 0:
        return None
    return int(np.searchsorted(by_lag.cumsum(), share * total * (1 - 1e-12))) + 1


def longest_memory(gradients: Iterable[StateGradients]) -> int | None:
    """The effective memory of the layer where it is longest; None where no gradient arrives at any."""
    return max((each.memory for each in gradients if each.memory is not None), default=None)


def decay_factor(by_lag: Values) -> float:
    """The factor by which the gradient changes from lag to lag: a straight line through its logarithm.

    Args:
        by_lag: (lags,) norm of the gradient; lag 0, where part of the state is not yet reached, does not count.

    Returns:
        The factor; 1 where fewer than two lags have a gradient, 0 where it is gone after the first.

    Examples:
        >>> round(decay_factor(0.5 ** np.arange(20)), 6)
        0.5
    """
    known = np.flatnonzero(by_lag[1:] > 0) + 1
    if len(known) < 2:
        return 0.0 if len(by_lag) > 2 and by_lag[0] > 0 else 1.0
    return float(np.exp(np.polyfit(known, np.log(by_lag[known]), 1)[0]))


def _look(last: Call, arriving: Sequence[Tensor | None]) -> tuple[_Anchors, list[Tensor | None] | None]:
    """Where the loss looks, and its gradient there alone; None where it looks at one step of each row anyway."""
    scan = last.scans[0]
    reached = _reached(last, arriving)
    both = len(reached) == 2
    last_step = _last_true(reached[0])
    first_step = scan.time - 1 - _last_true(reached[1].flip(1)) if both else torch.zeros_like(last_step)
    anchors = _Anchors(last_step, first_step)
    if all(int(each.sum(dim=1).max()) <= 1 for each in reached):
        return anchors, None
    outputs, *final = arriving
    if outputs is None:
        return anchors, None
    steps = torch.arange(scan.time, device=outputs.device)
    halves = [steps == last_step[:, None], steps == first_step[:, None]][: len(reached)]
    masked = [
        half * mask[..., None] for half, mask in zip(outputs.chunk(len(reached), dim=2), halves, strict=True)
    ]
    return anchors, [torch.cat(masked, dim=2), *final]


def _reached(last: Call, arriving: Sequence[Tensor | None]) -> list[Tensor]:
    """Steps of each direction at which the loss's gradient arrives: (batch, time) each."""
    directions = 2 if last.scans[-1].reverse else 1
    scan = last.scans[0]
    outputs, *final = arriving
    reached = [torch.zeros_like(scan.real) for _ in range(directions)]
    if outputs is not None:
        halves = outputs.chunk(directions, dim=2)
        reached = [half.abs().amax(dim=2) > 0 for half in halves]
    rows = torch.arange(len(scan.lengths), device=scan.lengths.device)
    for part in (each for each in final if each is not None):
        for direction in range(directions):
            looks = part[direction::directions].abs().amax(dim=(0, 2)) > 0
            end = torch.zeros_like(rows) if direction else (scan.lengths - 1).clamp(min=0)
            reached[direction][rows[looks], end[looks]] = True
    return [each & scan.real for each in reached]


def _ends(scan: Scan) -> _Anchors:
    """The last step of each row that the scan ran."""
    return _Anchors(scan.lengths - 1, torch.zeros_like(scan.lengths))


def _last_true(flags: Tensor) -> Tensor:
    """The last place of each row that is true, (batch,); -1 where none is."""
    places = torch.arange(flags.size(1), device=flags.device).expand(flags.shape)
    return torch.where(flags, places, -1).amax(dim=1)


def _positions(scan: Scan) -> Tensor:
    steps = torch.arange(scan.time, device=scan.lengths.device).expand(scan.real.shape)
    return torch.where(scan.real, steps, -1)


def _mean_by(places: Tensor, norms: Tensor) -> Values:
    """The mean of the norms at each place from 0 to the largest; entries at negative places do not count."""
    index, values = places.cpu().numpy().ravel(), norms.cpu().numpy().ravel()
    kept = index >= 0
    index, values = index[kept], values[kept]
    result: Values = np.bincount(index, values, minlength=1) / np.bincount(index, minlength=1).clip(min=1)
    return result
