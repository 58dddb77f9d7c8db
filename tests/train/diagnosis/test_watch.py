import pytest
import torch
from torch import nn

from ostinato.data.batch import Batch, Batches
from ostinato.train.config import TrainConfig
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
    assert set(values) == {"losses", "gradient_norms", "update_ratios", "memories"}
    assert not any(values.values())


def test_the_memory_is_followed_on_request():
    def loss(network, batch):
        return (network(batch.inputs)[0][:, -1] - batch.targets).square().mean()

    def run(watchers):
        torch.manual_seed(0)
        model = nn.GRU(1, 4, batch_first=True)
        data = Batch(torch.randn(20, 6, 1), torch.randn(20, 4))
        fit(
            model,
            Batches(data, batch_size=5),
            loss=lambda batch, _: (loss(model, batch), None),
            config=TrainConfig(epochs=3),
            watchers=watchers,
        )
        return model.weight_hh_l0.detach().clone()

    watch = TrainingWatch(loss=loss, memory_every=5)
    torch.testing.assert_close(run([watch]), run([]), rtol=0, atol=0)
    assert [update for update, _ in watch.memories] == [4, 9]
    assert all(1 <= memory <= 6 for _, memory in watch.memories)


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
