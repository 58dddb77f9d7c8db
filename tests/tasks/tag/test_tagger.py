"""The tagger: learning, tagging, judging, saving; and what it says of input that it cannot use."""

import copy

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.classification import log_loss
from ostinato.tasks.model_file import load
from ostinato.tasks.tag.fitting import _least, temper
from ostinato.tasks.tag.tagger import SequenceTagger, Tagged

X = [["the", "dog", "barks"], ["a", "cat", "walks", "."], ["dogs", "walk"], ["walk", "the", "dog", "!"]] * 10
Y = [["D", "N", "V"], ["D", "N", "V", "P"], ["N", "V"], ["V", "D", "N", "P"]] * 10


def tiny(**changed):
    settings = {"hidden_size": 8, "num_layers": 1, "epochs": 8, "dropout": 0.0, "random_state": 0}
    return SequenceTagger(**{**settings, **changed})


@pytest.fixture(scope="module")
def tagger():
    return tiny(epochs=20).fit(X, Y)


def test_scikit_learn_can_search_its_parameters():
    search = GridSearchCV(tiny(epochs=1), {"hidden_size": [4, 8]}, cv=2, error_score="raise").fit(
        X[:8], Y[:8]
    )
    assert search.best_params_["hidden_size"] in (4, 8)


def test_what_was_seen_is_learned(tagger):
    assert tagger.score(X, Y) > 0.95


def test_the_score_is_the_share_of_right_words(tagger):
    predicted = tagger.predict(X[:2])
    wrong = [["?", *predicted[0][1:]], predicted[1]]
    assert tagger.score(X[:2], wrong) == pytest.approx(6 / 7)


def test_probabilities_of_each_word_sum_to_one(tagger):
    shares = tagger.predict_proba(X[:4])
    assert [part.shape for part in shares] == [(len(words), 4) for words in X[:4]]
    assert all(part.sum(axis=1) == pytest.approx(1, abs=1e-5) for part in shares)


def test_a_softmax_gives_the_likeliest_tag_of_each_word():
    tagger = tiny(output="softmax", cell="gru", epochs=2).fit(X, Y)
    tags, shares = tagger.predict_with_proba(X[:4])
    assert tags == [[tagger.classes_[place] for place in part.argmax(axis=1)] for part in shares]


def test_empty_sentences_have_no_tags_and_unknown_words_have_one(tagger):
    tags = tagger.predict([[], ["Ωmega", "", "x" * 99], []])
    assert [len(part) for part in tags] == [0, 3, 0]
    assert tagger.predict([]) == []


def test_the_order_of_sentences_changes_nothing(tagger):
    assert tagger.predict(X[:4][::-1]) == tagger.predict(X[:4])[::-1]


def test_empty_sentences_are_left_out_of_training():
    assert Tagged.of([[], ["a"]], [[], ["N"]]) == Tagged([["a"]], [["N"]])


def test_one_tag_only_is_always_given():
    tagger = tiny(epochs=1).fit(X, [["N"] * len(words) for words in X])
    assert tagger.classes_ == ["N"]
    assert tagger.predict([["new", "words"]]) == [["N", "N"]]
    assert tagger.predict_proba([["new"]])[0] == pytest.approx(1)


def test_sentences_of_one_word_are_learned():
    tagger = tiny(epochs=20).fit([["dog"], ["runs"]] * 20, [["N"], ["V"]] * 20)
    assert tagger.predict([["dog"], ["runs"]]) == [["N"], ["V"]]


def test_the_same_seed_gives_the_same_network():
    first, second = (tiny(epochs=1).fit(X, Y).predict_proba(X[:3]) for _ in "ab")
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


def test_tags_only_in_the_validation_data_are_known():
    tagger = tiny(epochs=1).fit(X, Y, validation=([["wow"]], [["INTJ"]]))
    assert "INTJ" in tagger.classes_


