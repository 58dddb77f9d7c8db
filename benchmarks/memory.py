"""Which recurrent networks solve the adding problem and the copy task, and how far their gradients reach.

    python benchmarks/memory.py [--task adding|copy] [--updates N]

Each cell is trained on freshly drawn sequences with Adam and the norm of the gradient clipped to 1 (at one length also
without), for the same number of updates at most; a training stops early once the task is solved. Results go to
results/memory.json, run by run, so that a stopped benchmark goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
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
LENGTHS = (50, 100, 200, 400)
RATES = {"tanh": 2e-3, "irnn": 2e-3, "gru": 1e-2, "lstm": 1e-2}
HIDDEN, ROWS, UPDATES = 32, 32, 800
SOLVED = {"adding": 0.01, "copy": 0.05}
"""Mean squared error, and nats a symbol, below which a task is solved; guessing has 0.167 and 1.386."""
WITHOUT_CLIPPING = 100
"""The length at which each cell is also trained without clipping."""
AVERAGED = 50
"""Updates whose mean loss is judged."""


def adding_loss(network: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
    """The mean squared error of the sums."""
    inputs, targets = examples
    return F.mse_loss(network(inputs), targets)


def make(task: str, cell: str, seed: int) -> nn.Module:
    """A fresh network."""
    torch.manual_seed(seed)
    if task == "adding":
        return adding_problem.Adder(adding_problem.recurrent_layer(cell, 2, HIDDEN), HIDDEN)
    layer = adding_problem.recurrent_layer(cell, copy_task.FEATURES, HIDDEN)
    return copy_task.Copier(layer, HIDDEN)


def train(task: str, cell: str, steps: int, clip: float | None, updates: int) -> dict[str, Any]:
    """Train one network and say how it went."""
    network, generator = make(task, cell, seed=0), torch.Generator().manual_seed(1)
    draw = adding_problem.draw if task == "adding" else copy_task.draw
    loss_of = adding_loss if task == "adding" else copy_task.copy_loss
    probe = draw(64, steps, torch.Generator().manual_seed(2))
    optimizer = torch.optim.Adam(network.parameters(), lr=RATES[cell], fused=True)
    losses: list[float] = []
    largest, start = 0.0, by_lag(network, probe, loss_of)
    began = time.perf_counter()
    solved = False
    while len(losses) < updates and not solved:
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
        "solved": solved,
        "updates": len(losses),
        "loss": sum(recent) / len(recent) if finite else None,
        "largest_gradient": largest if math.isfinite(largest) else None,
        "seconds": round(time.perf_counter() - began, 1),
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=("adding", "copy"))
    parser.add_argument("--updates", type=int, default=UPDATES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"runs": []}
    done = {(run["task"], run["cell"], run["steps"], run["clip_norm"]) for run in found["runs"]}
    for steps in LENGTHS:
        for task in ("adding", "copy") if arguments.task is None else (arguments.task,):
            for clip in (1.0, None) if steps == WITHOUT_CLIPPING else (1.0,):
                for cell in RATES:
                    if (task, cell, steps, clip) in done:
                        continue
                    run = train(task, cell, steps, clip, arguments.updates)
                    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else found
                    found["runs"].append(run)
                    print(
                        f"{task:7}{cell:5}{steps:5} clip {clip}: {run['loss']} {run['updates']} {run['seconds']} s"
                    )
                    settings = {"hidden": HIDDEN, "rows": ROWS, "updates": arguments.updates, "rates": RATES}
                    settings |= {"solved_below": SOLVED}
                    RESULTS.write_text(
                        json.dumps({**describe(), "settings": settings, "runs": found["runs"]}) + "\n"
                    )


if __name__ == "__main__":
    main()
