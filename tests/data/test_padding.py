import numpy as np
import pytest
import torch

from ostinato.data.padding import RaggedBatches, length_buckets, pad
from ostinato.errors import ConfigError, DataError


def test_padding_is_zero_after_each_sequence():
    padded, lengths = pad([np.ones((2, 3)), np.ones((4, 3))], torch.float32)
    assert padded.shape == (2, 4, 3)
    assert lengths.tolist() == [2, 4]
    assert padded[0].sum() == 6


@pytest.mark.parametrize("shape", [(0,), (0, 3)])
def test_empty_sequences_are_all_padding(shape):
    padded, lengths = pad([np.zeros(shape), np.zeros(shape)], torch.float32)
    assert padded.shape == (2, 1, *shape[1:])
    assert lengths.tolist() == [0, 0]


def test_sequences_of_other_features_are_refused():
    with pytest.raises(DataError, match=r"steps of the shapes \[\(2,\), \(3,\)\]"):
        pad([np.zeros((1, 2)), np.zeros((1, 3))], torch.float32)


def test_every_sequence_is_in_one_bucket():
    rng = np.random.default_rng(0)
    batches = length_buckets(rng.integers(1, 90, 1003), 8, rng)
    assert sorted(np.concatenate(batches).tolist()) == list(range(1003))
    assert max(map(len, batches)) == 8


def test_buckets_waste_little_padding():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 100, 2000)
    padded = sum(len(batch) * lengths[batch].max() for batch in length_buckets(lengths, 20, rng))
    assert padded < 1.1 * lengths.sum()


def test_the_same_seed_gives_the_same_buckets():
    one, other = (length_buckets(range(100), 7, np.random.default_rng(3)) for _ in range(2))
    assert all(np.array_equal(first, second) for first, second in zip(one, other, strict=True))


def test_an_epoch_depends_on_seed_and_number_alone():
    sequences, targets = [np.arange(1, n + 1) for n in (3, 1, 4, 1, 5, 9)], list(range(6))
    source = RaggedBatches(sequences, targets, batch_size=2, seed=5)
    first, again = ([batch.targets.tolist() for batch in source.epoch(1)] for _ in range(2))
    assert first == again
    assert first != [batch.targets.tolist() for batch in source.epoch(2)]


def test_targets_that_are_sequences_come_with_a_mask():
    (batch,) = RaggedBatches([[1], [2, 3]], [[1, 2, 3], [4]], batch_size=2, seed=None).epoch(0)
    assert batch.targets.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert batch.mask.tolist() == [[True, True, True], [True, False, False]]
    assert batch.real == 4


def test_sequences_are_changed_in_training_only():
    def change(arrays, rng):
        return [array + 1 for array in arrays]

    for seed, total in ((0, 2.0), (None, 0.0)):
        source = RaggedBatches(
            [np.zeros(2)], [0], batch_size=1, seed=seed, dtype=torch.float32, change=change
        )
        assert next(iter(source.epoch(0))).inputs.sum() == total


def test_as_many_targets_as_sequences_are_needed():
    with pytest.raises(DataError, match="there are 2 sequences and 1 targets"):
        RaggedBatches([[1], [2]], [0])


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(ConfigError, match="batch_size is 0"):
        length_buckets([1], 0, None)