def test_a_saved_tagger_answers_the_same(tagger, tmp_path):
    tagger.save(tmp_path / "model.zip")
    again = load(tmp_path / "model.zip")
    assert again.get_params() == tagger.get_params()
    assert again.classes_ == tagger.classes_
    for first, second in zip(again.predict_proba(X[:4]), tagger.predict_proba(X[:4]), strict=True):
        assert np.array_equal(first, second)
    with pytest.raises(
        ConfigError, match="comes from a file, which holds no baselines; fit it again to compare"
    ):
        again.leaderboard(X, Y)


def test_an_interrupted_training_goes_on_to_the_same_result(tmp_path):
    whole = tiny(epochs=2).fit(X, Y)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny(epochs=2).fit(X, Y, checkpoint=tmp_path / "state", progress=stop)
    again = tiny(epochs=2).fit(X, Y, checkpoint=tmp_path / "state")
    assert np.array_equal(again.predict_proba(X[:1])[0], whole.predict_proba(X[:1])[0])


def test_the_temperature_lowers_the_loss_on_held_out_data(tagger):
    random = np.random.default_rng(0)
    noisy = [random.choice(tagger.classes_, size=len(tags)).tolist() for tags in Y]
    tagger = copy.deepcopy(tagger)
    temper(tagger.network_, tagger, Tagged(X, noisy))
    numbers = [tagger.numbers_[tag] for tags in noisy for tag in tags]

    def loss():
        return log_loss(numbers, np.concatenate(tagger.predict_proba(X)))

    tempered = loss()
    assert float(tagger.network_.temperature) > 1
    tagger.network_.temperature.fill_(1.0)
    assert tempered < loss()


def test_golden_section_search_finds_the_bottom_of_a_parabola():
    assert _least(lambda x: (x - 0.3) ** 2, -1.0, 2.0, 30) == pytest.approx(0.3, abs=1e-4)


def test_the_leaderboard_has_the_network_and_the_baselines(tagger):
    board = tagger.leaderboard(X, Y)
    assert set(board["model"]) == {"BiLSTM + CRF", "most frequent tag", "with endings"}
    assert board.set_index("model")["accuracy"]["BiLSTM + CRF"] == pytest.approx(tagger.score(X, Y))
    assert "the best baseline" in tagger.compare().text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((["a b"], [["N", "N"]]), r"sentence 0 is 'a b', not a list of words; split it into words"),
        (([None], [["N"]]), r"sentence 0 is None, not a list of words; split it into words"),
        (("a b", ["N"]), "the sentences are one text; give a list of lists of words"),
        (([["a", 3]], [["N", "N"]]), r"sentence 0 is \['a', 3\], not a list of words"),
        (([["a"], ["b"]], [["N"]]), "there are 2 sentences and 1 lists of tags; give one for each"),
        (
            ([["a"], ["b", "c"]], [["N"], ["N"]]),
            "sentence 1 has 2 words and 1 tags; give one tag for each word",
        ),
        (([[]], [[]]), "there are no sentences with words; give at least one"),
        (([["a"]], [["N"]]), "there is one sentence, and one must be set apart for judging"),
    ],
)
def test_data_that_cannot_be_used_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        tiny().fit(*data)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "cnn"}, "cell is 'cnn'; use one of rnn, lstm, gru"),
        ({"output": "beam"}, "output is 'beam'; use one of crf, softmax"),
        ({"dropout": 1.0}, "dropout is 1.0; it is a probability, so use 0 to below 1"),
        ({"random_state": -1}, "the seed is -1; use a whole number"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        tiny(**change).fit(X, Y)


def test_very_many_tags_need_a_softmax():
    many = [[str(number)] for number in range(201)]
    with pytest.raises(
        ConfigError, match=r"there are 201 tags, too many for all their pairs \(at most 200\); use"
    ):
        tiny().fit(many, many)
    assert len(tiny(output="softmax", epochs=1).fit(many, many).classes_) == 201


def test_a_tagger_must_be_fitted():
    with pytest.raises(ConfigError, match="this SequenceTagger is not fitted yet; call fit first"):
        SequenceTagger().predict([["a"]])


def test_scikit_learn_clones_it():
    base = pytest.importorskip("sklearn.base")
    assert base.clone(tiny()).get_params() == tiny().get_params()
