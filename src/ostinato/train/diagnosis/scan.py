"""What is kept of a recurrent layer that ran: its states, and the way to how strongly a loss depends on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ostinato.nn.cells import Cell, State


@dataclass(eq=False)
class Scan:
    """One layer in one direction over the steps of one call.

    Attributes:
        name: the module's name, then the layer and direction: `recurrent.l0`, `encoder.l1.reverse`.
        make_cell: makes the cell, with the layer's own weights.
        inputs: (batch, time, features).
        start: the state before the first step, parts (batch, hidden).
        after: gives the state after each step, without gradient and without meaning at padding: parts
            (batch, time, hidden).
        lengths: (batch,) real steps of each row.
        reverse: whether it went back in time.
    """

    name: str
    make_cell: Callable[[], Cell]
    inputs: Tensor
    start: State
    after: Callable[[], State]
    lengths: Tensor
    reverse: bool

    @cached_property
    def cell(self) -> Cell:
        """The cell; made when it is first asked for, since the gradients alone do not need it."""
        return self.make_cell()

    @property
    def time(self) -> int:
        """Steps of the call, padding included."""
        return self.inputs.size(1)

    @cached_property
    def real(self) -> Tensor:
        """Which steps are real: (batch, time)."""
        steps = torch.arange(self.time, device=self.lengths.device)
        return steps < self.lengths[:, None]

    def before(self) -> State:
        """The state before each step, without gradient: parts (batch, time, hidden)."""
        parts = []
        for first, after in zip(self.start, self.after(), strict=True):
            opening = first.detach()[:, None]
            if self.reverse:
                # Back in time a row begins after its padding.
                known = torch.where(self.real[..., None], after, opening)
                joined = (known[:, 1:], opening)
            else:
                joined = (opening, after[:, :-1])
            parts.append(torch.cat(joined, dim=1))
        return tuple(parts)


@dataclass(eq=False)
class Call:
    """One call of a recurrent layer.

    Attributes:
        name: the module's name in the model, or its class where it is the model.
        scans: its layers and directions, in the order they ran.
        outputs: (batch, time, directions * hidden).
        final: the state it returned, parts (layers * directions, batch, hidden).
        handles: tensors whose gradients are to be asked for in order to learn those of the states.
        norms: from the gradients of the handles to the norm of the gradient of the state of each scan,
            (batch, time) each, 0 where none arrives. The norm of a state of several parts is that of all together,
            where a part counts with what follows the step, without its way into another part of the same step.
    """

    name: str
    scans: list[Scan]
    outputs: Tensor
    final: State
    handles: list[Tensor]
    norms: Callable[[Sequence[Tensor | None]], list[Tensor]]


def state_norms(
    ends: Sequence[Tensor], arriving: Sequence[Tensor] | None, calls: Sequence[Call]
) -> dict[str, Tensor]:
    """Go back from some tensors to the states of every scan.

    Args:
        ends: where the way back begins.
        arriving: the gradients there; None for a scalar.
        calls: what lies on the way; its graph stays for the next time.

    Returns:
        The norm of the gradient of the state after each step, (batch, time) by the name of the scan.
    """
    handles = [handle for call in calls for handle in call.handles]
    gradients = torch.autograd.grad(ends, handles, arriving, retain_graph=True, allow_unused=True)
    result: dict[str, Tensor] = {}
    place = 0
    for call in calls:
        own = gradients[place : place + len(call.handles)]
        place += len(own)
        result |= {scan.name: norms for scan, norms in zip(call.scans, call.norms(own), strict=True)}
    return result
