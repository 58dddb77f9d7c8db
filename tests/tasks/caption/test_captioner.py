"""The captioner learns to describe vectors and images, answers the same after saving, and says what it cannot use."""

import numpy as np
import pytest

import ostinato
from ostinato import ConfigError, DataError, SequenceCaptioner

DAYS = [[-9.0, 0.0], [12.0, 5.0], [31.0, 0.0]] * 4
SAID = ["a cold day", "a mild and wet day", "a hot day"] * 4
SMALL = {
    "hidden_size": 24,
    "embedding_size": 16,
    "convolutions": (8, 16),
    "dropout": 0.0,
    "random_state": 0,
    "learning_rate": 1e-2,
}


def squares():
    """Images with a light square in one of four corners, of two sizes."""
    images, sentences = [], []
    for down, up in ((0, "top"), (6, "bottom")):
        for across, side in ((0, "left"), (6, "right")):
            for shade in (200, 220, 240, 250):
                image = np.zeros((12, 12), dtype=np.uint8)
                image[down : down + 6, across : across + 6] = shade
                images.append(image)
                sentences.append(f"a square at the {up} {side}")
    return images, sentences


@pytest.fixture(scope="module")
def of_days():
    return SequenceCaptioner(**SMALL, epochs=150).fit(DAYS, SAID)


@pytest.fixture(scope="module")
def of_squares():
    settings = {**SMALL, "convolutions": (16, 32), "batch_size": 4}
    return SequenceCaptioner(**settings, epochs=120).fit(*squares())


def quick(**options):
    return SequenceCaptioner(**{**SMALL, "hidden_size": 8, "epochs": 1, **options})


def test_vectors_are_described(of_days):
    assert of_days.predict([[30.0, 0.2], [-8.0, 0.1], [11.0, 5.2]]) == [SAID[2], SAID[0], SAID[1]]
    assert of_days.score(DAYS, SAID) == 1.0
    assert of_days.shape_ == (2,)


def test_images_are_described(of_squares):
    images, sentences = squares()
    assert of_squares.predict(images) == sentences
    assert of_squares.shape_ == (12, 12, 1)


def test_each_word_has_its_attention_over_the_image(of_squares):
    (one,) = of_squares.caption(squares()[0][:1])
    assert one.attention.shape == (len(one.tokens), 3, 3)
    np.testing.assert_allclose(one.attention.sum(axis=(1, 2)), 1.0, rtol=1e-5)
    assert one.confidence.shape == (len(one.tokens),)
    assert ((one.confidence > 0) & (one.confidence <= 1)).all()


def test_a_vector_is_all_there_is_to_look_at(of_days):
    (one,) = of_days.caption(DAYS[:1])
    assert (one.attention == 1.0).all()
    assert one.attention.shape == (len(one.tokens), 1, 1)


def test_images_of_another_size_are_scaled(of_squares):
    images, sentences = squares()
    doubled = [np.kron(image, np.ones((2, 2), dtype=np.uint8)) for image in images]
    assert of_squares.predict(doubled) == sentences


def test_floats_from_0_to_1_are_the_same_images(of_squares):
    images, sentences = squares()
    assert of_squares.predict([image / 255 for image in images]) == sentences


def test_images_of_several_sizes_can_be_learned_from():
    images, sentences = squares()
    images[3] = np.kron(images[3], np.ones((2, 2), dtype=np.uint8))
    assert quick().fit(images, sentences).shape_ == (12, 12, 1)


@pytest.mark.parametrize("name", ["model", "model.zip"])
def test_a_saved_captioner_answers_as_before(of_squares, tmp_path, name):
    of_squares.save(tmp_path / name)
    again = ostinato.load(tmp_path / name)
    assert again.get_params() == of_squares.get_params()
    images = squares()[0]
    before, after = of_squares.caption(images), again.caption(images)
    assert [one.score for one in before] == [one.score for one in after]
    assert again.shape_ == of_squares.shape_


def test_the_same_seed_gives_the_same_network():
    first, second = (quick().fit(DAYS, SAID).history_["train"] for _ in range(2))
    assert first == second


def test_validation_examples_are_judged_each_epoch():
    history = quick(epochs=2).fit(DAYS, SAID, validation=(DAYS[:3], SAID[:3])).history_
    assert len(history["validation"]) == 2


def test_a_feature_that_never_changes_is_no_trouble():
    days = [[*day, 7.0] for day in DAYS]
    assert np.isfinite(quick().fit(days, SAID).history_["train"]).all()


def test_empty_sentences_are_learned_as_such():
    captioner = SequenceCaptioner(**SMALL, epochs=60).fit([[0.0], [1.0]] * 6, ["", "something"] * 6)
    assert captioner.predict([[0.0], [1.0]]) == ["", "something"]


def test_sentences_are_compared_as_they_are_written(of_days):
    assert of_days.as_written("A  HOT day") == "a hot day"


def test_nothing_is_described_by_nothing(of_days):
    assert of_days.predict([]) == []


def test_scikit_learn_can_clone_it():
    base = pytest.importorskip("sklearn.base")
    assert base.clone(quick(beam=2)).get_params() == quick(beam=2).get_params()


def test_what_is_not_fitted_cannot_describe():
    with pytest.raises(ConfigError, match="this SequenceCaptioner is not fitted yet; call fit first"):
        quick().predict(DAYS)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([], [], "there are no images or vectors; give at least one"),
        (DAYS, SAID[:-1], "there are 12 inputs and 11 sentences; give one for each"),
        ([[1.0], [1.0, 2.0]], ["a", "b"], "item 1 has 2 features, the others have 1; give the same"),
        ([[1.0]], "a", "a single text came, 'a'; give a list of them"),
        ([[1.0]], [None], "item 0 is None, not a text"),
    ],
)
def test_examples_that_cannot_be_used_are_refused(X, y, message):
    with pytest.raises(DataError, match=message):
        quick().fit(X, y)


def test_inputs_of_another_kind_are_refused(of_days):
    with pytest.raises(DataError, match="item 0 is an image, the others are each a vector; give one kind"):
        of_days.predict([np.zeros((4, 4), dtype=np.uint8)])


def test_a_score_needs_a_sentence_for_each(of_days):
    with pytest.raises(DataError, match="there are 12 inputs and 1 sentences; give one for each"):
        of_days.score(DAYS, SAID[:1])
