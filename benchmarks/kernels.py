"""Measure the fused kernels beside torch's operators: speed, share of the machine, accuracy.

    python benchmarks/kernels.py                              everything, about fifteen minutes
    python benchmarks/kernels.py --only speed --kind lstm     one part: speed, small, threads, fit or accuracy
    python benchmarks/kernels.py --repeats 9                  more pairs

Both run in one process and take turns, so that a busy minute hits both; the ratio is the median over the pairs. Before
each measured call the same call is made once without the clock, as in a training loop or a service, where the same
model ran a moment ago: what is measured is not how far the other one has emptied the caches. On a busy machine torch's
threads wait for each other at every step, which flatters us; so the ratio of the best times of each is given beside it.
The peak is that of torch's matrix product, measured between the pairs. Results go to benchmarks/results/kernels.json,
part by part; of the parts speed, small and threads also kind by kind.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import torch
from torch import Tensor

from ostinato import kernels, nn
from ostinato.kernels import route

RESULTS = Path(__file__).parent / "results" / "kernels.json"
# Batch, time, features, hidden, layers.
SHAPES = (
    (32, 12, 1, 128, 2),
    (32, 100, 32, 128, 1),
    (256, 50, 32, 64, 2),
    (512, 72, 8, 40, 2),
    (32, 35, 200, 200, 2),
    (1024, 60, 4, 128, 2),
    (32, 400, 64, 512, 1),
)
SMALL = tuple(
    (batch, time, 8, hidden, 1)
    for hidden in (32, 128, 512)
    for batch, time in (
        (1, 1),
        (1, 2),
        (1, 4),
        (1, 16),
        (1, 100),
        (4, 1),
        (4, 100),
        (16, 1),
        (32, 1),
        (32, 4),
        (256, 1),
    )
)
LAYERS = {"lstm": (nn.LSTM, torch.nn.LSTM), "gru": (nn.GRU, torch.nn.GRU), "rnn": (nn.RNN, torch.nn.RNN)}
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
TARGETS = {"lstm": (1.6, 2.0), "gru": (3.0, 3.6), "rnn": (3.0, 3.0)}


def main() -> None:
    """Run the parts and write the results of each as it ends."""
    parts = {"speed": speed, "small": small, "threads": threads, "fit": fit, "accuracy": accuracy}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=parts, action="append")
    parser.add_argument("--kind", choices=LAYERS, action="append")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(2)
    for name in options.only or parts:
        result = parts[name](options.repeats, options.kind or list(LAYERS))
        known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        if "shapes" in result:
            others = known.get(name, {}).get("shapes", [])
            result["shapes"] += [row for row in others if row["kind"] not in (options.kind or LAYERS)]
            result |= SUMMARIES[name](result["shapes"]) if name in SUMMARIES else {}
        known[name] = {"machine": machine.describe(), "kernels": kernels.info(), **result}
        known[name]["kernels"].pop("library")
        RESULTS.write_text(json.dumps(known, indent=1) + "\n")


def speed(repeats: int, kinds: list[str]) -> dict[str, Any]:
    """The seven shapes, forward and training, against torch and against the peak."""
    return {"shapes": [_compare(kind, shape, repeats) for kind in kinds for shape in SHAPES]}


def _with_means(rows: list[dict[str, Any]]) -> dict[str, Any]:
    means = {}
    for kind in {row["kind"]: None for row in rows}:
        own = [row for row in rows if row["kind"] == kind]
        narrow = [row for row in own if row["shape"][3] == 40]
        wide = [row for row in own if row["shape"][3] >= 64]
        means[kind] = {
            "forward_ratio": _mean(row["forward_ratio"] for row in own),
            "training_ratio": _mean(row["training_ratio"] for row in own),
            "forward_ratio_of_best": _mean(row["forward_ratio_of_best"] for row in own),
            "training_ratio_of_best": _mean(row["training_ratio_of_best"] for row in own),
            "training_share_of_peak_from_64": _mean(row["training_share_of_peak"] for row in wide),
            "training_share_of_peak_at_40": _mean(row["training_share_of_peak"] for row in narrow),
            "training_share_of_best_peak_from_64": _mean(row["training_share_of_best_peak"] for row in wide),
            "training_share_of_best_peak_at_40": _mean(row["training_share_of_best_peak"] for row in narrow),
            "lowest_ratio": min(row[f"{what}_ratio"] for row in own for what in ("forward", "training")),
            "targets": TARGETS[kind],
        }
        print(kind, json.dumps(means[kind]))
    return {"geometric_means": means}


def small(repeats: int, kinds: list[str]) -> dict[str, Any]:
    """Small batches and few steps, where the calls cost more than the work; the rule in choice.py is from here.

    The kernels run even where the rule would choose torch's operator; beside the ratios stands what it chooses.
    """
    rule, route.is_faster = route.is_faster, lambda *_: True
    rows = [_compare(kind, shape, 2 * repeats, peak=False) for kind in kinds for shape in SMALL]
    route.is_faster = rule
    for row in rows:
        batch, time_, _, hidden, _ = row["shape"]
        kind = "rnn_tanh" if row["kind"] == "rnn" else row["kind"]
        row["forward_by_kernels"], row["training_by_kernels"] = (
            rule(kind, batch, time_, hidden, training) for training in (False, True)
        )
    return {"shapes": rows}


def threads(repeats: int, kinds: list[str]) -> dict[str, Any]:
    """Training with one thread and with two, taking turns."""
    rows = []
    for kind in kinds:
        for shape in SHAPES:
            layer, _, inputs, above = _layers(kind, shape)
            times: dict[int, list[float]] = {1: [], 2: []}
            for _ in range(repeats):
                for count in times:
                    torch.set_num_threads(count)
                    times[count].append(
                        _warm_seconds(lambda run=layer, x=inputs, dy=above: _train(run, x, dy))
                    )
            rows.append({"kind": kind, "shape": shape, "two_over_one": _median_ratio(times[1], times[2])})
            print(rows[-1], flush=True)
    return {"shapes": rows}


def _threads_mean(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"geometric_mean": _mean(row["two_over_one"] for row in rows)}


SUMMARIES = {"speed": _with_means, "threads": _threads_mean}


def fit(repeats: int, _: list[str]) -> dict[str, Any]:
    """The classic recipe's training: 100 epochs of 111 windows of 12 steps, batches of 32, LSTM(128) twice."""
    # Name: layer, threads of torch, threads of the kernels.
    ways = {
        "ours": (nn.LSTM, 2, 2),
        "ours, one thread": (nn.LSTM, 1, 1),
        "torch": (torch.nn.LSTM, 2, None),
        "torch, one thread": (torch.nn.LSTM, 1, None),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(max(1, repeats // 2)):
        for name, (layer, torchs, own) in ways.items():
            torch.set_num_threads(torchs)
            kernels.set_num_threads(own)
            times[name].append(_fit_classic(layer))
    kernels.set_num_threads(None)
    torch.set_num_threads(2)
    result = {name: {"median": statistics.median(t), "best": min(t), "all": t} for name, t in times.items()}
    print(json.dumps(result))
    return {"seconds": result, "target": 2.0}


def accuracy(_: int, __: list[str]) -> dict[str, Any]:
    """Relative norms of the errors against float64 on 1,000 random shapes, of ours and of torch's float32."""
    worst: dict[str, dict[str, float]] = {"ours": {}, "torch": {}}
    above = {"ours": 0, "torch": 0}
    sums = 0
    for seed in range(1000):
        exact, *others = _errors_of(seed)
        sums += len(exact) - 1
        for name, values in zip(worst, others, strict=True):
            for what, error in _relative_errors(values, exact).items():
                kind = "outputs" if what == "outputs" else "gradients"
                worst[name][kind] = max(worst[name].get(kind, 0.0), error)
                above[name] += kind == "gradients" and error > 2e-6
    print(worst, above)
    targets = {"outputs": 1e-6, "gradients": 2e-6}
    return {
        "random_shapes": 1000,
        "worst": worst,
        "gradients": sums,
        "gradients_above_target": above,
        "targets": targets,
    }


def _compare(kind: str, shape: tuple[int, ...], repeats: int, peak: bool = True) -> dict[str, Any]:
    ours, theirs, inputs, above = _layers(kind, shape)
    times: dict[str, list[float]] = {}
    peaks = [_peak()] if peak else []
    for _ in range(repeats):
        for name, layer in (("torch", theirs), ("ours", ours)):
            forward = _warm_seconds(lambda run=layer: _infer(run, inputs))
            training = _warm_seconds(lambda run=layer: _train(run, inputs, above))
            times.setdefault(f"forward {name}", []).append(forward)
            times.setdefault(f"training {name}", []).append(training)
        peaks += [_peak()] if peak else []
    row: dict[str, Any] = {"kind": kind, "shape": shape}
    if peak:
        row["peak_gflops"] = statistics.median(peaks)
    for what, factor in (("forward", 1), ("training", 3)):
        torchs, own = times[f"{what} torch"], times[f"{what} ours"]
        row[f"{what}_ms"] = [1e3 * statistics.median(torchs), 1e3 * statistics.median(own)]
        row[f"{what}_ratio"] = _median_ratio(torchs, own)
        row[f"{what}_ratio_of_best"] = min(torchs) / min(own)
        if peak:
            gflop = factor * _flop(kind, shape) / 1e9
            row[f"{what}_gflops"] = gflop / statistics.median(own)
            row[f"{what}_share_of_peak"] = gflop / statistics.median(own) / row["peak_gflops"]
            row[f"{what}_share_of_best_peak"] = gflop / min(own) / max(peaks)
    print({key: _rounded(value) for key, value in row.items()}, flush=True)
    return row


def _layers(kind: str, shape: tuple[int, ...]) -> tuple[torch.nn.Module, torch.nn.Module, Tensor, Tensor]:
    batch, time_, features, hidden, layers = shape
    ours, theirs = (layer(features, hidden, layers, batch_first=True) for layer in LAYERS[kind])
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs, torch.randn(batch, time_, features), torch.randn(batch, time_, hidden)


def _flop(kind: str, shape: tuple[int, ...]) -> float:
    batch, time_, features, hidden, layers = shape
    columns = features + hidden + (layers - 1) * 2 * hidden
    return 2.0 * GATES[kind] * hidden * columns * batch * time_


def _infer(layer: torch.nn.Module, inputs: Tensor) -> None:
    with torch.no_grad():
        layer(inputs)


def _train(layer: torch.nn.Module, inputs: Tensor, above: Tensor) -> None:
    """One forward and backward pass, as in training: with weights that an optimiser has just changed."""
    for weight in layer.parameters():
        weight.grad = None
    with torch.no_grad():
        next(layer.parameters()).mul_(1.0)
    layer(inputs)[0].backward(above)


def _peak() -> float:
    """Return the GFLOP/s of torch's matrix product, the best of three."""
    a, b, c = torch.randn(1024, 1024), torch.randn(1024, 1024), torch.empty(1024, 1024)
    return 2 * 1024**3 / min(_seconds(lambda: torch.mm(a, b, out=c)) for _ in range(3)) / 1e9


def _warm_seconds(action: Callable[[], Any]) -> float:
    action()
    return _seconds(action)


def _seconds(action: Callable[[], Any]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _fit_classic(layer: type[torch.nn.Module]) -> float:
    torch.manual_seed(0)
    recurrent, head = layer(1, 128, 2, batch_first=True, dropout=0.2), torch.nn.Linear(128, 1)
    parameters = [*recurrent.parameters(), *head.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=1e-3, fused=True)
    windows, targets = torch.rand(111, 12, 1), torch.rand(111, 1)

    def epochs() -> None:
        for _ in range(100):
            for rows in torch.randperm(111).split(32):
                optimiser.zero_grad()
                last = torch.nn.functional.dropout(recurrent(windows[rows])[0][:, -1], 0.2)
                torch.nn.functional.mse_loss(head(last), targets[rows]).backward()
                optimiser.step()

    return _seconds(epochs)


def _errors_of(seed: int) -> list[list[Tensor]]:
    """Outputs and gradients on a random shape: exact, ours and torch's in float32."""
    draw = random.Random(seed)
    kind = draw.choice(list(LAYERS))
    batch, time_ = draw.choice([1, 2, 3, 7, 16, 33, 70]), draw.choice([1, 2, 3, 8, 21])
    features, hidden = (
        draw.choice([1, 2, 5, 8, 16, 33]),
        draw.choice([1, 3, 7, 8, 9, 16, 20, 24, 37, 40, 64, 72, 100]),
    )
    options = {
        "num_layers": draw.choice([1, 1, 2, 3]),
        "bidirectional": draw.random() < 0.4,
        "batch_first": True,
    }
    torch.manual_seed(seed)
    ours = LAYERS[kind][0](features, hidden, **options)
    inputs = torch.randn(batch, time_, features)
    lengths = torch.randint(0, time_ + 1, (batch,)) if draw.random() < 0.4 else None
    above = torch.randn(batch, time_, hidden * ours.directions)
    results = []
    for dtype, isa in ((torch.float64, ""), (torch.float32, ""), (torch.float32, "torch")):
        os.environ["OSTINATO_ISA"] = isa
        layer = LAYERS[kind][0](features, hidden, **options).to(dtype)
        layer.load_state_dict(ours.state_dict())
        leaves = [inputs.to(dtype).requires_grad_(), *layer.parameters()]
        outputs = layer(leaves[0], lengths=lengths)[0]
        gradients = torch.autograd.grad((outputs * above).sum(), leaves, allow_unused=True)
        filled = [torch.zeros_like(t) if g is None else g for g, t in zip(gradients, leaves, strict=True)]
        results.append([outputs.detach(), *filled])
    os.environ["OSTINATO_ISA"] = ""
    return results


def _relative_errors(values: list[Tensor], exact: list[Tensor]) -> dict[str, float]:
    errors = {}
    for index, (value, right) in enumerate(zip(values, exact, strict=True)):
        norm = right.norm().item()
        if norm > 0:
            errors["outputs" if index == 0 else str(index)] = (value.double() - right).norm().item() / norm
    return errors


def _median_ratio(slower: list[float], faster: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(slower, faster, strict=True))


def _mean(values: Any) -> float:
    return math.exp(statistics.mean(math.log(value) for value in values))


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [round(each, 2) for each in value]
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
