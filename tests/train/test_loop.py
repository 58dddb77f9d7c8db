import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ostinato.data.batch import Batch, Batches
from ostinato.errors import ConfigError, TrainingError
from ostinato.nn import LAYERS
from ostinato.nn.losses import mse
from ostinato.train.config import TrainConfig
from ostinato.train.loop import fit


class Network(nn.Module):
    """A recurrent layer with one output a step."""

    def __init__(self, cell="lstm", hidden=4, dropout=0.0):
        super().__init__()
        still = (
            {"zoneout_h": 0.0, "zoneout_c": 0.0} if cell == "zoneout" else {}
        )  # nothing is drawn by chance
        self.recurrent = LAYERS[cell](1, hidden, batch_first=True, **still)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, 1)

    def forward(self, inputs, state=None):
        outputs, state = self.recurrent(inputs, state)
        return self.output(self.dropout(outputs)).squeeze(-1), state


class Listed:
    """A source that gives the same batches each epoch."""

    def __init__(self, *batches):
        self.batches = batches

    def epoch(self, number):
        return iter(self.batches)


def network(cell="lstm", dropout=0.0, dtype=torch.float32):
    torch.manual_seed(0)
    return Network(cell, dropout=dropout).to(dtype)


def batch_of(rows=3, time=12, seed=0, dtype=torch.float32, first=None):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, time, 1, generator=generator, dtype=dtype)
    return Batch(inputs, inputs[:, :, 0].cumsum(1).sin(), first=first)


def loss_of(model):
    def loss(batch, state):
        prediction, state = model(batch.inputs, state)
        return mse(prediction, batch.targets, batch.mask), state

    return loss


def watched(model, source, config):
    """Train and return the gradients of each update."""
    seen = []

    def watch(model, step):
        seen.append([weight.grad.clone() for weight in model.parameters()])

    fit(model, source, loss=loss_of(model), config=config, watchers=[watch])
    return seen


def assert_gradients(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=1e-10)


def gradients_by_hand(model, pieces, state):
    """Gradient of the loss on the last piece, with the state carried through the pieces before it."""
    model.zero_grad()
    for piece in pieces:
        value, state = loss_of(model)(piece, state)
    value.backward()
    return [weight.grad.clone() for weight in model.parameters()]


