import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import cross_val_score

import ostinato
from ostinato import SequenceClassifier
from ostinato.errors import ConfigError, DataError, ModelFileError
from ostinato.tasks.classify import fitting
from ostinato.tasks.classify.explain import Explanation
from ostinato.tasks.classify.settings import CELLS
from ostinato.tasks.model_file import load_estimator, save_estimator

GOOD, BAD = "a fine and moving film", "a dull and empty film"
TEXTS, MOODS = [GOOD, BAD] * 15, ["good", "bad"] * 15


def waves(count=12, channels=1, seed=0):
    """Rising and falling series of unequal lengths."""
    rng = np.random.default_rng(seed)
    series, labels = [], []
    for number in range(count):
        length = int(rng.integers(6, 12))
        slope = 1 if number % 2 else -1
        line = slope * np.linspace(-1, 1, length)[:, None] + rng.normal(0, 0.1, (length, channels))
        series.append(line)
        labels.append(number % 2)
    return series, labels


def quick(**options):
    usual = {"members": 1, "epochs": 12, "hidden_size": 16, "learning_rate": 1e-2, "random_state": 0}
    return SequenceClassifier(**{**usual, **options})


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(TEXTS, MOODS)


def test_texts_are_learned(fitted):
    assert fitted.score(TEXTS, MOODS) == 1.0
    assert fitted.classes_.tolist() == ["bad", "good"]
    assert fitted.kind_ == "text"


def test_probabilities_sum_to_one_and_agree_with_the_classes(fitted):
    probabilities = fitted.predict_proba(TEXTS[:4])
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(TEXTS[:4])).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_series_of_unequal_lengths_are_learned(channels):
    series, labels = waves(30, channels)
    classifier = quick(epochs=40).fit(series, labels)
    others, truth = waves(20, channels, seed=1)
    assert classifier.score(others, truth) > 0.9
    assert classifier.predict(others).dtype.kind == "i"


def test_one_array_is_as_good_as_a_list_of_series():
    values = np.random.default_rng(0).normal(size=(8, 5))
    labels = [0, 1] * 4
    flat, deep, listed = (
        quick(epochs=2).fit(X, labels).predict_proba(X) for X in (values, values[:, :, None], list(values))
    )
    assert np.array_equal(flat, deep)
    assert np.array_equal(flat, listed)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_columns_of_pandas_and_polars_are_read(frame, fitted):
    data = frame({"text": TEXTS, "mood": MOODS})
    probabilities = quick().fit(data["text"], data["mood"]).predict_proba(data["text"])
    assert np.array_equal(probabilities, fitted.predict_proba(TEXTS))


def test_the_same_seed_gives_the_same_classifier(fitted):
    again, other = quick().fit(TEXTS, MOODS), quick(random_state=1).fit(TEXTS, MOODS)
    assert np.array_equal(again.predict_proba([GOOD]), fitted.predict_proba([GOOD]))
    assert not np.array_equal(other.predict_proba([GOOD]), fitted.predict_proba([GOOD]))


def test_an_answer_does_not_depend_on_its_neighbours(fitted):
    alone = fitted.predict_proba([BAD])
    together = fitted.predict_proba([BAD, GOOD * 9, "", BAD])
    assert np.allclose(together[0], alone[0], atol=1e-6)
    assert np.allclose(together[3], alone[0], atol=1e-6)


@pytest.mark.parametrize("text", ["", "xyzzy plugh", "!", "film"])
def test_empty_strange_and_short_texts_get_an_answer(fitted, text):
    assert np.isfinite(fitted.predict_proba([text])).all()


def test_empty_series_and_single_steps_are_allowed():
    series, labels = waves(12)
    classifier = quick(epochs=2).fit([*series, np.zeros((0, 1)), np.ones((1, 1))], [*labels, 0, 1])
    assert np.isfinite(classifier.predict_proba([np.zeros((0, 1)), [3.0], []])).all()


