import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from ostinato.data.batch import Batch
from ostinato.nn import GRU, LSTM, RNN
from ostinato.train.config import TrainConfig
from ostinato.train.diagnosis.diagnosis import diagnose_module
from ostinato.train.diagnosis.rules import RULES, Evidence, find
from ostinato.train.diagnosis.watch import TrainingWatch, WatchSummary

HIDDEN, STEPS = 32, 40


def noise(scale=1.0):
    return scale * torch.randn(8, STEPS, 3, generator=torch.Generator().manual_seed(0))


def simple(radius):
    torch.manual_seed(0)
    layer = RNN(3, HIDDEN, batch_first=True)
    with torch.no_grad():
        nn.init.orthogonal_(layer.weight_hh_l0).mul_(radius)
    return layer


def gated(kind, gate, bias):
    torch.manual_seed(0)
    layer = kind(3, HIDDEN, batch_first=True)
    with torch.no_grad():
        layer.bias_ih_l0[gate * HIDDEN : (gate + 1) * HIDDEN] += bias
    return layer


def names(diagnosis):
    return [finding.name for finding in diagnosis.findings]


def last(model, inputs):
    return model(inputs)[0][:, -1].square().mean()


@pytest.mark.parametrize(
    ("layer", "first"),
    [
        (simple(0.5), "vanishing"),
        (simple(1.5), "exploding"),
        (gated(LSTM, 1, -5.0), "saturation"),
        (gated(LSTM, 0, -6.0), "saturation"),
        (gated(LSTM, 3, -6.0), "saturation"),
        (gated(GRU, 1, 6.0), "saturation"),
        (gated(GRU, 1, -6.0), "saturation"),
    ],
    ids=["radius 0.5", "radius 1.5", "forget", "input", "output", "update open", "update shut"],
)
def test_planted_faults_are_named_first(layer, first):
    diagnosis = diagnose_module(layer, noise(), last)
    assert names(diagnosis)[0] == first
    assert not diagnosis.healthy


@pytest.mark.parametrize(
    "layer", [simple(1.0), gated(LSTM, 1, 1.0), gated(GRU, 1, 1.0)], ids=["tanh", "LSTM", "GRU"]
)
def test_healthy_networks_are_called_healthy(layer):
    diagnosis = diagnose_module(layer, noise(), last)
    assert diagnosis.healthy
    assert diagnosis.to_text()[1] == "Nothing is wrong with its gradients, gates and units."


def test_dead_units_are_named():
    layer = RNN(3, HIDDEN, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        layer.bias_ih_l0[: HIDDEN // 2] = -100.0
    finding = diagnose_module(layer, noise(), last).findings[0]
    assert finding.name == "dead units"
    assert finding.evidence.startswith("50% of 32 units")


def test_a_loss_that_ignores_the_layers_is_named():
    layer = GRU(3, HIDDEN, batch_first=True)
    assert names(diagnose_module(layer, noise(), lambda model, x: 0 * model(x)[0].sum())) == ["no gradient"]


def test_the_memory_stands_beside_the_season():
    diagnosis = diagnose_module(simple(0.5), noise(), last, season_length=12)
    assert diagnosis.memory_sentence == f"The network remembers {diagnosis.memory} steps; your season is 12."
    (finding,) = diagnosis.findings
    assert finding.evidence.endswith("your season is 12")
    assert diagnose_module(simple(1.0), noise(), last, season_length=12).healthy


def echo(lag):
    signs = torch.randint(0, 2, (32, STEPS, 3), generator=torch.Generator().manual_seed(1)) * 2.0 - 1
    mask = (torch.arange(STEPS) >= lag).expand(32, STEPS)
    return Batch(signs, torch.roll(signs[..., 0], lag, dims=1), mask)


def mean_of_units(model, batch):
    errors = (model(batch.inputs)[0].mean(dim=2) - batch.targets)[batch.mask]
    return errors.square().mean()


@pytest.mark.parametrize(("back", "short"), [(5, True), (10, True), (20, False)])
def test_a_truncation_shorter_than_what_the_targets_depend_on_is_named(back, short):
    config = TrainConfig(tbptt=(back, back))
    diagnosis = diagnose_module(gated(LSTM, 1, 2.0), echo(10), mean_of_units, config=config)
    assert diagnosis.data_lag == 10
    assert ("truncation too short" in names(diagnosis)) == short
    assert diagnosis.memory_sentence.endswith("your targets depend most on inputs 10 steps before.")


def test_the_change_for_a_truncation_is_long_enough_and_can_be_used():
    config = TrainConfig(tbptt=(4, 4))
    diagnosis = diagnose_module(gated(LSTM, 1, 2.0), echo(10), mean_of_units, config=config)
    assert diagnosis.findings[0].change == "Use tbptt=(4, 12) or longer."


def summary(**changes):
    values = {
        "updates": 100,
        "first_loss": 1.0,
        "last_loss": 0.5,
        "worst_loss": 1.0,
        "gradient_norm": 1.0,
        "clipped": 0.1,
        "shrunk": 1.0,
        "update_ratio": 1e-3,
        "largest_update": 1e-2,
    }
    return WatchSummary(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"update_ratio": 0.1}, ["learning rate too high"]),
        ({"largest_update": 0.5}, ["learning rate too high"]),
        ({"update_ratio": 1e-5, "last_loss": 0.99}, ["learning rate too low"]),
        ({"update_ratio": 1e-5}, []),  # it learns all the same
        ({"update_ratio": 1e-5, "last_loss": 0.99, "updates": 5}, []),
        ({"clipped": 1.0, "shrunk": 0.01}, ["too much clipping"]),
        ({"clipped": 1.0, "shrunk": 0.5}, []),
        ({"clipped": None, "shrunk": None}, []),
        ({"update_ratio": None, "largest_update": None}, []),
    ],
)
def test_what_a_watch_saw_is_judged(changes, found):
    layers = diagnose_module(simple(1.0), noise(), last).layers
    assert [finding.name for finding in find(Evidence(layers, watch=summary(**changes)))] == found


