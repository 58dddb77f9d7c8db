"""Which path computes a recurrent layer, and the call of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ostinato.kernels import library as libraries
from ostinato.kernels import native
from ostinato.kernels.choice import can_fuse, is_faster, needs_gradients
from ostinato.kernels.stack import Stack
from ostinato.kernels.torch_path import run_torch

if TYPE_CHECKING:
    from torch import Tensor

    from ostinato.kernels.stack import State

    Run = Callable[[Stack, Tensor, State, list[Tensor], Tensor | None], tuple[Tensor, State]]


def run(
    stack: Stack, inputs: Tensor, state: State, weights: list[Tensor], lengths: Tensor | None
) -> tuple[Tensor, State]:
    """Run a recurrent layer over time on the fastest path there is for these tensors.

    Args:
        stack: What the layer is made of.
        inputs: `(batch, time, features)`, with at least one row and one step.
        state: One tensor `(num_layers * directions, batch, hidden)` for each part of the state.
        weights: The weights of each layer and direction in torch's order: `weight_ih, weight_hh, bias_ih,
            bias_hh` and, for an LSTM with a projection, `weight_hr`.
        lengths: `(batch,)` real steps of each row, or None where every step is real.

    Returns:
        The outputs `(batch, time, directions * hidden)`, 0 at padding, and the state after each row's last
        real step.
    """
    from ostinato.kernels import operators

    if operators.is_available() and can_fuse(stack, inputs, state, weights):
        keep = needs_gradients(inputs, state, weights)
        if is_faster(stack.kind, inputs.size(0), inputs.size(1), state[0].size(2), keep):
            return _run_fused(stack, inputs, state, weights, lengths, keep)
    return _run_by_torch(stack, inputs, state, weights, lengths)


def _run_by_torch(
    stack: Stack, inputs: Tensor, state: State, weights: list[Tensor], lengths: Tensor | None
) -> tuple[Tensor, State]:
    """Run torch's operator; torch.compile must not unroll it over time, as it does not torch.nn's."""
    import torch

    if torch.compiler.is_dynamo_compiling():
        run: Run = torch.compiler.disable(run_torch)  # type: ignore[no-untyped-call]
        return run(stack, inputs, state, weights, lengths)
    return run_torch(stack, inputs, state, weights, lengths)


def _run_fused(
    stack: Stack, inputs: Tensor, state: State, weights: list[Tensor], lengths: Tensor | None, keep: bool
) -> tuple[Tensor, State]:
    """Call the operator where the call is traced, otherwise the kernels with less around them."""
    import torch

    from ostinato.kernels import operators

    c0 = state[1] if stack.kind == "lstm" else None
    dropout, recurrent_dropout = stack.active_dropout, stack.active_recurrent_dropout
    seed = torch.randint(2**62, (1,)) if dropout > 0 or recurrent_dropout > 0 else None
    settings = (
        native.KINDS[stack.kind],
        stack.num_layers,
        stack.bidirectional,
        stack.bias,
        dropout,
        recurrent_dropout,
    )
    if torch.compiler.is_compiling() or type(inputs) is not torch.Tensor:
        y, hn, cn, _ = torch.ops.ostinato.recurrent(
            inputs, state[0], c0, weights, lengths, seed, *settings, keep
        )
        return y, (hn,) if c0 is None else (hn, cn)
    if keep:
        y, *final = operators.differentiable(inputs, state[0], c0, lengths, seed, *settings, *weights)
        return y, tuple(final)
    call = operators.Call(inputs, state[0], c0, weights, lengths, seed, *settings)
    y, hn, cn, _ = operators.run_forward(call, False)
    return y, (hn,) if cn is None else (hn, cn)


def info() -> dict[str, object]:
    """Say which path runs recurrent layers on the CPU.

    Returns:
        `path` (`"fused"` or `"torch"`), `isa` and `library` (None on torch's path), `available` instruction
        sets, `threads`, and `compiler`: a sentence on whether kernels were built at installation.
    """
    import torch

    library = libraries.load()
    available = libraries.available()
    return {
        "path": "torch" if library is None else "fused",
        "isa": None if library is None else library.isa,
        "library": None if library is None else str(library.path),
        "available": list(available),
        "threads": libraries.threads_wanted(torch.get_num_threads()),
        "compiler": "kernels were built at installation"
        if available
        else "no kernels were built at installation, for want of a C++ compiler; torch's operators run",
    }
