import copy
import io
import pickle
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

from ostinato.errors import ConfigError
from ostinato.nn import CELLS, GRU, LAYERS, LSTM, RNN
from ostinato.nn.reference import loop_cell, loop_layer

TORCH_LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
OPTIONS = [("rnn", {"nonlinearity": "relu"}), ("lstm", {"proj_size": 2})]
VARIANTS = [(name, {}) for name in LAYERS] + OPTIONS
# Torch's own operator says so, once a process; the numbers are the same.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
ANY_LAYER = pytest.mark.parametrize(("name", "options"), VARIANTS)
TORCH_LAYER = pytest.mark.parametrize(("name", "options"), [(name, {}) for name in TORCH_LAYERS] + OPTIONS)


def make(name, *args, **options):
    """A layer that draws nothing at random."""
    return LAYERS[name](*args, **options).eval()


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def whole(state):
    return state if len(state) > 1 else state[0]


def random_state(layer, batch, dtype=torch.float32):
    rows = layer.num_layers * layer.directions
    state = tuple(torch.randn(rows, batch, width, dtype=dtype) for width in layer._state_widths())
    return (
        state if layer.kernel else tuple(part.abs() + 0.1 for part in state)
    )  # some cells count what they wrote


def assert_same(ours, theirs, tolerance=1e-6):
    torch.testing.assert_close(ours[0], theirs[0], atol=tolerance, rtol=0)
    for one, other in zip(parts(ours[1]), parts(theirs[1]), strict=True):
        torch.testing.assert_close(one, other, atol=tolerance, rtol=0)


@st.composite
def shapes(draw):
    return {
        "batch": draw(st.integers(1, 4)),
        "time": draw(st.integers(1, 6)),
        "layer": {
            "input_size": draw(st.integers(1, 4)),
            "hidden_size": draw(st.integers(3, 6)),
            "num_layers": draw(st.integers(1, 3)),
            "bias": draw(st.booleans()),
            "batch_first": draw(st.booleans()),
            "bidirectional": draw(st.booleans()),
        },
    }


@TORCH_LAYER
@settings(max_examples=15)
@given(shape=shapes())
def test_numbers_are_those_of_torchs_layer_with_the_same_state_dict(name, options, shape):
    layer = LAYERS[name](**shape["layer"], **options)
    other = TORCH_LAYERS[name](**shape["layer"], **options)
    assert list(layer.state_dict()) == list(other.state_dict())
    other.load_state_dict(layer.state_dict())
    sizes = (shape["batch"], shape["time"]) if layer.batch_first else (shape["time"], shape["batch"])
    inputs, state = torch.randn(*sizes, layer.input_size), whole(random_state(layer, shape["batch"]))
    assert_same(layer(inputs), other(inputs))
    assert_same(layer(inputs, state), other(inputs, state))


@TORCH_LAYER
def test_torchs_state_dict_gives_torchs_numbers(name, options):
    other = TORCH_LAYERS[name](3, 5, num_layers=2, bidirectional=True, **options)
    layer = LAYERS[name](3, 5, num_layers=2, bidirectional=True, **options)
    layer.load_state_dict(other.state_dict())
    inputs = torch.randn(4, 2, 3)
    assert_same(layer(inputs), other(inputs))


