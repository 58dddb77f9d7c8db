"""The Jacobian of the state over time: singular values of its products and Lyapunov exponents."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ostinato.nn.cells import Cell, State
from ostinato.train.diagnosis.scan import Scan

Values = NDArray[np.float64]

ROWS = 2
"""Rows of a batch whose Jacobians are followed at most."""
WORK = 2e9
"""Multiplications that one layer may cost; large states are followed over fewer rows and steps."""
FEWEST_STEPS = 8


@dataclass(frozen=True)
class JacobianReading:
    """What the recurrence does to a small change of the state.

    Attributes:
        lags: steps that the products below go over.
        largest: (lags,) largest singular value of the product of so many Jacobians, mean over rows.
        median: (lags,) the singular value in the middle.
        lyapunov: largest Lyapunov exponent in nats a step, median over rows; minus infinity where a change is gone.
    """

    lags: tuple[int, ...]
    largest: Values
    median: Values
    lyapunov: float


def read_jacobians(scan: Scan) -> JacobianReading:
    """Read the recurrent Jacobians of a layer along the first rows of a batch.

    Args:
        scan: the recorded layer. Large layers are read over fewer rows and over the last steps alone.

    Returns:
        What they do over time.

    References:
        Pascanu, Mikolov and Bengio (2013), section 2, https://arxiv.org/abs/1211.5063, for the products; Benettin
        et al. (1980), Meccanica 15, for the exponent by QR decompositions; Engelken, Wolf and Abbott (2023),
        https://arxiv.org/abs/2006.02427, for recurrent networks.
    """
    lengths, order = torch.sort(scan.lengths, descending=True, stable=True)
    size = sum(part.size(1) for part in scan.start)
    affordable = int(WORK / (8.0 * size**3))  # a Jacobian, its products and their decompositions
    steps = min(int(lengths[0]), max(FEWEST_STEPS, affordable))
    if steps == 0:
        return JacobianReading((), np.zeros(0), np.zeros(0), math.nan)
    rows = order[lengths >= steps][: max(1, min(ROWS, affordable // steps))].tolist()
    lags = doubling(steps)
    values, exponents = [], []
    for row in rows:
        jacobians = row_jacobians(scan, row, steps)
        values.append(product_singular_values(jacobians, lags))
        exponents.append(lyapunov(jacobians))
    mean = np.mean(np.exp(values), axis=0)  # (lags, size)
    return JacobianReading(lags, mean[:, 0], mean[:, size // 2], float(np.median(exponents)))


def step_jacobians(cell: Cell, inputs: Tensor, before: State) -> Tensor:
    """The derivative of the state after a step with respect to the state before it.

    Args:
        cell: the cell.
        inputs: (steps, features).
        before: parts (steps, hidden) of the state before each step.

    Returns:
        (steps, size, size), size the sum over the parts of the state; row i is the gradient of entry i.
    """
    size = sum(part.size(1) for part in before)
    at_once = max(1, 2**22 // (size * size * cell.gates))
    pieces = []
    for start in range(0, len(inputs), at_once):
        kept = slice(start, start + at_once)
        pieces.append(_step_jacobians(cell, inputs[kept], tuple(part[kept] for part in before)))
    return torch.cat(pieces)


def _step_jacobians(cell: Cell, inputs: Tensor, before: State) -> Tensor:
    """One copy of each step for every entry of the state, and one backward pass for all."""
    widths = [part.size(1) for part in before]
    size = sum(widths)
    state = torch.cat(before, dim=1).detach().repeat_interleave(size, dim=0).requires_grad_()
    with torch.enable_grad():
        _, parts = cell.step(inputs.repeat_interleave(size, dim=0), torch.split(state, widths, dim=1))
        after = torch.cat(parts, dim=1)  # (steps * size, size)
    entries = torch.eye(size, dtype=after.dtype, device=after.device).repeat(len(inputs), 1)
    (jacobians,) = torch.autograd.grad(after, state, entries)
    return jacobians.view(-1, size, size)


def product_singular_values(jacobians: Tensor, lags: tuple[int, ...]) -> Values:
    """Logarithms of the singular values of the product of the last Jacobians.

    Args:
        jacobians: (steps, size, size), by time.
        lags: how many of the last ones each product has, rising.

    Returns:
        (lags, size) natural logarithms, falling along the last axis; minus 700 at the lowest.
    """
    product = torch.eye(jacobians.size(1), dtype=jacobians.dtype, device=jacobians.device)
    scale, result = 0.0, []
    for lag in range(1, lags[-1] + 1):
        product = product @ jacobians[-lag]
        size = float(product.abs().max())
        if size == 0:
            scale = -math.inf
        else:
            product, scale = product / size, scale + math.log(size)
        if lag in lags:
            values = torch.linalg.svdvals(product).double().clamp(min=1e-300).log()
            result.append((values + scale).clamp(min=-700.0).cpu().numpy())
    return np.array(result)


def lyapunov(jacobians: Tensor) -> float:
    """The largest Lyapunov exponent along a row: the mean growth of a change that keeps its direction of growth.

    Args:
        jacobians: (steps, size, size), by time. They are passed twice: the first time only turns the directions.

    Returns:
        Nats a step; minus infinity where a change is gone at once.
    """
    size = jacobians.size(1)
    directions = min(size, 8)
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(size, directions, generator=generator, dtype=torch.float64)
    basis = torch.linalg.qr(start)[0].to(jacobians)
    growth = torch.zeros(directions, dtype=torch.float64)
    for measured in (False, True):
        for jacobian in jacobians:
            basis, triangle = torch.linalg.qr(jacobian @ basis)
            if measured:
                growth += triangle.diagonal().abs().double().log().cpu()
    return float(growth.max()) / len(jacobians)


def row_jacobians(scan: Scan, row: int, steps: int) -> Tensor:
    """The Jacobians of the last steps of one row in the order they ran: (steps, size, size)."""
    length = int(scan.lengths[row])
    places = torch.arange(length, device=scan.lengths.device)
    places = (places.flip(0) if scan.reverse else places)[-steps:]
    before = tuple(part[row, places] for part in scan.before())
    return step_jacobians(scan.cell, scan.inputs[row, places], before)


def doubling(most: int) -> tuple[int, ...]:
    """Numbers that double from 1, and the most itself.

    Examples:
        >>> doubling(12)
        (1, 2, 4, 8, 12)
    """
    return (*(2**power for power in range(most.bit_length()) if 2**power < most), most) if most > 0 else ()
