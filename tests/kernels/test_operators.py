"""The registered operators, as torch's own checks see them."""

import copy
import pickle

import pytest
import torch

from ostinato import nn
from ostinato.errors import ConfigError
from ostinato.kernels import library, native, operators

pytestmark = pytest.mark.skipif(not library.available(), reason="no kernels were built here")

KINDS = ("rnn_tanh", "rnn_relu", "lstm", "gru")


def arguments(case, requires_grad=True):
    tensors = [each.detach().clone().requires_grad_(requires_grad) for each in case.tensors()]
    parts = len(case.state)
    inputs, state, weights = tensors[0], tensors[1 : 1 + parts], tensors[1 + parts :]
    stack = case.stack
    seed = torch.tensor([5]) if stack.dropout + stack.recurrent_dropout > 0 else None
    return (
        inputs,
        state[0],
        state[1] if parts == 2 else None,
        weights,
        case.lengths,
        seed,
        native.KINDS[stack.kind],
        stack.num_layers,
        stack.bidirectional,
        stack.bias,
        stack.dropout,
        stack.recurrent_dropout,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"padded": True, "bidirectional": True, "dropout": 0.2}])
def test_opcheck_passes(kind, options, make_case):
    case = make_case(1, kind=kind, batch=3, time=4, hidden=5, features=2, layers=2, **options)
    torch.library.opcheck(torch.ops.ostinato.recurrent.default, (*arguments(case), True))


@pytest.mark.parametrize("kind", KINDS)
def test_opcheck_passes_for_the_backward_operator(kind, make_case):
    case = make_case(2, kind=kind, batch=3, time=4, hidden=5, features=2, layers=2, padded=False)
    forward = arguments(case, requires_grad=False)
    y, _, _, saved = torch.ops.ostinato.recurrent(*forward, True)
    wanted = [True, True, kind == "lstm", True]
    tests = ("test_schema", "test_faketensor")
    gradients = (torch.ones_like(y), None, None, saved)
    operator = torch.ops.ostinato.recurrent_backward.default
    torch.library.opcheck(operator, (*gradients, *forward, wanted), test_utils=tests)


@pytest.mark.parametrize("kind", KINDS)
def test_the_operator_and_the_short_way_give_the_same_bits(kind, make_case):
    case = make_case(3, kind=kind, batch=20, time=5)
    one, other = arguments(case), arguments(case)
    y, hn, cn, _ = torch.ops.ostinato.recurrent(*one, True)
    (y.sin().sum() + hn.sum() + cn.sum()).backward()
    results = operators.differentiable(*other[:3], *other[4:6], *other[6:], *other[3])
    sum([results[0].sin().sum(), *(each.sum() for each in results[1:])]).backward()
    assert torch.equal(y, results[0])
    for a, b in zip((*one[:3], *one[3]), (*other[:3], *other[3]), strict=True):
        assert a is None or torch.equal(a.grad, b.grad)


def test_only_the_gradients_that_are_asked_for_are_made():
    layer = nn.LSTM(3, 4)
    layer.weight_ih_l0.requires_grad_(False)
    inputs = torch.zeros(5, 2, 3)
    layer(inputs)[0].sum().backward()
    assert layer.weight_ih_l0.grad is None
    assert inputs.grad is None
    assert layer.weight_hh_l0.grad is not None


def test_a_second_derivative_is_refused():
    layer, inputs = nn.LSTM(3, 4), torch.randn(5, 2, 3, requires_grad=True)
    loss = layer(inputs)[0].square().sum()
    (gradient,) = torch.autograd.grad(loss, inputs, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_outputs_may_be_changed_in_place_before_the_backward_pass(name):
    layer, inputs = getattr(nn, name)(3, 8), torch.randn(5, 2, 3)
    outputs = layer(inputs)[0]
    outputs.mul_(2).relu_()
    outputs.sum().backward()
    gradient, layer.weight_hh_l0.grad = layer.weight_hh_l0.grad, None
    (layer(inputs)[0] * 2).relu().sum().backward()
    assert torch.equal(gradient, layer.weight_hh_l0.grad)


def test_a_state_of_the_wrong_shape_is_refused(make_case):
    case = make_case(4, kind="gru", layers=1, bidirectional=False, batch=3)
    wrong = list(arguments(case))
    wrong[1] = torch.zeros(1, 2, wrong[1].size(2))
    with pytest.raises(ConfigError, match=r"the initial state is .* this layer and batch need"):
        torch.ops.ostinato.recurrent(*wrong, False)


def test_without_kernels_the_operator_says_so(make_case, monkeypatch):
    monkeypatch.setenv("OSTINATO_ISA", "torch")
    with pytest.raises(ConfigError, match="the fused kernels are not available here"):
        torch.ops.ostinato.recurrent(*arguments(make_case(5)), False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_torch_compile_keeps_the_layer_in_one_graph(name):
    layer = getattr(nn, name)(3, 8, num_layers=2, batch_first=True)
    inputs = torch.randn(4, 6, 3)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(inputs)[0], layer(inputs)[0])
    gradients = []
    for run in (compiled, layer):
        layer.zero_grad()
        run(inputs)[0].square().sum().backward()
        gradients.append(layer.weight_hh_l0.grad.clone())
    assert torch.equal(*gradients)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_a_layer_can_be_copied_and_pickled_after_use(name):
    layer, inputs = getattr(nn, name)(3, 8), torch.randn(4, 2, 3)
    with torch.no_grad():
        expected = layer(inputs)[0]
        assert torch.equal(copy.deepcopy(layer)(inputs)[0], expected)
        assert torch.equal(pickle.loads(pickle.dumps(layer))(inputs)[0], expected)
