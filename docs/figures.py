"""Draw the figures of the documentation with the library itself, and write measured numbers into its pages.

python docs/figures.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import torch
from torch import Tensor, nn

import ostinato
from ostinato.report.doctor import gradient_lines, new_figure
from ostinato.report.views import state_figure
from ostinato.train.diagnosis.states import view_states

DOCS = Path(__file__).parent
FIGURES = DOCS / "figures"
RESULTS = DOCS.parent / "benchmarks" / "results"
CELLS = {
    "tanh": "tanh RNN",
    "irnn": "ReLU, identity (IRNN)",
    "gru": "GRU",
    "lstm": "LSTM, forget bias 1",
    "chrono": "LSTM, chrono start",
}
DIVERGED = 10.0
"""A loss from which on nothing was learned: guessing has less than 2."""


def last_output(model: nn.Module, inputs: Tensor) -> Tensor:
    """A loss on the last step alone."""
    loss: Tensor = model(inputs)[0][:, -1].square().mean()
    return loss


def draw_states() -> None:
    """The states of a small LSTM that was trained on a noisy wave for a moment."""
    torch.manual_seed(0)
    times = torch.arange(61) / 12 * 6.28
    waves = torch.sin(times + 6.28 * torch.rand(64, 1)) + 0.1 * torch.randn(64, 61)
    model = nn.ModuleList([ostinato.nn.LSTM(1, 12, batch_first=True), nn.Linear(12, 1)])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        loss = (model[1](model[0](waves[:, :-1, None])[0])[..., 0] - waves[:, 1:]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    (view,) = view_states(model[0], waves[:1, :-1, None], last_output)
    state_figure(view, row=0).savefig(FIGURES / "states.png")


def draw_radius() -> None:
    """Gradients by lag of three tanh networks that differ in their spectral radius."""
    lines = {}
    inputs = 0.1 * torch.randn(16, 40, 3, generator=torch.Generator().manual_seed(1))
    for radius in (0.5, 1.0, 1.5):
        torch.manual_seed(0)
        layer = ostinato.nn.RNN(3, 32, batch_first=True)
        with torch.no_grad():
            nn.init.orthogonal_(layer.weight_hh_l0).mul_(radius)
        lines[f"spectral radius {radius}"] = by_lag(layer, inputs)
    save(lines, "radius.png")


def draw_forget() -> None:
    """Gradients by lag of LSTMs with different biases of the forget gate."""
    lines = {}
    inputs = torch.randn(16, 60, 3, generator=torch.Generator().manual_seed(1))
    for bias in (-5, 0, 1, 2):
        torch.manual_seed(0)
        layer = ostinato.nn.LSTM(3, 32, batch_first=True)
        with torch.no_grad():
            layer.bias_ih_l0[32:64] += bias
        lines[f"forget bias {bias:+d}"] = by_lag(layer, inputs)
    save(lines, "forget.png")


def draw_memory(steps: int = 100) -> None:
    """Gradients by lag in the adding problem, before and after training, as the benchmark left them."""
    runs = json.loads((RESULTS / "memory.json").read_text())["runs"]
    figure = new_figure(10, 4)
    for axes, when in zip(figure.subplots(1, 2, sharey=True), ("before", "after"), strict=True):
        gradient_lines(
            axes,
            {
                CELLS[run["cell"]]: run[f"gradient_{when}"]
                for run in runs
                if (run["task"], run["steps"], run["clip_norm"]) == ("adding", steps, 1.0)
            },
        )
        axes.set_title(f"{when} training, {steps} steps", fontsize=11, loc="left")
    figure.savefig(FIGURES / "memory.png")


def by_lag(layer: nn.Module, inputs: Tensor) -> list[float]:
    """The gradient of a loss on the last step by lag."""
    values: list[float] = ostinato.diagnose(layer, inputs, last_output).layers[0].gradients.by_lag.tolist()
    return values


def save(lines: dict[str, list[float]], name: str) -> None:
    """One picture of gradients by lag."""
    figure = new_figure(8, 4)
    gradient_lines(figure.add_subplot(), lines)
    figure.savefig(FIGURES / name)


def write_numbers(page: str, mark: str, text: str) -> None:
    """Put a text between the marks of a page."""
    path = DOCS / page
    before = path.read_text()
    after = re.sub(
        rf"(<!-- {mark} -->\n).*?(\n<!-- /{mark} -->)", rf"\g<1>{text}\g<2>", before, flags=re.DOTALL
    )
    path.write_text(after)


def memory_table() -> str:
    """Who solved what, as a table in Markdown."""
    found = json.loads((RESULTS / "memory.json").read_text())
    runs, settings = found["runs"], found["settings"]
    most = settings["updates"]
    lengths = sorted({run["steps"] for run in runs})
    lines = [
        f"| task | network | {' | '.join(f'{steps} steps' for steps in lengths)} |",
        f"| --- | --- |{' --- |' * len(lengths)}",
    ]
    for task in ("adding", "copy"):
        for cell, name in CELLS.items():
            for clip in (1.0, None):
                cells = [
                    _result(next((run for run in runs if _is(run, task, cell, steps, clip)), None))
                    for steps in lengths
                ]
                if any(cells):
                    lines.append(
                        f"| {task} | {name}{'' if clip else ', no clipping'} | {' | '.join(cells)} |"
                    )
    return "\n".join(
        [
            *lines,
            "",
            f"Updates until solved, in bold, or the loss after {most['adding'][0]:,} updates (beyond 100 steps "
            f"{most['adding'][1]:,} and {most['copy'][1]:,}) where",
            "guessing has 0.167 in the adding problem and 1.386 nats in the copy task; in brackets the effective",
            "memory before and after training.",
            f"{settings['hidden']} units, {settings['rows']} sequences a batch, Adam, one seed, clipping at 1 unless "
            "said otherwise; empty where it was not run.",
        ]
    )


def _is(run: dict[str, object], task: str, cell: str, steps: int, clip: float | None) -> bool:
    return (run["task"], run["cell"], run["steps"], run["clip_norm"]) == (task, cell, steps, clip)


def _result(run: dict[str, object] | None) -> str:
    """One training in a few characters."""
    if run is None:
        return ""
    memory = f"({run['memory_before']} → {run['memory_after'] or '-'})"
    loss = run["loss"]
    if not isinstance(loss, float) or loss > DIVERGED:
        return f"diverged {memory}"
    return f"**{run['updates']}** {memory}" if run["solved"] else f"{loss:.3f} {memory}"


def doctor_sentence() -> str:
    """How often the doctor was right, and what it costs."""
    found = json.loads((RESULTS / "doctor.json").read_text())
    cost = found["cost"]
    kinds = len({row["case"] for row in found["rows"]})
    adds = " and ".join(f"{run['adds']:.0%} to one of an {name}" for name, run in cost["watched"].items())
    looks, repeats = cost["milliseconds"], len(next(iter(cost["watched"].values()))["ratios"])
    return (
        f"{found['named_first']} of {found['faulty']} faults were named first, with {found['false_alarms']} false "
        f"alarms on {found['healthy']} healthy networks: {kinds} kinds of networks, {len(found['seeds'])} seeds each.\n"
        f"Watching every update of a training, and following the memory every {cost['memory_every']} updates, adds "
        f"{adds} in\nbatches of 32 (processor time, medians of {repeats} trainings with and without). For an "
        f"{cost['network']},\nan update takes {looks['update']:.1f} ms, a look at the memory {looks['memory']:.1f} ms "
        f"and a whole diagnosis {looks['diagnosis']:.0f} ms, most of it for Jacobians."
    )


def main() -> None:
    """Draw and write everything."""
    FIGURES.mkdir(exist_ok=True)
    draw_states()
    draw_radius()
    draw_forget()
    draw_memory()
    write_numbers("tutorial.md", "memory", memory_table())
    write_numbers("doctor.md", "doctor", doctor_sentence())


if __name__ == "__main__":
    main()
