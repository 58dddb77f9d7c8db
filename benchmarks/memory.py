"""Which recurrent networks solve the adding problem and the copy task, and how far their gradients reach.

    python benchmarks/memory.py [--task adding|copy] [--cell CELL] [--steps STEPS]

Each cell is trained on freshly drawn sequences with Adam and the norm of the gradient clipped to 1 (at one length also
without), for the same number of updates at most; a training stops early once the task is solved. Results go to
results/memory.json, run by run, so that a stopped benchmark goes on where it was.

The learning rates were chosen, among 1e-2, 3e-3, 1e-3 and 3e-4, on the adding problem of 100 steps and the copy task of
20; that of the IRNN beyond 100 steps, where it diverges sooner, on the adding problem of 200.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch
from machine import describe
from torch import Tensor, nn
from torch.nn import functional as F

from ostinato.train.diagnosis.gradients import effective_memory, state_gradients
from ostinato.train.diagnosis.reading import opened

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples"))
import adding_problem  # noqa: E402
import copy_task  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "memory.json"
LENGTHS = {"adding": (50, 100, 200, 400), "copy": (20, 50, 100, 200, 400)}
CELLS = ("tanh", "irnn", "gru", "lstm", "chrono")
HIDDEN, ROWS = 64, 32
UPDATES = {"adding": (4000, 3000), "copy": (4000, 2000)}
"""At most, up to 100 steps and beyond."""
SOLVED = {"adding": 0.01, "copy": 0.05}
"""Mean squared error, and nats a symbol, below which a task is solved; guessing has 0.167 and 1.386."""
WITHOUT_CLIPPING = 100
"""The length at which each cell is also trained without clipping."""
AVERAGED = 50
"""Updates whose mean loss is judged."""


def rate(cell: str, steps: int) -> float:
    """The learning rate of a cell."""
    if cell == "irnn":
        return 1e-3 if steps <= 100 else 8 / steps**2
    return {"tanh": 1e-3, "gru": 1e-2, "lstm": 1e-2, "chrono": 3e-3}[cell]


def adding_loss(network: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
    """The mean squared error of the sums."""
    inputs, targets = examples
    return F.mse_loss(network(inputs), targets)


def make(task: str, cell: str, steps: int, seed: int) -> nn.Module:
    """A fresh network."""
    torch.manual_seed(seed)
    features = 2 if task == "adding" else copy_task.FEATURES
    layer = adding_problem.recurrent_layer(cell, features, HIDDEN, steps)
    kind = adding_problem.Adder if task == "adding" else copy_task.Copier
    return kind(layer, HIDDEN)


def train(task: str, cell: str, steps: int, clip: float | None) -> dict[str, Any]:
    """Train one network and say how it went."""
    network, generator = make(task, cell, steps, seed=0), torch.Generator().manual_seed(1)
    draw = adding_problem.draw if task == "adding" else copy_task.draw
    loss_of = adding_loss if task == "adding" else copy_task.copy_loss
    probe = draw(64, steps, torch.Generator().manual_seed(2))
    optimizer = torch.optim.Adam(network.parameters(), lr=rate(cell, steps), fused=True)
    losses: list[float] = []
    largest, start = 0.0, by_lag(network, probe, loss_of)
    began = time.process_time()
    solved = False
    most = UPDATES[task][steps > 100]
    while len(losses) < most and not solved:
        loss = loss_of(network, draw(ROWS, steps, generator))
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            break
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), math.inf if clip is None else clip)
        largest = max(largest, norm.item())
        optimizer.step()
        recent = losses[-AVERAGED:]
        solved = len(recent) == AVERAGED and sum(recent) / AVERAGED < SOLVED[task]
    recent = losses[-AVERAGED:]
    finite = all(math.isfinite(each) for each in losses)
    end = by_lag(network, probe, loss_of) if finite else []
    return {
        "task": task,
        "cell": cell,
        "steps": steps,
        "clip_norm": clip,
        "learning_rate": rate(cell, steps),
        "solved": solved,
        "updates": len(losses),
        "loss": sum(recent) / len(recent) if finite else None,
        "largest_gradient": largest if math.isfinite(largest) else None,
        "processor_seconds": round(time.process_time() - began, 1),
        "memory_before": effective_memory(torch.tensor(start).double().numpy()),
        "memory_after": effective_memory(torch.tensor(end).double().numpy()) if end else None,
        "gradient_before": [float(f"{value:.3e}") for value in start],
        "gradient_after": [float(f"{value:.3e}") for value in end],
        "losses": [
            round(sum(part) / len(part), 5)
            for part in (losses[begin : begin + AVERAGED] for begin in range(0, len(losses), AVERAGED))
            if all(math.isfinite(each) for each in part)
        ],
    }


def by_lag(network: nn.Module, probe: tuple[Tensor, Tensor], loss: Any) -> list[float]:
    """Norm of the gradient of the loss with respect to the state, by lag."""
    with opened(network, probe, loss) as (scalar, calls):
        (gradients,) = state_gradients(scalar, calls).values()
    values: list[float] = gradients.by_lag.tolist()
    return values


def main() -> None:
    """Run what is not yet in the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", choices=tuple(LENGTHS))
    parser.add_argument("--cell", choices=CELLS)
    parser.add_argument("--steps", type=int)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    wanted = [
        (task, cell, steps, clip)
        for task, lengths in LENGTHS.items()
        for steps in lengths
        for clip in ((1.0, None) if steps == WITHOUT_CLIPPING else (1.0,))
        for cell in CELLS
        if arguments.task in (None, task)
        and arguments.cell in (None, cell)
        and arguments.steps in (None, steps)
    ]
    for each in wanted:
        if each not in {_key(run) for run in _results()}:
            run = train(*each)
            _keep(run)
            print(*each, run["loss"], run["updates"], f"{run['processor_seconds']} s", flush=True)


def _key(run: dict[str, Any]) -> tuple[Any, ...]:
    return run["task"], run["cell"], run["steps"], run["clip_norm"]


def _results() -> list[dict[str, Any]]:
    """The runs so far; read anew each time, as several benchmarks may run side by side."""
    runs: list[dict[str, Any]] = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    return runs


def _keep(run: dict[str, Any]) -> None:
    """Add a run to the results, in the order of the tables."""
    order = {key: number for number, key in enumerate((*LENGTHS, *CELLS))}
    runs = sorted(
        [*_results(), run],
        key=lambda each: (order[each["task"]], order[each["cell"]], each["steps"], each["clip_norm"] is None),
    )
    settings = {"hidden": HIDDEN, "rows": ROWS, "updates": UPDATES, "solved_below": SOLVED}
    draft = RESULTS.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({**describe(), "settings": settings, "runs": runs}) + "\n")
    draft.replace(RESULTS)


if __name__ == "__main__":
    main()