@TORCH_LAYER
def test_the_same_seed_gives_the_first_weights_of_torchs_layer(name, options):
    torch.manual_seed(3)
    layer = LAYERS[name](3, 5, num_layers=2, **options)
    torch.manual_seed(3)
    other = TORCH_LAYERS[name](3, 5, num_layers=2, **options)
    for ours, theirs in zip(layer.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@ANY_LAYER
@settings(max_examples=15)
@given(shape=shapes(), data=st.data())
def test_a_layer_equals_looping_its_cells(name, options, shape, data):
    layer = make(name, **shape["layer"] | {"batch_first": True}, **options)
    batch, time = shape["batch"], shape["time"]
    lengths = torch.tensor(data.draw(st.lists(st.integers(0, time), min_size=batch, max_size=batch)))
    inputs, state = torch.randn(batch, time, layer.input_size), random_state(layer, batch)
    assert_same(layer(inputs, whole(state)), loop_layer(layer, inputs, state), 1e-5)
    assert_same(layer(inputs, whole(state), lengths), loop_layer(layer, inputs, state, lengths), 1e-5)


@ANY_LAYER
@pytest.mark.parametrize("lengths", [None, [4, 1, 0]])
def test_gradients_agree_with_finite_differences(name, options, lengths):
    torch.manual_seed(0)
    layer = make(name, 2, 3, num_layers=2, bidirectional=True, batch_first=True, **options).double()
    if options.get("nonlinearity") == "relu":
        for weight in layer.parameters():  # away from the kink, where a difference is no derivative
            nn.init.uniform_(weight, 0.1, 0.3)
    inputs = torch.rand(3, 4, 2, dtype=torch.float64, requires_grad=True)
    state = tuple(part.abs().requires_grad_() for part in random_state(layer, 3, torch.float64))

    def run(inputs, *rest):
        output, final = layer(inputs, whole(rest[: len(state)]), lengths)
        return output, *parts(final)

    assert torch.autograd.gradcheck(run, (inputs, *state, *layer.parameters()), fast_mode=True)


@ANY_LAYER
def test_gradients_equal_those_of_looping_the_cells(name, options):
    torch.manual_seed(0)
    layer = make(name, 2, 4, num_layers=2, bidirectional=True, batch_first=True, **options)
    inputs, state, lengths = torch.randn(3, 5, 2), random_state(layer, 3), torch.tensor([5, 0, 2])
    gradients = []
    for run in (
        lambda: layer(inputs, whole(state), lengths),
        lambda: loop_layer(layer, inputs, state, lengths),
    ):
        layer.zero_grad()
        run()[0].square().sum().backward()
        gradients.append([weight.grad.clone() for weight in layer.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@TORCH_LAYER
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("enforce_sorted", [False, True])
def test_a_packed_sequence_gives_what_torch_gives(name, options, batch_first, enforce_sorted):
    kwargs = {"num_layers": 2, "bidirectional": True, "batch_first": batch_first} | options
    layer, other = LAYERS[name](3, 4, **kwargs), TORCH_LAYERS[name](3, 4, **kwargs)
    other.load_state_dict(layer.state_dict())
    lengths = [5, 4, 4, 1] if enforce_sorted else [4, 5, 1, 4]
    packed = pack_sequence([torch.randn(length, 3) for length in lengths], enforce_sorted=enforce_sorted)
    state = whole(random_state(layer, 4))
    (ours, our_state), (theirs, their_state) = layer(packed, state), other(packed, state)
    assert_same((ours.data, our_state), (theirs.data, their_state))
    assert torch.equal(ours.batch_sizes, theirs.batch_sizes)
    if not enforce_sorted:
        assert torch.equal(ours.sorted_indices, theirs.sorted_indices)
        assert torch.equal(ours.unsorted_indices, theirs.unsorted_indices)


@TORCH_LAYER
def test_lengths_give_what_torch_gives_for_packed_and_padded_again(name, options):
    kwargs = {"num_layers": 2, "bidirectional": True, "batch_first": True} | options
    layer, other = LAYERS[name](3, 4, **kwargs), TORCH_LAYERS[name](3, 4, **kwargs)
    other.load_state_dict(layer.state_dict())
    inputs, lengths = torch.randn(3, 6, 3), torch.tensor([2, 6, 3])
    packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    outputs, state = other(packed)
    padded, _ = pad_packed_sequence(outputs, batch_first=True)
    assert_same(layer(inputs, lengths=lengths), (padded, state))


@ANY_LAYER
def test_padding_leaves_state_unchanged(name, options):
    layer = make(name, 3, 4, batch_first=True, **options)
    inputs, state = torch.randn(2, 6, 3), whole(random_state(layer, 2))
    short = layer(inputs[:, :4], state)
    outputs, final = layer(inputs, state, lengths=[4, 4])
    assert_same((outputs[:, :4], final), short)
    assert torch.equal(outputs[:, 4:], torch.zeros_like(outputs[:, 4:]))


@ANY_LAYER
def test_two_halves_with_the_state_carried_equal_the_whole(name, options):
    layer = make(name, 3, 4, num_layers=2, batch_first=True, **options)
    inputs = torch.randn(2, 7, 3)
    first, state = layer(inputs[:, :3])
    second, state = layer(inputs[:, 3:], state)
    assert_same((torch.cat([first, second], dim=1), state), layer(inputs))


@pytest.mark.parametrize("name", LAYERS)
def test_recurrent_dropout_acts_in_training_alone(name):
    layer = make(name, 3, 16, batch_first=True, recurrent_dropout=0.5)
    inputs = torch.randn(2, 5, 3)
    assert_same(layer(inputs), layer(inputs), 0.0)
    layer.train()
    blind = name in ("mingru", "minlstm")  # their gates do not see the state
    assert torch.equal(layer(inputs)[0], layer(inputs)[0]) == blind


def test_every_cell_has_a_layer_of_its_name():
    assert list(LAYERS) == list(CELLS)
    assert all(LAYERS[name].cell is CELLS[name] for name in LAYERS)


@ANY_LAYER
@pytest.mark.parametrize("filling", [float("nan"), float("inf"), 1e30])
def test_what_padding_holds_changes_nothing(name, options, filling):
    layer = make(name, 3, 4, num_layers=2, bidirectional=True, batch_first=True, **options)
    inputs, lengths = torch.randn(2, 5, 3), torch.tensor([5, 2])
    dirty = inputs.clone()
    dirty[1, 2:] = filling
    assert_same(layer(dirty, lengths=lengths), layer(inputs, lengths=lengths), 0.0)


@ANY_LAYER
def test_a_row_without_steps_keeps_the_state_it_came_with(name, options):
    layer = make(name, 3, 4, batch_first=True, **options)
    inputs, state = torch.randn(2, 5, 3), random_state(layer, 2)
    for lengths in ([0, 5], [0, 0]):
        outputs, final = layer(inputs, whole(state), lengths)
        assert not outputs[0].any()
        for before, after in zip(state, parts(final), strict=True):
            assert torch.equal(before[:, 0], after[:, 0])


@ANY_LAYER
def test_a_row_without_steps_passes_its_gradient_to_the_state_alone(name, options):
    layer = make(name, 3, 4, batch_first=True, **options)
    state = tuple(part.requires_grad_() for part in random_state(layer, 2))
    inputs = torch.randn(2, 5, 3, requires_grad=True)
    _, final = layer(inputs, whole(state), [0, 5])
    sum(part[:, 0].sum() for part in parts(final)).backward()
    for part in state:
        assert torch.equal(part.grad[:, 0], torch.ones_like(part[:, 0]))
    assert not inputs.grad.any()


@ANY_LAYER
@pytest.mark.parametrize("sizes", [(0, 5), (2, 0)])
def test_an_empty_batch_leaves_the_state_as_it_is(name, options, sizes):
    layer = make(name, 3, 4, batch_first=True, bidirectional=True, **options)
    state = random_state(layer, sizes[0])
    outputs, final = layer(torch.zeros(*sizes, 3), whole(state), lengths=[0] * sizes[0])
    assert outputs.shape == (*sizes, 2 * (layer.proj_size or 4))
    for before, after in zip(state, parts(final), strict=True):
        assert torch.equal(before, after)


@TORCH_LAYER
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_single_sequence_gives_what_torch_gives(name, options, batch_first):
    kwargs = {"num_layers": 2, "bidirectional": True, "batch_first": batch_first} | options
    layer, other = LAYERS[name](3, 4, **kwargs), TORCH_LAYERS[name](3, 4, **kwargs)
    other.load_state_dict(layer.state_dict())
    inputs, state = torch.randn(6, 3), whole(tuple(part.squeeze(1) for part in random_state(layer, 1)))
    assert_same(layer(inputs), other(inputs))
    assert_same(layer(inputs, state), other(inputs, state))


@TORCH_LAYER
def test_dropout_between_layers_equals_torchs_with_the_same_seed(name, options, monkeypatch):
    monkeypatch.setenv("OSTINATO_ISA", "torch")  # the fused kernels draw masks of their own
    kwargs = {"num_layers": 3, "dropout": 0.4} | options
    layer, other = LAYERS[name](3, 8, **kwargs), TORCH_LAYERS[name](3, 8, **kwargs)
    other.load_state_dict(layer.state_dict())
    inputs = torch.randn(5, 2, 3)
    torch.manual_seed(7)
    ours = layer(inputs)
    torch.manual_seed(7)
    assert_same(ours, other(inputs))
    assert_same(layer.eval()(inputs), other.eval()(inputs))


@pytest.mark.parametrize("name", LAYERS)
def test_dropout_of_the_looped_cells_keeps_the_mean_and_drops_the_share(name):
    torch.manual_seed(0)
    layer = LAYERS[name](1, 64, num_layers=2, dropout=0.25, batch_first=True)
    seen = []
    original = torch.dropout

    def spy(*args):
        seen.append((args[0], original(*args)))
        return seen[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "dropout", spy)
        state = tuple(torch.zeros_like(part) for part in random_state(layer, 64))
        loop_layer(layer, torch.randn(64, 8, 1), state)
    ((before, after),) = seen
    dropped = (after == 0).float().mean().item()
    assert dropped == pytest.approx(0.25, abs=0.01)  # 32768 draws: the standard error is 0.0024
    kept = after != 0
    torch.testing.assert_close(after[kept], before[kept] / 0.75)


@pytest.mark.parametrize("name", TORCH_LAYERS)
def test_loop_cell_equals_torchs_layer(name):
    cell_layer = LAYERS[name](3, 4, batch_first=True)
    cell = cell_layer.cell(3, 4)
    cell.load_state_dict({key.removesuffix("_l0"): value for key, value in cell_layer.state_dict().items()})
    other = TORCH_LAYERS[name](3, 4, batch_first=True)
    other.load_state_dict(cell_layer.state_dict())
    inputs = torch.randn(2, 5, 3)
    outputs, state = loop_cell(cell, inputs)
    assert_same((outputs, whole(tuple(part.unsqueeze(0) for part in state))), other(inputs))


@ANY_LAYER
def test_copies_and_files_hold_the_same_layer(name, options):
    layer = make(name, 3, 4, num_layers=2, **options)
    inputs = torch.randn(5, 2, 3)
    buffer = io.BytesIO()
    torch.save(layer.state_dict(), buffer)
    buffer.seek(0)
    loaded = make(name, 3, 4, num_layers=2, **options)
    loaded.load_state_dict(torch.load(buffer, weights_only=True))
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), loaded):
        assert_same(layer(inputs), other(inputs), 0.0)
        assert next(other.parameters()) is not next(layer.parameters())


@ANY_LAYER
def test_a_layer_moves_to_float64(name, options):
    layer = make(name, 3, 4, **options)
    inputs = torch.randn(5, 2, 3)
    before = layer(inputs)[0]
    after = layer.double()(inputs.double())[0]
    assert after.dtype == torch.float64
    torch.testing.assert_close(before.double(), after, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", LAYERS)
def test_outputs_fit_automatic_mixed_precision(name):
    layer = make(name, 3, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, _ = layer(torch.randn(5, 2, 3))
    assert torch.isfinite(outputs.float()).all()


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_can_be_captured_by_torch_export(name):
    layer = make(name, 3, 4, batch_first=True)
    inputs = torch.randn(2, 5, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own deprecations
        program = torch.export.export(layer, (inputs,))
    assert_same(program.module()(inputs), layer(inputs))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", LAYERS)
def test_a_compiled_layer_gives_the_same_numbers_and_gradients(name):
    layer = make(name, 3, 4, num_layers=2, batch_first=True, bidirectional=True)
    compiled, inputs = torch.compile(layer, backend="aot_eager"), torch.randn(2, 5, 3)
    assert_same(compiled(inputs), layer(inputs))
    assert_same(compiled(inputs, lengths=torch.tensor([3, 5])), layer(inputs, lengths=[3, 5]))
    gradients = []
    for run in (compiled, layer):
        layer.zero_grad()
        run(inputs)[0].square().sum().backward()
        gradients.append(layer.weight_ih_l0.grad.clone())
    torch.testing.assert_close(*gradients)


def test_dropout_on_one_layer_warns_as_torch_does():
    with pytest.warns(UserWarning, match="with num_layers=1 it does nothing"):
        RNN(1, 2, dropout=0.5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@ANY_LAYER
def test_a_layer_on_the_gpu_equals_itself_on_the_cpu(name, options):
    layer = make(name, 3, 4, num_layers=2, bidirectional=True, batch_first=True, **options)
    inputs, lengths = torch.randn(3, 5, 3), torch.tensor([5, 0, 2])
    expected = [layer(inputs), layer(inputs, lengths=lengths)]
    layer.cuda()
    for (outputs, state), known in zip(
        [layer(inputs.cuda()), layer(inputs.cuda(), lengths=lengths)], expected, strict=True
    ):
        assert_same((outputs.cpu(), whole(tuple(part.cpu() for part in parts(state)))), known, 1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RNN(1, 0), "input_size is 1, hidden_size 0, num_layers 1; each must be at least 1"),
        (lambda: RNN(1, 2, 2, dropout=1.5), "dropout is 1.5; it is a probability, so use 0 to 1"),
        (lambda: RNN(1, 2, nonlinearity="sin"), "nonlinearity is 'sin'; use 'tanh' or 'relu'"),
        (lambda: GRU(1, 2, proj_size=1), "proj_size is 1; only an LSTM projects its state, so leave it out"),
        (lambda: LSTM(1, 2, proj_size=2), "proj_size is 2; it must be at least 0 and below hidden_size 2"),
        (
            lambda: RNN(1, 2)(torch.zeros(3)),
            "input has 1 dimensions; a batch has 3 and a single sequence has 2",
        ),
        (lambda: RNN(1, 2)(torch.zeros(3, 2, 4)), "input has 4 features, the layer has input_size 1"),
        (
            lambda: RNN(1, 2)(torch.zeros(3, 2, 1), torch.zeros(1, 3, 2)),
            r"hx has the shapes \[\(1, 3, 2\)\], this layer and batch need \[\(1, 2, 2\)\]",
        ),
        (
            lambda: RNN(1, 2)(torch.zeros(3, 1), lengths=[3]),
            "lengths came with a single sequence; use it with",
        ),
        (
            lambda: RNN(1, 2)(pack_sequence([torch.zeros(3, 1)]), lengths=[3]),
            "lengths came with a PackedSequence, which knows its own; leave lengths out",
        ),
        (
            lambda: RNN(1, 2)(torch.zeros(3, 2, 1), lengths=[3]),
            r"lengths has the shape \(1,\) and type torch.int64; use 2 integers",
        ),
        (
            lambda: RNN(1, 2)(torch.zeros(3, 2, 1), lengths=torch.tensor([1.0, 2.0])),
            r"lengths has the shape \(2,\) and type torch.float32; use 2 integers",
        ),
        (
            lambda: RNN(1, 2)(torch.zeros(3, 2, 1), lengths=[4, 1]),
            "lengths run from 1 to 4, but the input has 3 steps; use 0 to 3",
        ),
    ],
)
def test_bad_settings_and_inputs_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
