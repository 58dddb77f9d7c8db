"""The fused kernels against torch's operators in float64, on every instruction set that this machine has."""

import pytest
import torch

from ostinato import kernels
from ostinato.kernels.choice import is_faster
from ostinato.kernels.torch_path import run_torch, scan_masked, scan_stack

KINDS = ("rnn_tanh", "rnn_relu", "lstm", "gru")
# Relative norms that float32 allows: an activation is good to 1e-7, and a gradient is a sum of many of them.
OUTPUT_TOLERANCE, GRADIENT_TOLERANCE = 1e-6, 2e-6


def assert_close_to_exact(case, relative_error):
    """Check the kernels' numbers.

    A gradient of a few numbers that nearly cancel has no norm to be measured by: of 10,861 gradients of 1,000 shapes
    four exceed the tolerance, all of one number, by up to 1e-5.
    """
    values, gradients = case.cast(torch.float32).results(kernels.run)
    exact_values, exact_gradients = case.cast(torch.float64).results(kernels.run)
    for value, exact in zip(values, exact_values, strict=True):
        assert relative_error(value, exact) <= OUTPUT_TOLERANCE
    for index, (value, exact) in enumerate(zip(gradients, exact_gradients, strict=True)):
        allowed = GRADIENT_TOLERANCE if exact.numel() > 4 else 10 * GRADIENT_TOLERANCE
        assert relative_error(value, exact) <= allowed, (index, case.stack)


@pytest.mark.parametrize("seed", range(40))
def test_outputs_and_gradients_are_those_of_float64(isa, seed, make_case, relative_error):
    assert_close_to_exact(make_case(seed), relative_error)


@pytest.mark.slow
def test_outputs_and_gradients_are_those_of_float64_on_a_thousand_shapes(make_case, relative_error):
    for seed in range(1000, 2000):
        assert_close_to_exact(make_case(seed), relative_error)


