import pytest
import torch
from torch import nn

from ostinato.data.batch import Batch, Batches
from ostinato.errors import ConfigError
from ostinato.train.config import TrainConfig
from ostinato.train.diagnosis.reading import read_model
from ostinato.train.diagnosis.watch import TrainingWatch
from ostinato.train.loop import fit


def train(watch, clip=None, rate=0.1, updates=4):
    """Plain gradient descent on w * 3, so the gradient is 3 and an update takes 3 * rate from w."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 10.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for _ in range(updates):
        loss = model(torch.full((1, 1), 3.0)).sum()
        optimizer.zero_grad()
        loss.backward()
        watch.note(model, loss.item())
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
    return model


def test_updates_are_measured_against_the_weights():
    watch = TrainingWatch(every=1)
    train(watch)
    assert watch.ratios == pytest.approx([0.3 / 10.0, 0.3 / 9.7, 0.3 / 9.4])
    assert watch.norms == pytest.approx([3.0] * 4)
    summary = watch.summary()
    assert summary.update_ratio == pytest.approx(0.3 / 9.7)
    assert summary.largest_update == pytest.approx(0.3 / 9.4)
    assert (summary.first_loss, summary.worst_loss) == pytest.approx((30.0, 30.0))
    assert summary.last_loss == pytest.approx(3 * (10 - 0.9))


def test_looks_are_as_far_apart_as_asked():
    watch = TrainingWatch(every=3)
    train(watch, updates=8)
    assert len(watch.ratios) == 3  # the updates after the first, fourth and seventh note


@pytest.mark.parametrize(
    ("clip", "clipped", "shrunk"), [(1.5, 1.0, 0.5), (4.0, 0.0, 1.0), (None, None, None)]
)
def test_clipping_is_counted(clip, clipped, shrunk):
    watch = TrainingWatch(TrainConfig(clip_norm=clip))
    train(watch, clip)
    summary = watch.summary()
    assert summary.clipped == clipped
    assert summary.shrunk == (None if shrunk is None else pytest.approx(shrunk))


def test_it_watches_the_training_loop_and_changes_nothing():
    def run(watchers):
        torch.manual_seed(0)
        model = nn.Linear(2, 1)
        data = Batch(torch.randn(20, 2), torch.randn(20, 1))
        config = TrainConfig(epochs=3, learning_rate=0.01)
        fit(
            model,
            Batches(data, batch_size=5),
            loss=lambda batch, _: ((model(batch.inputs) - batch.targets).square().mean(), None),
            config=config,
            watchers=watchers,
        )
        return model.weight.detach().clone()

    watch = TrainingWatch(TrainConfig(), every=2)
    torch.testing.assert_close(run([watch]), run([]), rtol=0, atol=0)
    assert watch.summary().updates == 12
    assert watch.to_dict()["summary"]["updates"] == 12


def test_without_updates_there_is_no_summary():
    values = TrainingWatch().to_dict()
    assert values.pop("summary") is None
    assert set(values) == {"losses", "gradient_norms", "update_ratios"}
    assert not any(values.values())


def last_step_loss(network, batch):
    return (network(batch.inputs)[0][:, -1] - batch.targets).square().mean()


def train_recurrent(watchers, epochs=3, **options):
    """Four updates an epoch; return the weights and the history."""
    torch.manual_seed(0)
    model = nn.GRU(1, 4, batch_first=True)
    data = Batch(torch.randn(20, 6, 1), torch.randn(20, 4))
    history = fit(
        model,
        Batches(data, batch_size=5),
        loss=lambda batch, _: (last_step_loss(model, batch), None),
        config=TrainConfig(epochs=epochs),
        watchers=watchers,
        **options,
    )
    return model.weight_hh_l0.detach().clone(), history


def test_the_memory_is_followed_on_request_and_kept_in_the_history():
    watch = TrainingWatch(loss=last_step_loss, memory_every=5)
    weights, history = train_recurrent([watch])
    torch.testing.assert_close(weights, train_recurrent([])[0], rtol=0, atol=0)
    assert [(each.epoch, each.update) for each in history.sightings] == [(0, 0), (1, 5), (2, 10)]
    assert all(1 <= each.memory <= 6 for each in history.sightings)
    assert [each.gradient_norm for each in history.sightings] == [watch.norms[place] for place in (0, 5, 10)]
    assert [each.update_ratio for each in history.sightings] == [None, watch.ratios[0], watch.ratios[0]]
    assert watch.sightings == history.sightings
    assert watch.summary().sightings == tuple(history.sightings)


def test_the_gradients_of_a_sighting_are_those_of_the_doctor_at_that_moment():
    looked = []

    def look(model, step):
        reading = read_model(model, step.batch, last_step_loss)
        looked.append(reading.layers[0].gradients)

    _, history = train_recurrent([TrainingWatch(loss=last_step_loss, memory_every=1), look], epochs=2)
    assert [each.memory for each in history.sightings] == [each.memory for each in looked]
    assert history.sightings[4].by_lag == {"GRU.l0": pytest.approx(looked[4].by_lag.tolist())}


def test_whole_curves_are_kept_once_in_so_many_epochs():
    watch = TrainingWatch(loss=last_step_loss, memory_every=2, curves_every=2)
    _, history = train_recurrent([watch], epochs=5)
    assert [each.update for each in history.sightings] == list(range(0, 20, 2))
    assert [each.update for each in history.sightings if each.by_lag] == [0, 8, 16]


def test_sightings_are_saved_with_a_checkpoint_and_go_on_after_a_stop(tmp_path):
    def watch():
        return TrainingWatch(loss=last_step_loss, memory_every=2)

    _, whole = train_recurrent([watch()], epochs=4)
    train_recurrent([watch()], epochs=2, checkpoint=tmp_path / "run")
    _, resumed = train_recurrent([watch()], epochs=4, checkpoint=tmp_path / "run", resume=True)
    assert [each.update for each in resumed.sightings] == list(range(0, 16, 2))
    assert [(each.memory, each.by_lag) for each in resumed.sightings] == [
        (each.memory, each.by_lag) for each in whole.sightings
    ]


def test_without_a_loss_sizes_alone_are_seen():
    _, history = train_recurrent([TrainingWatch(memory_every=4)])
    assert [(each.update, each.memory, each.by_lag) for each in history.sightings] == [
        (0, None, {}),
        (4, None, {}),
        (8, None, {}),
    ]


@pytest.mark.parametrize("name", ["every", "memory_every", "curves_every"])
def test_looks_must_be_apart(name):
    with pytest.raises(ConfigError, match=f"{name} is 0; use at least 1"):
        TrainingWatch(**{name: 0})


def test_numbers_go_to_a_writer_as_they_come():
    class Written(list):
        def add_scalar(self, tag, scalar_value, global_step):
            self.append((tag, scalar_value, global_step))

    written = Written()
    train(TrainingWatch(every=1, writer=written), updates=2)
    assert [(tag, step) for tag, _, step in written] == [
        ("watch/loss", 0),
        ("watch/gradient_norm", 0),
        ("watch/loss", 1),
        ("watch/gradient_norm", 1),
        ("watch/update_ratio", 1),
    ]
    assert [value for _, value, _ in written] == pytest.approx([30.0, 3.0, 29.1, 3.0, 0.03])


def test_the_gradient_by_lag_goes_to_a_writer_as_shares():
    class Written(dict):
        def add_scalar(self, tag, scalar_value, global_step):
            self[tag, global_step] = scalar_value

    written = Written()
    _, history = train_recurrent([TrainingWatch(loss=last_step_loss, memory_every=10, writer=written)])
    by_lag = history.sightings[1].by_lag["GRU.l0"]
    assert {tag for tag, _ in written if "lag" in tag} == {
        f"watch/gradient/GRU.l0/lag_{lag}" for lag in (1, 2, 4)
    }
    assert written["watch/gradient/GRU.l0/lag_4", 10] == pytest.approx(by_lag[4] / max(by_lag))
    assert written["watch/memory", 10] == history.sightings[1].memory


def test_tensorboard_reads_back_what_was_seen(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        _, history = train_recurrent([TrainingWatch(loss=last_step_loss, memory_every=5, writer=writer)])
    read = EventAccumulator(str(tmp_path)).Reload()
    assert [(each.step, each.value) for each in read.Scalars("watch/memory")] == [
        (each.update, each.memory) for each in history.sightings
    ]
