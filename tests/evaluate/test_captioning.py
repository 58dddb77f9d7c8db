"""What is compared with a captioner: the most frequent sentence, and the nearest example by brute force."""

import numpy as np
import pytest

from ostinato.evaluate import captioning
from ostinato.evaluate.captioning import MostFrequent, NearestNeighbour


def test_the_most_frequent_sentence_is_said_of_all():
    assert MostFrequent.fit(["b", "a", "b"]).predict([None] * 3) == ["b"] * 3


@pytest.mark.parametrize("shape", [(7,), (6, 5, 3)])
def test_the_neighbour_is_the_one_found_by_looking_at_each(monkeypatch, shape):
    monkeypatch.setattr(captioning, "_ROWS_AT_ONCE", 3)
    random = np.random.default_rng(0)
    known, asked = random.normal(size=(20, *shape)), random.normal(size=(8, *shape))
    rows = known.reshape(20, -1)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    expected = [
        int(np.argmin([np.sum(((one.ravel() - row) / deviation) ** 2) for row in rows])) for one in asked
    ]
    assert mean.shape == deviation.shape
    found = NearestNeighbour.fit(list(known), [str(place) for place in range(20)]).predict(list(asked))
    assert found == [str(place) for place in expected]


@pytest.mark.parametrize("shape", [(48, 48, 3), (50, 31, 1), (3, 400, 1)])
def test_large_images_are_brought_down_to_means_over_blocks(shape):
    features = captioning._blocks(np.full(shape, 7, dtype=np.uint8))
    assert 1 <= features.size <= captioning.MOST_FEATURES
    assert (features == 7).all()


def test_a_block_is_the_mean_of_its_pixels():
    image = np.arange(64 * 64, dtype=np.float64).reshape(64, 64, 1)
    side = int(np.ceil(np.sqrt(64 * 64 / captioning.MOST_FEATURES)))
    assert captioning._blocks(image)[0] == pytest.approx(image[:side, :side].mean())
