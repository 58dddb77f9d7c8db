"""Shared by the tests of the kernels: layers and batches of many shapes, and how far numbers are from exact."""

import random
from dataclasses import dataclass

import pytest
import torch

from ostinato import kernels
from ostinato.kernels import library

KINDS = ("rnn_tanh", "rnn_relu", "lstm", "gru")
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}


@pytest.fixture(params=library.available() or [pytest.param("none", marks=pytest.mark.skip("no kernels"))])
def isa(request, monkeypatch):
    """Run the test on every instruction set that this machine has."""
    monkeypatch.setenv("OSTINATO_ISA", request.param)
    return request.param


@dataclass
class Case:
    """A recurrent layer with its batch, and the gradients that come from above."""

    stack: kernels.Stack
    inputs: torch.Tensor
    state: tuple
    weights: list
    lengths: torch.Tensor | None
    above: tuple

    def tensors(self):
        return [self.inputs, *self.state, *self.weights]

    def cast(self, dtype):
        """The same case in another type, with leaves that take gradients."""
        inputs, *rest = [each.detach().to(dtype).requires_grad_() for each in self.tensors()]
        parts = len(self.state)
        return Case(self.stack, inputs, tuple(rest[:parts]), rest[parts:], self.lengths, self.above)

    def results(self, run):
        """Outputs, final state, and the gradients of every tensor, from a function like `kernels.run`."""
        outputs, state = run(self.stack, self.inputs, self.state, self.weights, self.lengths)
        loss = sum((each * given).sum() for each, given in zip((outputs, *state), self.above, strict=True))
        gradients = torch.autograd.grad(loss, self.tensors(), allow_unused=True)
        pairs = zip(gradients, self.tensors(), strict=True)
        return [outputs.detach(), *(each.detach() for each in state)], [
            torch.zeros_like(tensor) if gradient is None else gradient for gradient, tensor in pairs
        ]


def _make_case(seed, **chosen):
    """A case with sizes drawn by the seed, unless they are given."""
    draw = random.Random(seed)
    torch.manual_seed(seed)
    sizes = {
        "kind": draw.choice(KINDS),
        "batch": draw.choice([1, 2, 3, 7, 16, 33, 70]),
        "time": draw.choice([1, 2, 3, 8, 21]),
        "features": draw.choice([1, 2, 5, 8, 16, 33]),
        "hidden": draw.choice([1, 3, 7, 8, 9, 16, 20, 24, 37, 40, 64, 72, 100]),
        "layers": draw.choice([1, 1, 2, 3]),
        "bidirectional": draw.random() < 0.4,
        "bias": draw.random() < 0.8,
        "padded": draw.random() < 0.4,
        "dropout": 0.0,
        "recurrent_dropout": 0.0,
    } | chosen
    kind, batch, time, hidden = sizes["kind"], sizes["batch"], sizes["time"], sizes["hidden"]
    directions = 2 if sizes["bidirectional"] else 1
    weights = []
    for layer in range(sizes["layers"]):
        below = sizes["features"] if layer == 0 else directions * hidden
        for _ in range(directions):
            rows, scale = GATES[kind] * hidden, (below + hidden) ** -0.5
            weights += [torch.randn(rows, below) * scale, torch.randn(rows, hidden) * scale]
            weights += [torch.randn(rows) * 0.3, torch.randn(rows) * 0.3] if sizes["bias"] else []
    parts, scans = 2 if kind == "lstm" else 1, sizes["layers"] * directions
    state = tuple(torch.randn(scans, batch, hidden) for _ in range(parts))
    lengths = torch.randint(0, time + 1, (batch,)) if sizes["padded"] else None
    above = (torch.randn(batch, time, directions * hidden), *(torch.randn_like(part) for part in state))
    stack = kernels.Stack(
        kind,
        sizes["layers"],
        sizes["bidirectional"],
        sizes["bias"],
        sizes["dropout"],
        True,
        4 if sizes["bias"] else 2,
        sizes["recurrent_dropout"],
    )
    return Case(stack, torch.randn(batch, time, sizes["features"]), state, weights, lengths, above)


def _relative_error(values, exact):
    """The norm of the difference over the norm of the exact values."""
    return ((values.double() - exact).norm() / exact.norm().clamp(min=1e-30)).item()


@pytest.fixture(autouse=True)
def _two_threads():
    """Let the kernels share their work on any machine."""
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


@pytest.fixture
def set_threads():
    """Let torch, and so the kernels, use a number of threads for the rest of the test."""
    return torch.set_num_threads


@pytest.fixture(autouse=True)
def _always_fused(monkeypatch):
    """Test the kernels on small shapes too, where torch's operator would be chosen for speed."""
    monkeypatch.setattr("ostinato.kernels.route.is_faster", lambda *_: True)


@pytest.fixture
def make_case():
    return _make_case


@pytest.fixture
def relative_error():
    return _relative_error
