"""Gates and units: what is stuck open or shut, dead or saturated, and how large the weights are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ostinato.nn.cells import Cell, GRUCell, LSTMCell, RNNCell
from ostinato.train.diagnosis.scan import Scan

SHUT, OPEN = 0.1, 0.9
"""A gate below the one is as good as shut, above the other as good as open (Karpathy et al. 2015, section 4.2)."""
SATURATED = 0.97
"""A hyperbolic tangent beyond this passes less than 6 % of a gradient."""
STILL = 1e-6
"""A unit whose output varies less than this over all rows and steps carries nothing."""

GATES: dict[type[Cell], tuple[tuple[str, int], ...]] = {
    LSTMCell: (("input", 0), ("forget", 1), ("output", 3)),
    GRUCell: (("reset", 0), ("update", 1)),
}
"""The sigmoid gates of a cell and their places among its sums."""


@dataclass(frozen=True)
class GateReading:
    """One gate of a layer over all rows, steps and units.

    Attributes:
        name: "input", "forget", "output", "reset" or "update" (z, the share of the past that stays).
        shut: share of its values below 0.1.
        open: share above 0.9.
        mean: its mean.
    """

    name: str
    shut: float
    open: float
    mean: float


@dataclass(frozen=True)
class UnitReading:
    """The units and recurrent weights of a layer.

    Attributes:
        gates: its gates; none for a simple recurrent layer.
        dead: share of the units whose output never changes.
        saturated: share of the outputs of a tanh layer beyond 0.97 in absolute value; 0 for other layers.
        weight_norm: Frobenius norm of the recurrent weights; None for a cell without any.
        spectral_radius: largest absolute eigenvalue of the recurrent weights; None where they are not square.
    """

    gates: tuple[GateReading, ...]
    dead: float
    saturated: float
    weight_norm: float | None
    spectral_radius: float | None


@torch.no_grad()
def read_units(scan: Scan) -> UnitReading:
    """Read the gates, units and weights of a recorded layer over its real steps."""
    real = scan.real
    h = scan.after()[0][real]  # (real steps, hidden)
    gates = tuple(
        GateReading(
            name,
            float((values < SHUT).double().mean()),
            float((values > OPEN).double().mean()),
            float(values.double().mean()),
        )
        for name, values in ((name, gate[real]) for name, gate in gate_values(scan).items())
    )
    still = (h.amax(dim=0) - h.amin(dim=0)) < STILL if len(h) else torch.zeros(h.size(1), dtype=torch.bool)
    simple = isinstance(scan.cell, RNNCell) and scan.cell.nonlinearity == "tanh"
    weight: Tensor | None = getattr(scan.cell, "weight_hh", None)  # a minimal gated unit has none
    return UnitReading(
        gates,
        float(still.double().mean()),
        float((h.abs() > SATURATED).double().mean()) if simple and len(h) else 0.0,
        None if weight is None else float(torch.linalg.vector_norm(weight.double())),
        spectral_radius(weight) if weight is not None and weight.size(0) == weight.size(1) else None,
    )


def gate_values(scan: Scan) -> dict[str, Tensor]:
    """The values of the sigmoid gates, (batch, time, hidden) by name; none for a cell without them."""
    places = GATES.get(type(scan.cell), ())
    if not places:
        return {}
    h = scan.before()[0]
    sums = scan.cell.input_part(scan.inputs) + scan.cell.hidden_part(h)  # (batch, time, gates * hidden)
    blocks = sums.detach().chunk(scan.cell.gates, dim=2)
    return {name: blocks[place].sigmoid() for name, place in places}


def spectral_radius(weight: Tensor) -> float:
    """The largest absolute eigenvalue of a square matrix.

    Examples:
        >>> spectral_radius(torch.diag(torch.tensor([0.5, -2.0])))
        2.0
    """
    return float(torch.linalg.eigvals(weight.detach().double()).abs().max())
