"""The kernels of a processor that this machine does not have, cross-compiled and emulated."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from ostinato import kernels
from ostinato.kernels import native

HERE = Path(__file__).parent
CSRC = HERE.parents[1] / "csrc"
COMPILER, EMULATOR = shutil.which("aarch64-linux-gnu-g++"), shutil.which("qemu-aarch64")
FLAGS = ["-std=c++17", "-O2", "-ffp-contract=off", "-pthread", "-static", "-Wno-uninitialized", "-Wno-psabi"]
CASES = 40

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        COMPILER is None or EMULATOR is None, reason="no cross-compiler and emulator for aarch64"
    ),
]


@pytest.fixture(scope="module")
def neon(tmp_path_factory):
    """A program that runs the NEON kernels on cases."""
    program = tmp_path_factory.mktemp("neon") / "emulated"
    sources = [HERE / "emulated.cpp", CSRC / "isa_neon.cpp", CSRC / "threads.cpp"]
    subprocess.run([COMPILER, *FLAGS, f"-I{CSRC}", *sources, "-o", program], check=True)
    return program


def numbers(values):
    return np.asarray(values, dtype=np.int64).tobytes()


def floats(tensors):
    return b"".join(tensor.detach().numpy().astype(np.float32).tobytes() for tensor in tensors)


def question(case):
    """A case as the program reads it."""
    stack, (batch, time, features) = case.stack, case.inputs.shape
    sizes = [native.KINDS[stack.kind], batch, time, features, case.state[0].shape[2]]
    sizes += [stack.num_layers, 2 if stack.bidirectional else 1, int(stack.bias), 2]
    lengths = [0] if case.lengths is None else [1, *case.lengths.tolist()]
    return numbers([*sizes, *lengths]) + floats([case.inputs, *case.state, *case.weights, *case.above])


def test_neon_kernels_agree_with_float64(neon, make_case, relative_error):
    cases = [make_case(seed) for seed in range(CASES)]
    asked = numbers([CASES]) + b"".join(question(case) for case in cases)
    said = subprocess.run([EMULATOR, neon], input=asked, stdout=subprocess.PIPE, check=True).stdout
    answers = torch.from_numpy(np.frombuffer(said, dtype=np.float32).copy())
    errors = []
    for case in cases:
        outputs, gradients = case.cast(torch.float64).results(kernels.run)
        for exact in (*outputs, *gradients):
            answer, answers = answers[: exact.numel()], answers[exact.numel() :]
            if exact.norm() > 0:
                errors.append(relative_error(answer.reshape(exact.shape), exact))
    assert len(answers) == 0
    assert max(errors) < 1e-4  # sums that cancel
    assert np.quantile(errors, 0.99) < 2e-6
