"""From readings to findings: each with its evidence, a plain sentence and one change to try.

`docs/doctor.md` lists every threshold with its source. Rules of thumb in the literature are ranges; the numbers here
were set within them on planted faults with other seeds than those that `benchmarks/doctor.py` reports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ostinato.train.diagnosis.reading import LayerReading
from ostinato.train.diagnosis.watch import WatchSummary

FADED = 1e-4
"""Share of the gradient's largest norm that is left half-way through the batch, below which it has vanished."""
OUT_OF_REACH = 1e-2
"""The same at the lag that the data needs."""
KEEPING = 0.8
"""Mean of a forget or update gate from which on a cell is said to keep its past; at a bias of +1 it is 0.73."""
FEWEST_STEPS = 16
"""Batches shorter than this say nothing about chaos, nor about vanishing unless the lag that is needed is known."""
GROWTH = 10.0
"""Growth of the gradient over its lags, or of a change of the state over the batch, from which on gradients explode."""
STUCK = 0.8
"""Share of a gate's or a layer's values that are stuck, from which on it is called saturated."""
DEAD = 0.2
"""Share of dead units from which on they matter."""
CLIPPED, SHRUNK = 0.9, 0.1
"""Clipping is too much where it acts on this share of the updates and leaves less than this of the gradient."""
LARGE_UPDATE, LARGEST_UPDATE = 3e-2, 0.2
"""Size of the median and of the largest update over that of the weights, above which the learning rate is too high."""
SMALL_UPDATE = 1e-4
"""Size of the median update below which it is too low, where the loss stands still."""
FEWEST_UPDATES = 20
"""Updates that a watch must have seen before the learning rate is judged."""
STANDING = 0.95
"""Last loss over first from which on a training stands still."""


@dataclass(frozen=True)
class Finding:
    """Something wrong with a network or its training.

    Attributes:
        name: "learning rate too high", "exploding", "dead units", "saturation", "truncation too short", "vanishing",
            "too much clipping", "learning rate too low" or "no gradient".
        layer: where; None where it is about the training as a whole.
        evidence: the numbers it rests on.
        sentence: what they mean.
        change: one thing to try.
    """

    name: str
    layer: str | None
    evidence: str
    sentence: str
    change: str


@dataclass(frozen=True)
class Evidence:
    """All that the rules look at.

    Attributes:
        layers: what was read of each layer.
        needed: steps that the network should look back: a season, or the lag that the targets depend on; None where
            unknown.
        reason: why: "your season is 12", "your targets depend most on inputs 30 steps before".
        truncation: steps that gradients go back in training; None for all.
        watch: what was seen of the training; None where it was not watched.
    """

    layers: tuple[LayerReading, ...]
    needed: int | None = None
    reason: str = ""
    truncation: int | None = None
    watch: WatchSummary | None = None


def find(evidence: Evidence) -> tuple[Finding, ...]:
    """Everything that is wrong, ordered by the effect to expect from mending it.

    What hides or causes others comes first: updates that are too large and gradients that explode make every other
    reading meaningless, dead and saturated units and a short truncation make gradients vanish, and a learning rate
    that is too low only costs time.

    Args:
        evidence: the readings.

    Returns:
        The findings; none for a healthy network.
    """
    return tuple(finding for rule in RULES for finding in rule(evidence))


def _no_gradient(evidence: Evidence) -> Iterator[Finding]:
    if all(layer.gradients.memory is None for layer in evidence.layers):
        yield Finding(
            "no gradient",
            None,
            "the gradient of the loss with respect to every state is zero",
            "The loss does not depend on what the recurrent layers remember.",
            "Look for a detach, or an output layer whose weights are all zero, between the layers and the loss.",
        )


def _rate_too_high(evidence: Evidence) -> Iterator[Finding]:
    watch = evidence.watch
    if watch is None or watch.update_ratio is None or watch.largest_update is None:
        return
    if watch.update_ratio > LARGE_UPDATE or watch.largest_update > LARGEST_UPDATE:
        yield Finding(
            "learning rate too high",
            None,
            f"an update changes the weights by {watch.update_ratio:.2g} of their size, at most by "
            f"{watch.largest_update:.2g}; the loss went from {watch.first_loss:.3g} to {watch.last_loss:.3g}, "
            f"at worst {watch.worst_loss:.3g}",
            "The steps are so large that each undoes what the one before learned.",
            "Divide the learning rate by 10.",
        )


