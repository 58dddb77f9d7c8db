import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data.batch import Batch, Batches
from ostinato.errors import ConfigError


def make_batch(rows=4, time=7):
    steps = torch.arange(rows * time, dtype=torch.float32).reshape(rows, time)
    return Batch(
        steps.unsqueeze(-1),
        steps + 1,
        steps > 3,
        {"calendar": steps * 2},
        {"series": torch.arange(rows)},
        torch.ones(rows, dtype=torch.bool),
    )


@settings(max_examples=30)
@given(rows=st.integers(1, 4), time=st.integers(1, 9), size=st.integers(1, 12))
def test_chunks_together_are_the_batch(rows, time, size):
    batch = make_batch(rows, time)
    chunks = list(batch.chunks(size))
    assert all(chunk.inputs.size(1) <= size for chunk in chunks)
    assert torch.equal(torch.cat([chunk.inputs for chunk in chunks], 1), batch.inputs)
    assert torch.equal(torch.cat([chunk.targets for chunk in chunks], 1), batch.targets)
    assert torch.equal(torch.cat([chunk.mask for chunk in chunks], 1), batch.mask)
    assert torch.equal(torch.cat([chunk.extras["calendar"] for chunk in chunks], 1), batch.extras["calendar"])
    assert all(chunk.rows is batch.rows for chunk in chunks)


def test_only_the_first_chunk_begins_series():
    first, second, third = make_batch().chunks(3)
    assert first.first.all()
    assert not second.first.any()
    assert not third.first.any()


def test_chunks_of_a_batch_with_one_target_a_row_are_refused():
    batch = Batch(torch.zeros(2, 7, 1), torch.zeros(2, 3))
    with pytest.raises(
        ConfigError, match=r"targets have shape \(2, 3\) for 7 steps of input and cannot be cut"
    ):
        list(batch.chunks(2))


def test_chunks_below_one_step_are_refused():
    with pytest.raises(ConfigError, match="a chunk has 0 steps; use at least 1"):
        list(make_batch().chunks(0))


def test_select_takes_the_rows_of_every_tensor():
    batch = make_batch().select(torch.tensor([2, 0]))
    assert len(batch) == 2
    assert batch.rows["series"].tolist() == [2, 0]
    assert batch.targets[:, 0].tolist() == [15.0, 1.0]
    assert batch.extras["calendar"][0, 0].item() == 28.0
    assert batch.first.tolist() == [True, True]


def test_real_counts_the_targets_that_count():
    assert make_batch().real == 24
    assert Batch(torch.zeros(2, 3, 1), torch.zeros(2, 3)).real == 6


def test_to_moves_every_tensor():
    moved = make_batch().to("meta")
    tensors = [
        moved.inputs,
        moved.targets,
        moved.mask,
        moved.first,
        moved.rows["series"],
        moved.extras["calendar"],
    ]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def epoch_rows(source, number):
    return [batch.rows["series"].tolist() for batch in source.epoch(number)]


@settings(max_examples=20)
@given(rows=st.integers(1, 20), batch_size=st.integers(1, 8), epoch=st.integers(0, 5), seed=st.integers(0, 9))
def test_an_epoch_has_every_row_once_in_an_order_of_its_own(rows, batch_size, epoch, seed):
    source = Batches(make_batch(rows), batch_size=batch_size, seed=seed)
    order = epoch_rows(source, epoch)
    assert sorted(row for batch in order for row in batch) == list(range(rows))
    assert len(order) == len(source)
    assert max(map(len, order)) <= batch_size
    again = Batches(make_batch(rows), batch_size=batch_size, seed=seed)
    assert epoch_rows(again, epoch) == order


def test_epochs_and_seeds_differ_in_order():
    source, other = (Batches(make_batch(20), batch_size=20, seed=seed) for seed in (0, 1))
    orders = [epoch_rows(source, 0), epoch_rows(source, 1), epoch_rows(other, 0)]
    assert len({str(order) for order in orders}) == 3


def test_without_shuffling_rows_come_as_they_are():
    source = Batches(make_batch(5), batch_size=2, shuffle=False)
    assert epoch_rows(source, 3) == [[0, 1], [2, 3], [4]]


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(ConfigError, match="batch_size is 0; use at least 1"):
        Batches(make_batch(), batch_size=0)