def detached(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


@pytest.mark.parametrize("cell", LAYERS)
def test_a_window_of_the_whole_length_equals_full_bptt(cell):
    batch = batch_of(dtype=torch.float64)
    full = gradients_by_hand(network(cell, dtype=torch.float64), [batch], None)
    for tbptt in (None, (12, 12), (30, 60)):
        model = network(cell, dtype=torch.float64)
        (ours,) = watched(model, Listed(batch), TrainConfig(epochs=1, tbptt=tbptt))
        assert_gradients(ours, full)


# With a rate this small the weights stay as they are, so every update can be compared with one by hand.
STILL = {"epochs": 1, "learning_rate": 1e-300, "optimizer": "sgd"}


@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize(("every", "back"), [(1, 1), (3, 3), (3, 6), (3, 9), (2, 4), (5, 10), (4, 24)])
def test_truncated_gradients_equal_those_cut_by_hand(cell, every, back):
    batch = batch_of(dtype=torch.float64)
    model = network(cell, dtype=torch.float64)
    seen = watched(model, Listed(batch), TrainConfig(**STILL, tbptt=(every, back)))
    pieces, states, state = list(batch.chunks(every)), [None], None
    for piece in pieces:
        state = detached(model(piece.inputs, state)[1])
        states.append(state)
    assert len(seen) == len(pieces)
    for last, ours in enumerate(seen):
        start = max(0, last + 1 - back // every)
        assert_gradients(ours, gradients_by_hand(model, pieces[start : last + 1], states[start]))


@settings(max_examples=10)
@given(time=st.integers(1, 9), every=st.integers(1, 10), times=st.integers(1, 3))
def test_truncation_updates_once_for_each_piece(time, every, times):
    model = network()
    seen = watched(model, Listed(batch_of(time=time)), TrainConfig(epochs=1, tbptt=(every, every * times)))
    assert len(seen) == math.ceil(time / every)


def test_a_window_of_all_past_steps_differs_from_a_short_one():
    model = network(dtype=torch.float64)
    source = Listed(batch_of(dtype=torch.float64))
    short, long = (watched(model, source, TrainConfig(**STILL, tbptt=(3, back)))[-1] for back in (3, 12))
    assert not torch.allclose(short[0], long[0], rtol=1e-3)


def states_seen(*batches, tbptt=None):
    """Train on batches and return the state that each call of the loss came with."""
    model, seen = network("gru"), []

    def loss(batch, state):
        seen.append(state)
        return loss_of(model)(batch, state)

    fit(model, Listed(*batches), loss=loss, config=TrainConfig(epochs=1, tbptt=tbptt))
    return seen


def test_the_state_starts_anew_where_batches_do_not_say_they_go_on():
    assert states_seen(batch_of(), batch_of()) == [None, None]


def test_the_state_resets_at_series_boundaries():
    goes_on = torch.tensor([False, True, False])
    first, second = states_seen(batch_of(), batch_of(first=goes_on))
    assert first is None
    assert not second[:, 1].any()
    assert second[:, 0].any()
    assert second[:, 2].any()


def test_a_state_that_goes_on_is_the_last_one_without_its_gradient():
    nobody = torch.zeros(3, dtype=torch.bool)
    seen = states_seen(batch_of(), batch_of(first=nobody))
    assert not seen[1].requires_grad
    expected = network("gru")(batch_of().inputs)[1]
    assert seen[1].shape == expected.shape


def test_the_state_is_carried_between_pieces_and_reset_between_batches():
    seen = states_seen(batch_of(time=4), batch_of(time=4), tbptt=(2, 2))
    assert [state is None for state in seen] == [True, False, True, False]


def test_rows_of_another_number_cannot_go_on():
    with pytest.raises(ConfigError, match="a batch of 2 rows goes on from one of 3; keep the number of rows"):
        states_seen(batch_of(), batch_of(rows=2, first=torch.zeros(2, dtype=torch.bool)))


def test_a_run_learns_a_line_from_noise_free_windows():
    time = torch.arange(64.0) / 64
    windows = Batch(time.unfold(0, 8, 1).unsqueeze(-1), time.unfold(0, 8, 1) + 1 / 64)
    model = network()
    config = TrainConfig(epochs=30, learning_rate=0.03)
    history = fit(model, Batches(windows, batch_size=16), loss=loss_of(model), config=config)
    assert history.train[-1] < 0.1 * history.train[0]


def quick(config, *, dropout=0.3, validation=None, **options):
    """Train a small network on the same data and return it with its history."""
    model = network(dropout=dropout)
    source = Batches(batch_of(rows=10), batch_size=4, seed=config.seed)
    return model, fit(model, source, loss=loss_of(model), config=config, validation=validation, **options)


def test_the_same_seed_gives_the_same_bits():
    results = [quick(TrainConfig(epochs=3, seed=seed)) for seed in (5, 5, 6)]
    states = [model.state_dict() for model, _ in results]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert results[0][1].train == results[1][1].train
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0])


def test_random_numbers_outside_are_not_disturbed():
    torch.manual_seed(1)
    network()
    torch.manual_seed(1)
    expected = torch.rand(3)
    model = network()
    source = Listed(batch_of())
    torch.manual_seed(1)
    fit(model, source, loss=loss_of(model), config=TrainConfig(epochs=1))
    assert torch.equal(torch.rand(3), expected)


