"""Calls of the kernels that stay open to view: the states of a pass, and how large their gradients were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ostinato.kernels import native
from ostinato.kernels.choice import can_fuse
from ostinato.kernels.operators import Call, is_available, run_backward, run_forward

if TYPE_CHECKING:
    from ostinato.kernels.stack import Stack, State

KINDS = tuple(native.KINDS)
KEPT = {"lstm": 4, "gru": 4}
"""Values that the forward pass keeps for each unit and step, besides the state."""


class Trace:
    """What one call of the kernels held, and what its last backward pass saw.

    Args:
        call: The call.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self.saved = torch.empty(0)
        self._norms: Tensor | None = None

    def take_norms(self) -> Tensor:
        """Return what the last backward pass saw, and forget it.

        Returns:
            `(layers * directions, batch, time)`, the norm of the gradient of the state after each step: that of h, and
            in an LSTM that of h and c together, where c counts without its way into the same step's h. 0 at padding,
            and where there was no backward pass.
        """
        norms, self._norms = self._norms, None
        return self.room() if norms is None else norms

    def room(self) -> Tensor:
        """Return room for the norms, filled with zeros."""
        problem = self.call.problem
        return torch.zeros(problem.layers * problem.directions, problem.batch, problem.time)

    def note(self, norms: Tensor) -> None:
        """Keep what a backward pass saw."""
        self._norms = norms

    def states(self, scan: int) -> State:
        """Return the state after each step, parts `(batch, time, hidden)`, without meaning at padding.

        Args:
            scan: `layer * directions + direction`.
        """
        problem = self.call.problem
        steps, hidden = (problem.time, problem.batch), problem.hidden_size
        padded = _round_up(hidden, 8)
        gates = problem.time * problem.batch * padded * KEPT.get(KINDS[problem.kind], 0)
        cells = problem.time * problem.batch * padded if problem.kind == native.KINDS["lstm"] else 0
        per_scan = _round_up(gates + cells, 16)
        layer, direction = divmod(scan, problem.directions)
        width = problem.directions * hidden
        start = problem.layers * problem.directions * per_scan + layer * problem.time * problem.batch * width
        outputs = self.saved[start : start + problem.time * problem.batch * width].view(*steps, width)
        parts = [outputs[..., direction * hidden : (direction + 1) * hidden]]
        if cells:
            start = scan * per_scan + gates
            parts.append(self.saved[start : start + cells].view(*steps, padded)[..., :hidden])
        return tuple(self._own_order(part.transpose(0, 1)) for part in parts)

    def _own_order(self, values: Tensor) -> Tensor:
        """Return rows `(batch, ...)` in the caller's order; the kernels work on the longest first."""
        if self.call.lengths is None:
            return values.contiguous()
        order = torch.sort(self.call.lengths, descending=True, stable=True).indices
        return torch.empty_like(values).index_copy_(0, order, values)


def run_traced(
    stack: Stack, inputs: Tensor, state: State, weights: list[Tensor], lengths: Tensor | None
) -> tuple[Tensor, State, Trace] | None:
    """Run a recurrent layer by the kernels and keep what they computed; its weights get no gradient.

    Args: as for `kernels.run`.

    Returns:
        The outputs and the final state as from `kernels.run`, and the trace; None where the kernels cannot run this,
        and where dropout acts.
    """
    random = stack.active_dropout > 0 or stack.active_recurrent_dropout > 0
    if random or not is_available() or not can_fuse(stack, inputs, state, weights):
        return None
    settings = (native.KINDS[stack.kind], stack.num_layers, stack.bidirectional, stack.bias, 0.0, 0.0)
    c0 = state[1] if stack.kind == "lstm" else None
    trace = Trace(Call(inputs, state[0], c0, weights, lengths, None, *settings))
    outputs, *final = _Traced.apply(trace, inputs, state[0], c0)  # type: ignore[no-untyped-call]
    return outputs, tuple(final), trace


class _Traced(torch.autograd.Function):
    """As `operators.Recurrent`, but for the weights' gradients, and it tells its trace of both passes."""

    @staticmethod
    def forward(ctx: Any, trace: Trace, *_tensors: Tensor | None) -> Any:
        """Run over time; the tensors are x, h0 and c0 of the trace's call, named here for their gradients."""
        y, hn, cn, saved = run_forward(trace.call, True)
        assert saved is not None
        trace.saved = saved
        ctx.trace = trace
        ctx.set_materialize_grads(False)
        return (y, hn) if cn is None else (y, hn, cn)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> Any:
        """Run back over time."""
        trace, norms = ctx.trace, ctx.trace.room()
        dy, dhn, dcn = (*gradients, None)[:3]
        wanted = (*ctx.needs_input_grad[1:], False)
        results = run_backward(trace.call, trace.saved, (dy, dhn, dcn), wanted, norms)
        trace.note(norms)
        return (None, *results[:3])


def _round_up(number: int, unit: int) -> int:
    return -(-number // unit) * unit