def test_a_watch_brings_its_settings_along():
    watch = TrainingWatch(TrainConfig(tbptt=(5, 5)))
    assert diagnose_module(simple(1.0), noise(), last, watch=watch).truncation == 5


def test_every_finding_has_evidence_a_sentence_and_a_change():
    faults = [diagnose_module(simple(radius), noise(), last) for radius in (0.5, 1.5)]
    for finding in (finding for fault in faults for finding in fault.findings):
        assert finding.evidence
        assert finding.sentence.endswith(".")
        assert finding.change.endswith(".")
    assert len(RULES) == 9


def test_the_text_has_the_memory_the_findings_and_a_line_a_layer():
    lines = diagnose_module(gated(LSTM, 1, -5.0), noise(), last).to_text()
    assert lines[0] == "The network remembers 2 steps."
    assert lines[2].startswith(
        "1. saturation in LSTM.l0: the forget gate is below 0.1 for 100% of units and steps."
    )
    assert lines[4] == "   Try: Set the bias of the forget gate to +1."
    assert lines[-1].startswith("LSTM.l0: LSTM(32), memory 2 of 40 steps, gradient x0.")


def test_the_values_are_plain_enough_for_json():
    layer = RNN(3, HIDDEN, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        layer.bias_ih_l0.fill_(-100.0)  # everything dead, so an exponent of minus infinity
    values = diagnose_module(layer, noise(), last).to_dict()
    again = json.loads(json.dumps(values, allow_nan=False))
    assert again["healthy"] is False
    assert again["layers"][0]["jacobians"]["lyapunov"] is None


@pytest.mark.parametrize(("mean", "found"), [(0.3, ["vanishing"]), (0.9, [])])
def test_a_short_memory_behind_open_gates_has_not_vanished(mean, found):
    (layer,) = diagnose_module(gated(LSTM, 1, -1.0), noise(), last).layers
    gates = tuple(
        replace(gate, mean=mean, shut=0.0) if gate.name == "forget" else gate for gate in layer.units.gates
    )
    changed = replace(layer, units=replace(layer.units, gates=gates))
    assert [finding.name for finding in find(Evidence((changed,)))] == found
    needed = find(Evidence((changed,), needed=30, reason="your season is 30"))
    assert [finding.name for finding in needed] == ["vanishing"]


def test_a_network_that_reads_patches_remembers_so_many_of_them_and_of_their_steps():
    covers = (4,) * 10 + (32,) * 30
    diagnosis = diagnose_module(simple(0.5), noise(), last, covers=covers, season_removed=True)
    steps = 4 * diagnosis.memory
    said = f"reads patches of several steps and remembers {diagnosis.memory} patches, {steps} steps"
    assert said in diagnosis.memory_sentence
    assert diagnosis.to_dict()["covers"] == list(covers)