class Judge:
    """A loss whose validation follows a script while training goes on as usual."""

    def __init__(self, model, script):
        self.model, self.script, self.weights = model, list(script), []

    def __call__(self, batch, state):
        value, state = loss_of(self.model)(batch, state)
        if self.model.training:
            return value, state
        self.weights.append({name: weight.clone() for name, weight in self.model.state_dict().items()})
        return torch.tensor(self.script[len(self.weights) - 1]), state


@pytest.mark.parametrize("ema", [None, 0.9])
def test_patience_stops_and_the_best_weights_are_kept(ema):
    model = network()
    judge = Judge(model, [3.0, 2.0, 2.5, 2.0, 2.2, 9.0])
    config = TrainConfig(epochs=50, patience=3, ema=ema)
    history = fit(model, Listed(batch_of()), loss=judge, config=config, validation=Listed(batch_of()))
    assert history.validation == [3.0, 2.0, 2.5, 2.0, pytest.approx(2.2)]
    assert (history.best_epoch, history.stopped_early) == (1, True)
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, judge.weights[1][name])


def test_a_function_of_the_model_judges_without_gradients_and_dropout():
    model, seen = network(dropout=0.5), []

    def judge(judged):
        seen.append((judged is model, judged.training, torch.is_grad_enabled()))
        return [3.0, 1.0, 2.0, 2.0][len(seen) - 1]

    config = TrainConfig(epochs=9, patience=2)
    history = fit(model, Listed(batch_of()), loss=loss_of(model), config=config, validation=judge)
    assert seen == [(True, False, False)] * 4
    assert history.validation == [3.0, 1.0, 2.0, 2.0]
    assert (history.best_epoch, history.stopped_early) == (1, True)


def test_a_judge_that_gives_no_number_stops_the_training():
    model = network()
    with pytest.raises(TrainingError, match="the validation loss became nan in epoch 1"):
        fit(
            model,
            Listed(batch_of()),
            loss=loss_of(model),
            config=TrainConfig(),
            validation=lambda _: math.nan,
        )


def test_without_patience_the_last_weights_are_kept():
    model = network()
    judge = Judge(model, [1.0, 2.0, 3.0])
    history = fit(
        model, Listed(batch_of()), loss=judge, config=TrainConfig(epochs=3), validation=Listed(batch_of())
    )
    assert (history.best_epoch, history.stopped_early) == (2, False)
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, judge.weights[2][name])


def test_averaged_weights_are_judged_and_kept():
    model = network()
    judge = Judge(model, [1.0, 1.0])
    config = TrainConfig(epochs=2, ema=0.5, learning_rate=0.1)
    fit(model, Listed(batch_of()), loss=judge, config=config, validation=Listed(batch_of()))
    plain = network()
    fit(plain, Listed(batch_of()), loss=loss_of(plain), config=TrainConfig(epochs=2, learning_rate=0.1))
    names = list(model.state_dict())
    assert all(torch.equal(model.state_dict()[name], judge.weights[1][name]) for name in names)
    assert any(not torch.equal(model.state_dict()[name], plain.state_dict()[name]) for name in names)


def test_validation_is_the_mean_over_real_values():
    model = network()
    mask = torch.zeros(3, 12, dtype=torch.bool)
    mask[0, :2] = True
    one, other = batch_of(seed=1), batch_of(seed=2)
    one = Batch(one.inputs, one.targets, mask)
    config = TrainConfig(epochs=1)
    history = fit(model, Listed(one), loss=loss_of(model), config=config, validation=Listed(one, other))
    with torch.no_grad():
        errors = [(model(batch.inputs)[0] - batch.targets) ** 2 for batch in (one, other)]
    expected = torch.cat([errors[0][mask], errors[1].flatten()]).mean().item()
    assert history.validation == [pytest.approx(expected, rel=1e-5)]


def test_the_history_has_one_entry_an_epoch():
    _, history = quick(TrainConfig(epochs=4, schedule="cosine", learning_rate=0.1))
    assert len(history) == 4
    assert history.learning_rate == pytest.approx(
        [0.1 * 0.5 * (1 + math.cos(math.pi * e / 4)) for e in range(4)]
    )
    assert all(norm > 0 for norm in history.gradient_norm)
    assert all(second > 0 for second in history.seconds)
    assert history.validation == []


