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


def is_faster(kind: str, batch: int, time: int, training: bool) -> bool:
    """Say whether the kernels were measured to be at least as fast as torch's operator on such a batch.

    `benchmarks/kernels.py --small` measures where the limits lie. On a step or two the work is done in less time
    than it takes to call and, when training, to pack the weights; torch's LSTM loses more time there still.
    """
    if kind == "lstm":
        return True
    if time == 1:
        return batch >= 16 and not training
    if training and kind != "gru":
        return time > 4 or batch >= 32
    return True
