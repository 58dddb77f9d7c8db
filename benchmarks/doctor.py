"""Does the doctor name what is wrong? Planted faults and healthy networks, and the cost of watching.

    python benchmarks/doctor.py [--seeds 0 1 2] [--show] [--cost]

Every case is a small network with one fault planted, or none. It counts as found where the first finding has the
expected name, and a healthy one where there is no finding at all. The thresholds were set on the seeds 100 to 102;
results/doctor.json is about the seeds 0 to 2.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from machine import describe
from torch import Tensor, nn

from ostinato.data.batch import Batch, Batches
from ostinato.nn import GRU, LSTM, RNN, losses
from ostinato.tasks.doctor import diagnose
from ostinato.train.config import TrainConfig
from ostinato.train.diagnosis.diagnosis import Diagnosis
from ostinato.train.diagnosis.reading import read_gradients
from ostinato.train.diagnosis.watch import TrainingWatch
from ostinato.train.loop import fit

RESULTS = Path(__file__).parent / "results" / "doctor.json"
HIDDEN, STEPS, FEATURES = 32, 40, 3
RATE = 3e-3
DIAGNOSED = 100
"""Updates between two whole diagnoses where their cost is measured."""
TRAININGS = {"LSTM(32), 40 steps": (32, 40), "LSTM(128), 100 steps": (128, 100)}
"""Trainings that are watched, in batches of 32 rows: units and steps."""
WATCHED, REPEATS = 100, 7
"""Updates of each, and how often it is run with and without a watch."""


class Network(nn.Module):
    """A recurrent layer and a linear output from its last step, or from every step."""

    def __init__(self, layer: nn.Module, every_step: bool = False, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.recurrent = layer
        self.head = nn.Linear(hidden, 1)
        self.every_step = every_step

    def forward(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Return the output and the state."""
        outputs, state = self.recurrent(inputs, state)
        output: Tensor = self.head(outputs if self.every_step else outputs[:, -1]).squeeze(-1)
        return output, state


def noise(seed: int, *, scale: float = 1.0, rows: int = 32) -> Tensor:
    """Inputs without any structure: (rows, steps, features)."""
    return scale * torch.randn(rows, STEPS, FEATURES, generator=torch.Generator().manual_seed(seed + 1000))


def waves(seed: int, rows: int = 128) -> Batch:
    """Noisy waves of period 12 and their next value."""
    generator = torch.Generator().manual_seed(seed + 2000)
    phase = 6.28 * torch.rand(rows, 1, generator=generator)
    times = torch.arange(STEPS + 1) * 6.28 / 12
    series = torch.sin(times + phase) + 0.2 * torch.randn(rows, STEPS + 1, generator=generator)
    return Batch(series[:, :-1, None], series[:, -1])


def echo(seed: int, lag: int, rows: int = 64) -> Batch:
    """Random signs and what they were `lag` steps before, one target a step."""
    generator = torch.Generator().manual_seed(seed + 3000)
    signs = torch.randint(0, 2, (rows, STEPS), generator=generator) * 2.0 - 1
    targets = torch.roll(signs, lag, dims=1)
    mask = (torch.arange(STEPS) >= lag).expand(rows, STEPS)
    return Batch(signs[..., None], targets, mask)


def simple(radius: float, *, orthogonal: bool) -> RNN:
    """A tanh layer whose recurrent weights have this spectral radius."""
    layer = RNN(FEATURES, HIDDEN, batch_first=True)
    with torch.no_grad():
        weight = nn.init.orthogonal_(layer.weight_hh_l0) if orthogonal else layer.weight_hh_l0.normal_()
        weight *= radius / torch.linalg.eigvals(weight).abs().max()
    return layer


def gated(kind: type[LSTM] | type[GRU], gate: int, bias: float, features: int = FEATURES) -> nn.Module:
    """An LSTM or GRU with a bias planted in one of its gates."""
    layer = kind(features, HIDDEN, batch_first=True)
    with torch.no_grad():
        layer.bias_ih_l0[gate * HIDDEN : (gate + 1) * HIDDEN] += bias
    return layer