def test_progress_is_told_after_each_epoch():
    calls = []
    validation = Listed(batch_of())
    _, history = quick(
        TrainConfig(epochs=2), validation=validation, progress=lambda *arguments: calls.append(arguments)
    )
    assert calls == [
        (epoch + 1, 2, {"train": history.train[epoch], "validation": history.validation[epoch]})
        for epoch in (0, 1)
    ]


def test_a_watcher_sees_each_update_and_its_gradient_before_clipping():
    steps, norms = [], []

    def watch(model, step):
        steps.append((step.epoch, step.update))
        norms.append(torch.stack([weight.grad.norm() for weight in model.parameters()]).norm().item())

    _, history = quick(TrainConfig(epochs=2, clip_norm=1e-3), watchers=[watch])
    assert steps == [(0, 0), (0, 1), (0, 2), (1, 3), (1, 4), (1, 5)]
    assert history.gradient_norm == pytest.approx([max(norms[:3]), max(norms[3:])])


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_every_optimizer_lowers_the_loss(optimizer):
    _, history = quick(TrainConfig(epochs=15, optimizer=optimizer, learning_rate=0.02), dropout=0.0)
    assert history.train[-1] < history.train[0]


def test_the_model_is_left_ready_to_predict():
    model, _ = quick(TrainConfig(epochs=1))
    assert not model.training


def test_frozen_weights_stay():
    model = network()
    model.recurrent.requires_grad_(False)
    before = model.recurrent.weight_hh_l0.clone()
    fit(model, Listed(batch_of()), loss=loss_of(model), config=TrainConfig(epochs=2))
    assert torch.equal(model.recurrent.weight_hh_l0, before)


def test_a_loss_that_is_not_a_number_stops_with_what_to_try():
    model = network()
    batch = batch_of()
    batch.inputs[0, 3] = float("nan")
    with pytest.raises(
        TrainingError, match=r"the loss became nan in epoch 1 after 0 updates; try a learning_rate below"
    ):
        fit(model, Listed(batch), loss=loss_of(model), config=TrainConfig(epochs=1))
    assert all(torch.isfinite(weight).all() for weight in model.parameters())


def test_an_infinite_validation_loss_stops_with_what_to_try():
    judge = Judge(network(), [math.inf])
    config = TrainConfig(epochs=1, clip_norm=None)
    with pytest.raises(
        TrainingError, match=r"the validation loss became inf in epoch 1 .* set clip_norm=1.0"
    ):
        fit(judge.model, Listed(batch_of()), loss=judge, config=config, validation=Listed(batch_of()))


def test_no_batches_are_refused():
    with pytest.raises(ConfigError, match="there are no batches to train on; give at least one row"):
        fit(network(), Listed(), loss=loss_of(network()), config=TrainConfig())


def test_validation_without_a_real_target_is_refused():
    model, empty = network(), batch_of()
    empty = Batch(empty.inputs, empty.targets, torch.zeros(3, 12, dtype=torch.bool))
    with pytest.raises(ConfigError, match="the validation batches have no real target; leave validation out"):
        fit(model, Listed(batch_of()), loss=loss_of(model), config=TrainConfig(), validation=Listed(empty))


def test_a_model_without_weights_to_train_is_refused():
    model = network().requires_grad_(False)
    with pytest.raises(ConfigError, match="the model has no weights to train; set requires_grad on some"):
        fit(model, Listed(batch_of()), loss=loss_of(model), config=TrainConfig())


def test_resume_without_a_checkpoint_is_refused():
    model = network()
    with pytest.raises(ConfigError, match="resume is set without a checkpoint; say which file to go on from"):
        fit(model, Listed(batch_of()), loss=loss_of(model), config=TrainConfig(), resume=True)
