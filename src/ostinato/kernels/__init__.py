"""Where a recurrent layer meets the kernels that compute it.

A layer calls `run` and nothing else. `run` decides which path computes the numbers: the fused kernels of
`csrc/` for float32 on the CPU, torch's own operators otherwise (cuDNN on CUDA). `docs/kernels.md` explains
how they work.

Torch is imported by the functions, so that importing this package is cheap.
"""

from ostinato.kernels.arrays import forward_numpy
from ostinato.kernels.library import set_num_threads
from ostinato.kernels.route import info, run
from ostinato.kernels.stack import Stack
from ostinato.kernels.stepper import Stepper
from ostinato.kernels.torch_path import scan_stack

__all__ = ["Stack", "Stepper", "forward_numpy", "info", "run", "scan_stack", "set_num_threads"]