def rectified(bias: float, scale: float = 1.0) -> RNN:
    """A ReLU layer that starts at a multiple of the identity, with a bias on every unit."""
    layer = RNN(FEATURES, HIDDEN, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        nn.init.eye_(layer.weight_hh_l0).mul_(scale)
        layer.weight_ih_l0.mul_(0.3)
        layer.bias_ih_l0.fill_(bias)
        layer.bias_hh_l0.zero_()
    return layer


def untrained(layer: nn.Module, seed: int, **options: Any) -> Diagnosis:
    """The diagnosis of a network before training, on noise."""
    return diagnose(Network(layer), noise(seed, **options))


def silent(seed: int) -> Diagnosis:
    """A network whose output layer starts at zero."""
    network = Network(gated(LSTM, 1, 1.0))
    nn.init.zeros_(network.head.weight)
    return diagnose(network, (noise(seed), torch.ones(32)), loss=_squared_error)


def _squared_error(model: nn.Module, examples: Any) -> Tensor:
    inputs, targets = (examples.inputs, examples.targets) if isinstance(examples, Batch) else examples
    return losses.mse(model(inputs)[0], targets)


def trained(layer: nn.Module, seed: int, data: Batch | None = None, **settings: Any) -> Diagnosis:
    """The diagnosis after a short training that was watched."""
    data = waves(seed) if data is None else data
    network = Network(layer, every_step=data.mask is not None)
    config = TrainConfig(**{"epochs": 20, "learning_rate": RATE, "seed": seed} | settings)
    watch = TrainingWatch(config, every=2)

    def loss(batch: Batch, state: Any) -> tuple[Tensor, Any]:
        output, state = network(batch.inputs, state)
        return losses.mse(output, batch.targets, batch.mask), state

    fit(network, Batches(data, batch_size=32, seed=seed), loss=loss, config=config, watchers=[watch])
    return diagnose(network, data, lambda _, batch: loss(batch, None)[0], watch=watch)


def remembering(kind: type[LSTM] | type[GRU]) -> nn.Module:
    """A layer whose gates keep the past at first."""
    return gated(kind, 1, 1.0, features=1)


CASES: dict[str, tuple[str | None, Callable[[int], Diagnosis]]] = {
    "tanh, radius 0.5, orthogonal": ("vanishing", lambda s: untrained(simple(0.5, orthogonal=True), s)),
    "tanh, radius 0.5, Gaussian": ("vanishing", lambda s: untrained(simple(0.5, orthogonal=False), s)),
    "LSTM, forget bias -1": ("vanishing", lambda s: untrained(gated(LSTM, 1, -1.0), s)),
    "GRU, update bias -1": ("vanishing", lambda s: untrained(gated(GRU, 1, -1.0), s)),
    "tanh, radius 1.5, orthogonal": ("exploding", lambda s: untrained(simple(1.5, orthogonal=True), s)),
    "tanh, radius 1.5, small inputs": (
        "exploding",
        lambda s: untrained(simple(1.5, orthogonal=True), s, scale=0.1),
    ),
    "ReLU, identity times 1.2": ("exploding", lambda s: untrained(rectified(0.0, scale=1.2), s, scale=0.1)),
    "LSTM, forget bias -5": ("saturation", lambda s: untrained(gated(LSTM, 1, -5.0), s)),
    "LSTM, input bias -6": ("saturation", lambda s: untrained(gated(LSTM, 0, -6.0), s)),
    "GRU, update bias +6": ("saturation", lambda s: untrained(gated(GRU, 1, 6.0), s)),
    "tanh, inputs of size 100": (
        "saturation",
        lambda s: untrained(simple(0.9, orthogonal=True), s, scale=100.0),
    ),
    "ReLU, biases -5": ("dead units", lambda s: untrained(rectified(-5.0), s)),
    "LSTM, silent output": ("no gradient", silent),
    "LSTM, learning rate x100": (
        "learning rate too high",
        lambda s: trained(remembering(LSTM), s, learning_rate=100 * RATE),
    ),
    "GRU, learning rate x100": (
        "learning rate too high",
        lambda s: trained(remembering(GRU), s, learning_rate=100 * RATE),
    ),
    "LSTM, learning rate /1000": (
        "learning rate too low",
        lambda s: trained(remembering(LSTM), s, learning_rate=RATE / 1000),
    ),
    "GRU, learning rate /1000": (
        "learning rate too low",
        lambda s: trained(remembering(GRU), s, learning_rate=RATE / 1000),
    ),
    "echo of 15 steps, truncation 5": (
        "truncation too short",
        lambda s: trained(remembering(LSTM), s, echo(s, 15), tbptt=(5, 5)),
    ),
    "echo of 8 steps, truncation 4": (
        "truncation too short",
        lambda s: trained(remembering(GRU), s, echo(s, 8), tbptt=(4, 4)),
    ),
    "LSTM, clipping at 0.001": ("too much clipping", lambda s: trained(remembering(LSTM), s, clip_norm=1e-3)),
    "GRU, clipping at 0.001, SGD": (
        "too much clipping",
        lambda s: trained(remembering(GRU), s, clip_norm=1e-3, optimizer="sgd", learning_rate=0.1),
    ),
    "tanh, radius 1, orthogonal": (None, lambda s: untrained(simple(1.0, orthogonal=True), s)),
    "tanh, radius 1, Gaussian": (None, lambda s: untrained(simple(1.0, orthogonal=False), s, scale=0.3)),
    "LSTM, forget bias +1": (None, lambda s: untrained(gated(LSTM, 1, 1.0), s)),
    "GRU, update bias +1": (None, lambda s: untrained(gated(GRU, 1, 1.0), s)),
    "ReLU from the identity": (None, lambda s: untrained(rectified(0.0), s, scale=0.1)),
    "LSTM, trained on waves": (None, lambda s: trained(remembering(LSTM), s)),
    "GRU, trained on waves": (None, lambda s: trained(remembering(GRU), s)),
    "LSTM, trained by SGD": (
        None,
        lambda s: trained(remembering(LSTM), s, optimizer="sgd", learning_rate=0.05),
    ),
    "echo of 5 steps, truncation 10": (
        None,
        lambda s: trained(remembering(LSTM), s, echo(s, 5), tbptt=(10, 10)),
    ),
    "echo of 5 steps, no truncation": (None, lambda s: trained(remembering(GRU), s, echo(s, 5))),
}


def run(seeds: list[int], show: bool) -> dict[str, Any]:
    """Diagnose every case with every seed."""
    rows = []
    for name, (expected, make) in CASES.items():
        for seed in seeds:
            torch.manual_seed(seed)
            diagnosis = make(seed)
            found = [finding.name for finding in diagnosis.findings]
            right = found[:1] == ([] if expected is None else [expected])
            rows.append({"case": name, "seed": seed, "expected": expected, "found": found, "right": right})
            if show or not right:
                print(f"{name} (seed {seed}): expected {expected}")
                print("\n".join(["   " + line for line in diagnosis.to_text()]), diagnosis.watch)
    faulty = [row for row in rows if row["expected"] is not None]
    healthy = [row for row in rows if row["expected"] is None]
    return {
        "cases": len(rows),
        "faulty": len(faulty),
        "named_first": sum(row["right"] for row in faulty),
        "named_at_all": sum(row["expected"] in row["found"] for row in faulty),
        "healthy": len(healthy),
        "false_alarms": sum(not row["right"] for row in healthy),
        "rows": rows,
    }


def cost() -> dict[str, Any]:
    """What watching adds to a training, and the processor time of each thing that a watch or a diagnosis does."""
    torch.manual_seed(0)
    network = Network(remembering(LSTM))
    batch = waves(0, rows=32)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, fused=True)
    watch = TrainingWatch(TrainConfig())

    def update() -> None:
        optimizer.zero_grad()
        _squared_error(network, batch).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    seconds = {
        "update": _seconds(update, 200),
        "note": _seconds(lambda: watch.note(network, 1.0), 200),
        "memory": _seconds(lambda: read_gradients(network, batch, _squared_error), 100),
        "diagnosis": _seconds(lambda: diagnose(network, batch, _squared_error), 30),
    }
    return {
        "network": f"LSTM({HIDDEN}), {STEPS} steps, 32 rows",
        "milliseconds": {name: round(1000 * value, 3) for name, value in seconds.items()},
        "memory_every": watch.memory_every,
        "watched": {name: watched(name, *sizes) for name, sizes in TRAININGS.items()},
        f"diagnosis_every_{DIAGNOSED}_updates_adds": round(
            seconds["diagnosis"] / seconds["update"] / DIAGNOSED, 3
        ),
    }