def test_no_sequences_get_no_answers(fitted):
    assert fitted.predict_proba([]).shape == (0, 2)
    assert fitted.predict([]).shape == (0,)


def test_validation_data_is_judged_by_all_networks():
    classifier = quick(members=2, epochs=3).fit(TEXTS, MOODS, validation=(TEXTS[:7], MOODS[:7]))
    assert classifier.calibration_["sequences"] == 7
    assert len(classifier.members_) == 2


def test_progress_counts_to_its_end():
    seen = []
    quick(members=2, epochs=2).fit(TEXTS, MOODS, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)


@pytest.mark.parametrize("name", ["model", "model.zip"])
def test_a_saved_classifier_answers_as_before(tmp_path, fitted, name):
    fitted.save(tmp_path / name)
    again = ostinato.load(tmp_path / name)
    assert np.array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))
    assert again.get_params() == fitted.get_params()
    assert again.predict(TEXTS).tolist() == fitted.predict(TEXTS).tolist()


def test_a_saved_classifier_of_series_answers_as_before(tmp_path):
    series, labels = waves(12, 2)
    classifier = quick(epochs=2, class_weight={0: 2.0}).fit(series, labels)
    classifier.save(tmp_path / "m.zip")
    again = ostinato.load(tmp_path / "m.zip")
    assert np.array_equal(again.predict_proba(series), classifier.predict_proba(series))
    assert again.predict(series).dtype.kind == "i"


@pytest.mark.parametrize("change", [{"kind": "smell"}, {"members": [{"seed": 0}]}, {"classes": None}])
def test_a_saved_classifier_that_does_not_fit_together_is_refused(tmp_path, fitted, change):
    fitted.save(tmp_path / "m")
    parameters, extra, weights, history = load_estimator(tmp_path / "m", task="classify")
    save_estimator(
        tmp_path / "m",
        task="classify",
        parameters=parameters,
        extra={**extra, **change},
        weights=weights,
        history=history,
    )
    with pytest.raises(ModelFileError, match="does not fit together"):
        ostinato.load(tmp_path / "m").predict([GOOD])


def test_scikit_learn_takes_it_for_a_classifier():
    assert is_classifier(SequenceClassifier())
    assert clone(quick(cell="gru")).get_params()["cell"] == "gru"


def test_scikit_learn_can_cross_validate():
    assert cross_val_score(quick(), TEXTS, MOODS, cv=2).shape == (2,)


def test_balanced_weights_help_a_rare_class():
    texts, moods = [GOOD] * 30 + [BAD] * 3, ["good"] * 30 + ["bad"] * 3
    plain, balanced = (
        quick(epochs=2, learning_rate=2e-3, class_weight=weight).fit(texts, moods).predict_proba([BAD])[0, 0]
        for weight in (None, "balanced")
    )
    assert balanced > plain


def test_explanations_cover_the_sequence(fitted):
    (found,) = fitted.explain([GOOD])
    assert found.attention.shape == (5,)
    assert found.attention.sum() == pytest.approx(1)
    assert found.read.tolist() == [1, 2, 3, 4, 5]
    assert np.allclose(found.confidence[-1], fitted.predict_proba([GOOD])[0], atol=1e-6)


def test_confidence_after_some_steps_is_that_of_the_beginning(fitted):
    (found,) = fitted.explain([GOOD])
    assert np.allclose(found.confidence[1], fitted.predict_proba(["a fine"])[0], atol=1e-6)


def test_confidence_between_readings_lies_on_a_straight_line():
    found = Explanation(np.ones(4) / 4, np.array([1, 4]), np.array([[0.2, 0.8], [0.5, 0.5]]))
    assert np.allclose(found.after_each_step(0), [0.2, 0.3, 0.4, 0.5])