def _exploding(evidence: Evidence) -> Iterator[Finding]:
    for layer in _forwards(evidence):
        largest, exponent = layer.jacobians.largest, layer.jacobians.lyapunov
        by_lag = layer.gradients.by_lag
        grown = float(by_lag.max() / by_lag[:2].max()) if by_lag[:2].max() > 0 else 0.0
        long = (
            layer.steps >= FEWEST_STEPS and len(largest) > 0
        )  # at first a state of zero may grow whatever comes later
        chaotic = long and largest[-1] > GROWTH and exponent > 0 and layer.gradients.factor >= 1
        if chaotic or grown > GROWTH:
            yield Finding(
                "exploding",
                layer.name,
                f"the gradient grows {grown:.3g} times on its way back; a change of the state grows up to "
                f"{largest[-1]:.3g} times over {layer.jacobians.lags[-1]} steps (Lyapunov exponent {exponent:+.3f})",
                "Gradients explode: the further back a step lies, the more it pulls, and training jumps about.",
                "Draw the recurrent weights orthogonal with a spectral radius of 1 "
                "(torch.nn.init.orthogonal_), and clip the norm of the gradient to 1."
                + (
                    ""
                    if layer.units.spectral_radius is None
                    else f" It is {layer.units.spectral_radius:.2f} now."
                ),
            )


def _dead(evidence: Evidence) -> Iterator[Finding]:
    for layer in evidence.layers:
        if layer.units.dead >= DEAD:
            yield Finding(
                "dead units",
                layer.name,
                f"{layer.units.dead:.0%} of {layer.hidden_size} units give the same output at every step of every row",
                "These units carry nothing and learn nothing.",
                "Start again with the recurrent weights at the identity and the biases at zero, and a smaller "
                "learning rate; or use tanh.",
            )


def _saturated(evidence: Evidence) -> Iterator[Finding]:
    for layer in evidence.layers:
        for gate in layer.units.gates:
            yield from _stuck_gate(layer, gate.name, gate.shut, gate.open)
        if layer.units.saturated >= STUCK:
            yield Finding(
                "saturation",
                layer.name,
                f"{layer.units.saturated:.0%} of the outputs are beyond 0.97 in absolute value",
                "The units are driven so hard that they answer yes or no to everything, and pass no gradient.",
                "Scale the inputs to a standard deviation of 1, or draw smaller weights.",
            )


def _stuck_gate(layer: LayerReading, gate: str, shut: float, opened: float) -> Iterator[Finding]:
    """A gate that is shut, or an update gate that lets nothing in."""
    words = {
        "forget": ("The cell forgets everything at each step.", "Set the bias of the forget gate to +1."),
        "input": ("Nothing is written into the cell.", "Set the bias of the input gate to 0."),
        "output": ("The cell shows nothing of what it holds.", "Set the bias of the output gate to 0."),
        "update": ("The layer forgets everything at each step.", "Set the bias of the update gate to +1."),
    }
    if gate in words and shut >= STUCK:
        sentence, change = words[gate]
        evidence = f"the {gate} gate is below 0.1 for {shut:.0%} of units and steps"
        yield Finding("saturation", layer.name, evidence, sentence, change)
    if gate == "update" and opened >= STUCK:
        evidence = f"the update gate is above 0.9 for {opened:.0%} of units and steps"
        sentence = "The layer keeps its state and takes in next to nothing."
        yield Finding("saturation", layer.name, evidence, sentence, "Set the bias of the update gate to +1.")


def _truncated(evidence: Evidence) -> Iterator[Finding]:
    back, needed = evidence.truncation, evidence.needed
    if back is not None and needed is not None and back <= needed:
        yield Finding(
            "truncation too short",
            None,
            f"gradients go back {back} steps; {evidence.reason}",
            "What happened longer ago can be carried by the state but never be learned to matter.",
            f"Use tbptt=({back}, {-(-(needed + 1) // back) * back}) or longer.",
        )