def watched(name: str, hidden: int, steps: int) -> dict[str, Any]:
    """Processor time of a training that is watched, its memory followed, over that of the same training unwatched."""
    ratios = []
    for seed in range(REPEATS + 1):
        torch.manual_seed(seed)
        inputs = torch.randn(32 * WATCHED, steps, FEATURES)
        source = Batches(Batch(inputs, inputs[:, -5, 0]), batch_size=32, seed=seed)
        seconds = {}
        for seen in (False, True) if seed % 2 else (True, False):
            torch.manual_seed(seed)
            network = Network(LSTM(FEATURES, hidden, batch_first=True), hidden=hidden)
            config = TrainConfig(epochs=1, learning_rate=RATE)
            watch = TrainingWatch(config, loss=_squared_error)

            def loss(batch: Batch, state: Any, network: Network = network) -> tuple[Tensor, Any]:
                output, state = network(batch.inputs, state)
                return losses.mse(output, batch.targets, batch.mask), state

            began = time.process_time()
            fit(network, source, loss=loss, config=config, watchers=[watch] if seen else [])
            seconds[seen] = time.process_time() - began
            assert len(watch.sightings) == (WATCHED // watch.memory_every if seen else 0)
        ratios.append(seconds[True] / seconds[False])
    ratios = ratios[1:]  # the first run warms up
    print(name, [round(each, 3) for each in ratios])
    return {"ratios": [round(each, 3) for each in ratios], "adds": round(statistics.median(ratios) - 1, 3)}


def _seconds(work: Callable[[], Any], repeats: int) -> float:
    """The lower quartile of the processor time of some work."""
    found = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return statistics.quantiles(found, n=4)[0]


def main() -> None:
    """Run, print, and write the result of the reported seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--show", action="store_true", help="print every diagnosis")
    parser.add_argument("--cost", action="store_true", help="measure the cost of watching alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.cost:
        result = {**json.loads(RESULTS.read_text()), "cost": cost()}
        print(result["cost"])
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")
        return
    result = run(arguments.seeds, arguments.show)
    print({name: value for name, value in result.items() if name != "rows"})
    if arguments.seeds == [0, 1, 2]:
        result = {**describe(), "seeds": arguments.seeds, "cost": cost(), **result}
        print(result["cost"])
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