@pytest.mark.parametrize("kind", KINDS)
def test_the_shapes_at_the_edges_are_right(isa, kind, make_case, relative_error):
    for sizes in ({"time": 1, "batch": 1}, {"features": 1, "hidden": 1}, {"hidden": 129, "batch": 65}):
        assert_close_to_exact(make_case(5, kind=kind, padded=False, **sizes), relative_error)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bits_on_any_number_of_threads_and_from_run_to_run(isa, kind, make_case, set_threads):
    case = make_case(3, kind=kind, batch=77, time=9, features=5, hidden=40, layers=2, bidirectional=True)
    results = []
    for threads in (1, 2, 3, 5, 2):
        set_threads(threads)
        values, gradients = case.cast(torch.float32).results(kernels.run)
        results.append([*values, *gradients])
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_inference_gives_the_bits_of_training(isa, kind, make_case):
    case = make_case(4, kind=kind, batch=40, time=6, layers=3, padded=True)
    values, _ = case.cast(torch.float32).results(kernels.run)
    with torch.no_grad():
        outputs, state = kernels.run(case.stack, case.inputs, case.state, case.weights, case.lengths)
    assert all(torch.equal(a, b) for a, b in zip(values, (outputs, *state), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_padding_is_neither_read_nor_given_gradients(isa, kind, make_case):
    case = make_case(6, kind=kind, batch=5, time=7, padded=False, bidirectional=True, layers=2)
    case.lengths = torch.tensor([0, 3, 7, 1, 5])
    padding = torch.arange(7)[None, :] >= case.lengths[:, None]
    case.inputs[padding] = float("nan")
    values, gradients = case.cast(torch.float32).results(kernels.run)
    assert all(each.isfinite().all() for each in (*values, *gradients))
    assert not values[0][padding].any()
    assert not gradients[0][padding].any()
    torch.testing.assert_close(values[1][:, 0], case.state[0][:, 0], rtol=0, atol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_nan_and_an_infinity_come_out_as_torch_has_them(isa, kind, make_case):
    case = make_case(8, kind=kind, batch=2, time=3, hidden=24, layers=1, padded=False, bidirectional=False)
    case.inputs[0, 1, 0] = float("nan")
    with torch.no_grad():
        ours, _ = kernels.run(case.stack, case.inputs, case.state, case.weights, None)
        theirs, _ = run_torch(case.stack, case.inputs, case.state, case.weights, None)
    assert torch.equal(ours.isnan(), theirs.isnan())
    case.inputs[0, 1, 0] = 1e30
    with torch.no_grad():
        ours, _ = kernels.run(case.stack, case.inputs, case.state, case.weights, None)
        theirs, _ = run_torch(case.stack, case.inputs, case.state, case.weights, None)
    assert torch.equal(ours.isfinite(), theirs.isfinite())


@pytest.mark.parametrize("kind", KINDS)
def test_time_first_and_strided_inputs_give_the_same(isa, kind, make_case):
    case = make_case(9, kind=kind, batch=5, time=7, features=6, padded=False)
    wide = torch.randn(5, 7, 12)
    wide[:, :, ::2] = case.inputs
    versions = (case.inputs, case.inputs.transpose(0, 1).contiguous().transpose(0, 1), wide[:, :, ::2])
    with torch.no_grad():
        results = [kernels.run(case.stack, each, case.state, case.weights, None)[0] for each in versions]
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])
    assert results[1].transpose(0, 1).is_contiguous()


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_multiplies_by_masks_of_the_right_share_and_scale(isa, kind, make_case, relative_error):
    case = make_case(
        11, kind=kind, batch=20, time=6, features=4, hidden=24, layers=2, bidirectional=True, padded=True,
        dropout=0.3, recurrent_dropout=0.25,
    )  # fmt: skip
    torch.manual_seed(1)
    values, gradients = case.cast(torch.float32).results(kernels.run)
    torch.manual_seed(1)
    seed = int(torch.randint(2**62, (1,)))
    between, recurrent = kernels_masks(case, seed)
    for mask, probability in ((between, 0.3), (recurrent, 0.25)):
        assert mask.unique().tolist() == [0.0, pytest.approx(1 / (1 - probability))]
        assert (mask == 0).float().mean().item() == pytest.approx(probability, abs=0.04)

    def reference(stack, inputs, state, weights, lengths):
        scans = iter(range(4))

        def scan(inputs, start, own, lengths, reverse):
            index = next(scans)
            masked = inputs * between if index >= 2 else inputs
            return scan_masked(kind, recurrent[index], masked, start, own, lengths, reverse)

        plain = kernels.Stack(kind, 2, True, stack.bias, 0.0, True, stack.weights_per_scan)
        return scan_stack(scan, plain, inputs, state, weights, lengths)

    exact_values, exact_gradients = case.cast(torch.float64).results(reference)
    for value, exact in zip(values, exact_values, strict=True):
        assert relative_error(value, exact) <= OUTPUT_TOLERANCE
    for value, exact in zip(gradients, exact_gradients, strict=True):
        assert relative_error(value, exact) <= GRADIENT_TOLERANCE


def kernels_masks(case, seed):
    """The masks that the kernels make from a seed: of the second layer's inputs, and of each scan."""
    from ostinato.kernels import library, native

    batch, time, features = case.inputs.shape
    hidden = case.state[0].size(2)
    sizes = (native.KINDS[case.stack.kind], batch, time, features, hidden, 2, 2, case.stack.bias, 1, seed)
    problem = native.Problem(*sizes, case.stack.dropout, case.stack.recurrent_dropout, None)
    between, recurrent = torch.empty(batch, time, 2 * hidden), torch.empty(4, batch, hidden)
    native.dropout_mask(library.load(), problem, 1, between)
    for scan in range(4):
        native.recurrent_mask(library.load(), problem, scan, recurrent[scan])
    return between, recurrent


def test_dropout_of_everything_leaves_zeros_between_the_layers(isa, make_case):
    case = make_case(12, kind="lstm", layers=2, bias=False, bidirectional=False, dropout=1.0)
    case.state = tuple(torch.zeros_like(part) for part in case.state)
    outputs, _ = kernels.run(case.stack, case.inputs, case.state, case.weights, None)
    assert not outputs.any()


def test_dropout_differs_from_call_to_call_and_rests_at_inference(make_case):
    case = make_case(13, kind="gru", batch=4, time=5, layers=2, dropout=0.5, recurrent_dropout=0.5)
    first, second = (kernels.run(case.stack, case.inputs, case.state, case.weights, None)[0] for _ in "ab")
    assert not torch.equal(first, second)
    resting = kernels.Stack(*(getattr(case.stack, n) for n in ("kind", "num_layers", "bidirectional", "bias")),
                            0.5, False, case.stack.weights_per_scan, 0.5)  # fmt: skip
    ours, _ = kernels.run(resting, case.inputs, case.state, case.weights, None)
    theirs, _ = run_torch(resting, case.inputs, case.state, case.weights, None)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_other_types_run_on_torchs_operators(make_case):
    case = make_case(14).cast(torch.float64)
    ours = kernels.run(case.stack, case.inputs, case.state, case.weights, case.lengths)[0]
    theirs = run_torch(case.stack, case.inputs, case.state, case.weights, case.lengths)[0]
    assert torch.equal(ours, theirs)


def test_short_batches_run_where_they_were_measured_to_be_faster():
    assert is_faster("lstm", 1, 1, 512, training=True)
    assert not is_faster("lstm", 1, 100, 512, training=False)
    assert is_faster("lstm", 4, 100, 512, training=False)
    assert not is_faster("lstm", 256, 1, 512, training=True)
    assert not is_faster("gru", 1, 1, 512, training=True)
    assert is_faster("gru", 1, 2, 512, training=True)
    assert not is_faster("rnn_tanh", 1, 2, 32, training=True)
    assert is_faster("rnn_relu", 32, 4, 32, training=True)


def test_info_names_the_path_and_the_library(isa):
    info = kernels.info()
    assert info["path"] == "fused"
    assert info["isa"] == isa
    assert str(info["library"]).endswith(f"{isa}.so")
    assert info["compiler"] == "kernels were built at installation"


def test_info_says_when_torchs_operators_run(monkeypatch):
    monkeypatch.setenv("OSTINATO_ISA", "torch")
    assert (kernels.info()["path"], kernels.info()["isa"]) == ("torch", None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_layer_on_cuda_runs_on_torchs_operator(make_case):
    case = make_case(15, padded=False)
    moved = [each.cuda() for each in case.tensors()]
    parts = len(case.state)
    arguments = (case.stack, moved[0], tuple(moved[1 : 1 + parts]), moved[1 + parts :], None)
    assert torch.equal(kernels.run(*arguments)[0], run_torch(*arguments)[0])
