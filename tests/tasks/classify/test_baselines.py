import numpy as np
import pytest

from ostinato.data.examples import read_examples
from ostinato.errors import DataError
from ostinato.evaluate.classification import accuracy
from ostinato.tasks.classify.baselines import (
    BagOfWords,
    Majority,
    NearestNeighbour,
    WarpingNeighbour,
    _warped,
)


def test_the_majority_is_the_most_frequent_class():
    assert Majority(["b", "a", "b"]).predict([1, 2]).tolist() == ["b", "b"]


def test_a_bag_of_words_learns_words():
    texts = ["fine film", "fine plot", "dull film", "dull plot"] * 3
    model = BagOfWords(texts, ["good", "good", "bad", "bad"] * 3)
    assert model.predict(["a fine day", "so dull"]).tolist() == ["good", "bad"]


def test_texts_without_words_make_no_bag():
    with pytest.raises(DataError, match="no training text has a word"):
        BagOfWords(["", " "], ["a", "b"])


def naive_warping(one, other):
    table = np.full((len(one) + 1, len(other) + 1), np.inf)
    table[0, 0] = 0
    for i in range(len(one)):
        for j in range(len(other)):
            cost = ((one[i] - other[j]) ** 2).sum()
            table[i + 1, j + 1] = cost + min(table[i, j], table[i, j + 1], table[i + 1, j])
    return table[-1, -1]


def test_warping_agrees_with_the_textbook():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(7, 2))
    others = [rng.normal(size=(length, 2)) for length in (3, 9, 1)]
    padded = np.zeros((3, 9, 2))
    for row, values in zip(padded, others, strict=True):
        row[: len(values)] = values
    found = _warped(one, padded, np.array([3, 9, 1]))
    assert np.allclose(found, [naive_warping(one, values) for values in others])


def test_neighbours_of_unequal_lengths_are_compared():
    long, short = np.linspace(0, 1, 50)[:, None], np.linspace(1, 0, 7)[:, None]
    model = NearestNeighbour([long, short], ["up", "down"])
    assert model.predict([np.linspace(0, 1, 9)[:, None], np.zeros((0, 1))]).shape == (2,)
    assert model.predict([np.linspace(0, 1, 9)[:, None]]).tolist() == ["up"]


@pytest.mark.parametrize("kind", [NearestNeighbour, WarpingNeighbour])
def test_nothing_asked_is_nothing_answered(kind):
    assert kind([np.ones((3, 1))], ["a"]).predict([]).tolist() == []


@pytest.mark.data
@pytest.mark.slow
def test_neighbours_have_their_published_errors(shared_data):
    folder = shared_data / "tsc" / "ItalyPowerDemand"
    train, test = (read_examples(folder / f"ItalyPowerDemand_{part}.ts.gz") for part in ("TRAIN", "TEST"))
    for kind, published in ((NearestNeighbour, 0.045), (WarpingNeighbour, 0.050)):
        found = kind(train.inputs, train.labels).predict(test.inputs)
        assert 1 - accuracy(test.labels, found) == pytest.approx(published, abs=5e-4)