def test_an_unfitted_classifier_says_so():
    with pytest.raises(ConfigError, match="not fitted yet; call fit first"):
        SequenceClassifier().predict([GOOD])


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (TEXTS, ["good"] * 30, "there is one class only, 'good', in 30 sequences; give at least two classes"),
        (TEXTS, MOODS[:3], r"there are 30 sequences and classes of shape \(3,\)"),
        ([], [], "there are no sequences"),
        ([GOOD, 3], [0, 1], "sequence 1 is 3; give texts, arrays"),
        ([GOOD, [1.0, 2.0]], [0, 1], "of several kinds"),
        ("a film", [0] * 6, "a single text came, 'a film'"),
        ([GOOD, BAD], ["good", None], "sequence 1 has no class"),
        ([GOOD, BAD], [0.5, 1.0], r"the class of sequence 0 is 0\.5"),
        ([np.ones((3, 1)), np.ones((3, 2))], [0, 1], "series 1 has 2 channels and series 0 has 1"),
        ([np.zeros((0, 1)), np.zeros((0, 1))], [0, 1], "all series are empty"),
    ],
)
def test_data_that_cannot_be_learned_is_refused(X, y, message):
    with pytest.raises(DataError, match=message):
        quick().fit(X, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "transformer"}, "cell is 'transformer'; use one of lstm, gru, rnn, lnlstm"),
        ({"epochs": 0}, "epochs is 0; use a whole number of at least 1"),
        ({"members": 21}, "members is 21; use at most 20"),
        ({"hidden_size": 1.5}, r"hidden_size is 1\.5"),
        ({"dropout": 1.0}, r"dropout is 1\.0"),
        ({"dropout": "half"}, "dropout is 'half'; it is a probability"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; use a number above 0"),
        ({"distortion": -1}, "distortion is -1; use a number from 0 for none to 3"),
        ({"tokens": "phoneme"}, "tokens is 'phoneme'; use one of word, char, subword"),
        ({"kind": "smell"}, "kind is 'smell'; use one of text, series, speech"),
        ({"class_weight": "even"}, "class_weight is 'even'"),
        ({"class_weight": {"ugly": 1}}, "names the class 'ugly', which is none"),
        ({"class_weight": {"good": 0}}, "a weight that is not above 0; give weights above 0 for bad, good"),
        ({"random_state": -1}, "the seed is -1"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        quick(**options).fit(TEXTS, MOODS)


def test_classes_may_be_a_frame_of_one_column():
    frame = pd.DataFrame({"mood": MOODS})
    assert quick(epochs=1).fit(TEXTS, frame).classes_.tolist() == ["bad", "good"]


def test_without_distortion_series_are_learned_as_they_are(monkeypatch):
    series, labels = waves(12)
    monkeypatch.setattr(fitting, "distort", lambda *_: pytest.fail("series were changed"))
    quick(epochs=1, distortion=0).fit(series, labels)
    with pytest.raises(pytest.fail.Exception, match="series were changed"):
        quick(epochs=1).fit(series, labels)


def test_a_frame_of_texts_is_read_by_its_values(fitted):
    texts = ["a fine film", "a dull plot"]
    np.testing.assert_array_equal(fitted.predict(pd.DataFrame({"text": texts})), fitted.predict(texts))


def test_other_data_than_in_training_is_refused(fitted):
    with pytest.raises(
        DataError, match="sequence 0 is no text but ndarray; the classifier was trained on texts"
    ):
        fitted.predict([np.ones((3, 1))])


def test_a_class_that_was_not_in_training_is_refused_in_validation():
    with pytest.raises(DataError, match="the validation data has the class 'ugly'"):
        quick().fit(TEXTS, MOODS, validation=([GOOD], ["ugly"]))


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_gives_probabilities(cell):
    series, labels = waves(12)
    assert np.isfinite(quick(cell=cell, epochs=1).fit(series, labels).predict_proba(series)).all()


@pytest.mark.parametrize("tokens", ["char", "subword"])
def test_characters_and_pieces_of_words_are_learned(tokens):
    if tokens == "subword":
        pytest.importorskip("tokenizers")
    classifier = quick(tokens=tokens, epochs=20).fit(TEXTS, MOODS)
    assert classifier.score(TEXTS, MOODS) == 1.0
