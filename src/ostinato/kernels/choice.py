"""When the fused kernels run, and when torch's own operators do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostinato.kernels.stack import Stack

if TYPE_CHECKING:
    from torch import Tensor

    from ostinato.kernels.stack import State


def can_fuse(stack: Stack, inputs: Tensor, state: State, weights: list[Tensor]) -> bool:
    """Say whether the kernels can compute this: float32 on the CPU, without a projection or autocast."""
    import torch

    if stack.weights_per_scan != (4 if stack.bias else 2) or torch.is_autocast_enabled("cpu"):
        return False
    single = torch.float32
    for each in (inputs, *state, *weights):  # noqa: SIM110  # a generator would take twice as long
        if each.dtype is not single or not each.is_cpu:
            return False
    return True


def needs_gradients(inputs: Tensor, state: State, weights: list[Tensor]) -> bool:
    """Say whether the backward pass may be asked for."""
    import torch

    return torch.is_grad_enabled() and any(each.requires_grad for each in (*weights, inputs, *state))


def is_faster(kind: str, batch: int, time: int, hidden: int, training: bool) -> bool:
    """Say whether the kernels were measured to be at least as fast as torch's operator on such a batch.

    `benchmarks/kernels.py --only small` measures where the limits lie. On a step or two the work is done in less time
    than it takes to call and, when training, to pack the weights. One or two long rows of a wide LSTM are mostly a
    reading of the weights, which torch divides among its threads.
    """
    if kind == "lstm":
        reads_weights = batch < 3 and time > 16 and hidden >= 200
        return not (reads_weights or (training and time == 1 and batch * hidden > 40_000))
    if kind == "gru":
        return time > 1 or hidden < 128 or not training
    if time == 1:
        return batch >= 16 and not training
    return time > 2 or (batch >= 16 if training else batch > 1)
