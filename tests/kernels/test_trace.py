"""What the kernels let be seen of a pass, states and norms of gradients, against torch and autograd."""

import pytest
import torch

from ostinato.kernels.torch_path import scan_masked, scan_stack
from ostinato.kernels.trace import run_traced

KINDS = ("rnn_tanh", "rnn_relu", "lstm", "gru")
pytestmark = pytest.mark.usefixtures("isa")


def exact(case):
    """Norms (scans, batch, time) and states by looping over the steps in double precision and asking each state."""
    double, kept = case.cast(torch.float64), []

    def scan(inputs, start, weights, lengths, reverse):
        time, mask = inputs.size(1), torch.ones_like(start[0])
        real = torch.full((len(inputs),), time) if lengths is None else lengths
        outputs, states, state = [None] * time, [None] * time, start
        for step in reversed(range(time)) if reverse else range(time):
            one = inputs[:, step : step + 1]
            _, after = scan_masked(case.stack.kind, mask, one, state, weights, None, False)
            after = tuple(part.view_as(part) for part in after)
            here = (step < real).unsqueeze(1)
            outputs[step], states[step] = after[0].where(here, 0.0), after
            state = tuple(new.where(here, old) for new, old in zip(after, state, strict=True))
        kept.append(states)
        return torch.stack(outputs, dim=1), state

    outputs, state = scan_stack(
        scan, double.stack, double.inputs, double.state, double.weights, double.lengths
    )
    loss = sum((each * given).sum() for each, given in zip((outputs, *state), double.above, strict=True))
    norms = []
    for states in kept:
        flat = [part for each in states for part in each]
        gradients = torch.autograd.grad(loss, flat, retain_graph=True, allow_unused=True)
        parts, squares = len(states[0]), []
        for place in range(0, len(flat), parts):
            found = [each for each in gradients[place : place + parts] if each is not None]
            zero = torch.zeros(len(case.inputs), dtype=torch.float64)
            squares.append(sum((each.square().sum(dim=1) for each in found), zero))
        norms.append(torch.stack(squares, dim=1).sqrt())
    stacked = [
        tuple(torch.stack(parts, dim=1).detach() for parts in zip(*states, strict=True)) for states in kept
    ]
    return torch.stack(norms), stacked


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_norms_and_states_agree_with_autograd(make_case, relative_error, kind, bidirectional, padded):
    case = make_case(
        1, kind=kind, batch=33, time=8, hidden=20, layers=2, bidirectional=bidirectional, padded=padded
    )
    single = case.cast(torch.float32)
    outputs, state, trace = run_traced(
        single.stack, single.inputs, single.state, single.weights, single.lengths
    )
    loss = sum((each * given).sum() for each, given in zip((outputs, *state), single.above, strict=True))
    loss.backward()
    norms, states = exact(case)
    assert relative_error(trace.take_norms(), norms) < 1e-5
    real = torch.ones(33, 8, dtype=torch.bool)
    if padded:
        real = torch.arange(8) < case.lengths[:, None]
    for scan, parts in enumerate(states):
        for mine, expected in zip(trace.states(scan), parts, strict=True):
            assert relative_error(mine[real], expected[real]) < 1e-5


def test_gradients_too_small_for_their_squares_are_seen(make_case):
    case = make_case(2, kind="rnn_tanh", batch=2, time=3, hidden=8, layers=1, bidirectional=False)
    single = case.cast(torch.float32)
    outputs, _, trace = run_traced(single.stack, single.inputs, single.state, single.weights, None)
    (1e-25 * outputs[:, -1].sum()).backward()
    assert trace.take_norms()[0, :, -1].tolist() == pytest.approx([1e-25 * 8**0.5] * 2)


def test_norms_are_of_the_last_way_back_and_forgotten_when_taken(make_case):
    case = make_case(3, kind="gru", batch=2, time=3, hidden=8, layers=1, bidirectional=False)
    single = case.cast(torch.float32)
    outputs, _, trace = run_traced(single.stack, single.inputs, single.state, single.weights, None)
    assert not trace.take_norms().any()
    outputs[:, -1].sum().backward(retain_graph=True)
    outputs[:, 0].sum().backward()
    assert (trace.take_norms() > 0).tolist() == [[[True, False, False]] * 2]
    assert not trace.take_norms().any()


def test_outputs_and_gradients_are_those_of_an_ordinary_call(make_case):
    from ostinato import kernels

    case = make_case(4, kind="lstm", batch=7, time=8, bidirectional=True, padded=True)

    def traced(*arguments):
        return run_traced(*arguments)[:2]

    found = case.cast(torch.float32).results(traced)
    expected = case.cast(torch.float32).results(kernels.run)
    inputs_and_state = 1 + len(case.state)
    for mine, theirs in zip(found[0], expected[0], strict=True):
        assert torch.equal(mine, theirs)
    for mine, theirs in zip(found[1][:inputs_and_state], expected[1][:inputs_and_state], strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("change", [{"dropout": 0.5, "layers": 2}, {"recurrent_dropout": 0.5}])
def test_what_is_random_is_not_traced(make_case, change):
    case = make_case(5, kind="gru", **change)
    assert run_traced(case.stack, case.inputs, case.state, case.weights, case.lengths) is None


def test_double_precision_is_not_traced(make_case):
    case = make_case(6, kind="gru").cast(torch.float64)
    assert run_traced(case.stack, case.inputs, case.state, case.weights, case.lengths) is None
