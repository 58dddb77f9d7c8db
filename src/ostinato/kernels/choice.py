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

    plain = stack.weights_per_scan == (4 if stack.bias else 2)
    tensors = (inputs, *state, *weights)
    return (
        plain
        and all(each.dtype == torch.float32 and each.device.type == "cpu" for each in tensors)
        and not torch.is_autocast_enabled("cpu")
    )