def _vanishing(evidence: Evidence) -> Iterator[Finding]:
    memories = [layer.gradients.memory for layer in _forwards(evidence)]
    longest = max((memory for memory in memories if memory is not None), default=None)
    for layer in _forwards(evidence):
        by_lag, needed = layer.gradients.by_lag, evidence.needed
        if longest is None or layer.gradients.memory is None:
            continue
        peak = by_lag.max()
        if needed is not None:
            # A lag beyond the batch cannot be judged from it.
            faded = needed < len(by_lag) and longest <= needed and by_lag[needed] < OUT_OF_REACH * peak
            where, reason = needed, f"; {evidence.reason}"
        else:
            where, reason = len(by_lag) // 2, ""
            faded = len(by_lag) >= FEWEST_STEPS and by_lag[where] < FADED * peak and not _keeps(layer)
        if faded:
            yield Finding(
                "vanishing",
                layer.name,
                f"{by_lag[where] / peak:.1e} of the gradient is left after {where} steps, "
                f"{layer.gradients.factor:.2f} times as much at each; its memory is "
                f"{layer.gradients.memory}{reason}",
                "Gradients vanish: what lies further back cannot be learned.",
                _reach_further(layer),
            )


def _keeps(layer: LayerReading) -> bool:
    """Whether the gate that keeps the past is open: then a short memory is what was learned, not what cannot be."""
    return any(gate.name in ("forget", "update") and gate.mean >= KEEPING for gate in layer.units.gates)


def _reach_further(layer: LayerReading) -> str:
    """The change that lengthens the memory of a kind of cell."""
    changes = {
        "LSTM": "Set the bias of the forget gate to +1 or more before training.",
        "GRU": "Set the bias of the update gate to +1 or more before training.",
    }
    radius = layer.units.spectral_radius
    start = "Use an LSTM or a GRU; or draw the recurrent weights orthogonal (torch.nn.init.orthogonal_)"
    return changes.get(
        layer.cell, f"{start}." if radius is None else f"{start}: their radius is {radius:.2f}."
    )


def _clipped(evidence: Evidence) -> Iterator[Finding]:
    watch = evidence.watch
    if watch is None or watch.clipped is None or watch.shrunk is None:
        return
    if watch.clipped >= CLIPPED and watch.shrunk <= SHRUNK:
        yield Finding(
            "too much clipping",
            None,
            f"{watch.clipped:.0%} of the updates were clipped, to {watch.shrunk:.2g} of their gradient; "
            f"its median norm is {watch.gradient_norm:.3g}",
            "Clipping is meant for rare peaks; here it sets the size of every step.",
            f"Set clip_norm to {2 * watch.gradient_norm:.1g}, twice the median norm.",
        )


def _rate_too_low(evidence: Evidence) -> Iterator[Finding]:
    watch = evidence.watch
    if watch is None or watch.update_ratio is None or watch.updates < FEWEST_UPDATES:
        return
    if watch.update_ratio < SMALL_UPDATE and watch.last_loss > STANDING * watch.first_loss > 0:
        yield Finding(
            "learning rate too low",
            None,
            f"an update changes the weights by {watch.update_ratio:.2g} of their size; the loss went from "
            f"{watch.first_loss:.3g} to {watch.last_loss:.3g} in {watch.updates} updates",
            "The weights hardly move.",
            "Multiply the learning rate by 10.",
        )


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    _no_gradient,
    _rate_too_high,
    _exploding,
    _dead,
    _saturated,
    _truncated,
    _vanishing,
    _clipped,
    _rate_too_low,
)
"""The rules, by the effect to expect from mending what they find."""


def _forwards(evidence: Evidence) -> Iterator[LayerReading]:
    """The layers that run forwards; what a backward one remembers of the future depends on where the loss looks."""
    return (layer for layer in evidence.layers if not layer.name.endswith(".reverse"))
