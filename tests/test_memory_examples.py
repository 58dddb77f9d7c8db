"""The adding problem and the copy task: what they draw is right, they run, and who can solve them does."""

import importlib

import pytest
import torch
from torch.nn import functional as F

import ostinato


@pytest.fixture(params=["adding_problem", "copy_task"])
def example(request, monkeypatch):
    return load(request.param, monkeypatch)


def load(name, monkeypatch):
    from pathlib import Path

    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "examples"))
    return importlib.import_module(name)


def test_the_answer_of_the_adding_problem_is_the_sum_of_two_numbers(monkeypatch):
    inputs, targets = load("adding_problem", monkeypatch).draw(50, 21, torch.Generator().manual_seed(0))
    assert inputs.shape == (50, 21, 2)
    assert (inputs[:, :10, 1].sum(dim=1) == 1).all()
    assert (inputs[:, 10:, 1].sum(dim=1) == 1).all()
    torch.testing.assert_close(targets, (inputs[..., 0] * inputs[..., 1]).sum(dim=1))


def test_guessing_is_as_bad_as_said(monkeypatch):
    adding, copy = load("adding_problem", monkeypatch), load("copy_task", monkeypatch)
    _, targets = adding.draw(100_000, 4, torch.Generator().manual_seed(0))
    assert targets.var().item() == pytest.approx(adding.GUESSING, rel=0.02)
    logits = torch.zeros(5, copy.LENGTH, copy.SYMBOLS)
    _, symbols = copy.draw(5, 3, torch.Generator().manual_seed(0))
    assert F.cross_entropy(logits.transpose(1, 2), symbols).item() == pytest.approx(copy.GUESSING)


def test_the_copy_task_shows_the_symbols_then_blanks_then_signals(monkeypatch):
    copy = load("copy_task", monkeypatch)
    inputs, targets = copy.draw(7, 5, torch.Generator().manual_seed(0))
    shown = inputs.argmax(dim=2)
    assert torch.equal(shown[:, : copy.LENGTH], targets)
    assert (shown[:, copy.LENGTH : -copy.LENGTH] == copy.SYMBOLS).all()
    assert (shown[:, -copy.LENGTH :] == copy.SYMBOLS + 1).all()


def test_an_example_runs(example, capsys, tmp_path):
    options = {"folder": str(tmp_path)} if example.__name__ == "copy_task" else {}
    example.main(8, 3, **options)
    printed = capsys.readouterr().out
    assert "after 3 updates; guessing has" in printed
    assert "The network remembers" in printed
    assert (tmp_path / "copy_task.png").exists() == bool(options)


@pytest.mark.parametrize(
    ("cell", "reaches"), [("tanh", False), ("lstm", False), ("irnn", True), ("chrono", True)]
)
def test_the_identity_and_open_gates_carry_gradients_over_a_hundred_steps(cell, reaches, monkeypatch):
    adding = load("adding_problem", monkeypatch)
    torch.manual_seed(0)
    network = adding.Adder(adding.recurrent_layer(cell, 2, 16), 16)
    examples = adding.draw(32, 100, torch.Generator().manual_seed(0))
    assert (ostinato.diagnose(network, examples).memory > 50) == reaches


@pytest.mark.slow
def test_a_gru_solves_the_adding_problem_that_a_tanh_network_does_not(monkeypatch):
    adding = load("adding_problem", monkeypatch)
    errors = {}
    for cell in ("tanh", "gru"):
        torch.manual_seed(0)
        generator = torch.Generator().manual_seed(0)
        network = adding.Adder(adding.recurrent_layer(cell, 2, 32), 32)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
        for _ in range(400):
            inputs, targets = adding.draw(32, 40, generator)
            loss = F.mse_loss(network(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        with torch.no_grad():
            inputs, targets = adding.draw(500, 40, generator)
            errors[cell] = F.mse_loss(network(inputs), targets).item()
    assert errors["gru"] < 0.02 < 0.1 < errors["tanh"]
