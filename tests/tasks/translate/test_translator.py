"""The translator learns a small language whole, answers the same after saving, and says what it cannot use."""

import numpy as np
import pytest

import ostinato
from ostinato import ConfigError, DataError, ModelFileError, SequenceTranslator

TENS = ("ten", "twenty", "thirty")
ONES = ("one", "two", "three", "four")
NUMBERS = [f"{tens} {ones}" for tens in TENS for ones in ONES]
SWAPPED = [f"{ones} and {tens}" for tens in TENS for ones in ONES]
SMALL = {
    "tokens": "word",
    "hidden_size": 24,
    "embedding_size": 24,
    "dropout": 0.0,
    "learning_rate": 1e-2,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def fitted():
    return SequenceTranslator(**SMALL, epochs=80, coverage=True).fit(NUMBERS, SWAPPED)


def quick(**options):
    return SequenceTranslator(**{**SMALL, "hidden_size": 8, "embedding_size": 8, "epochs": 1, **options})


def test_a_small_language_is_learned_whole(fitted):
    assert fitted.predict(NUMBERS) == SWAPPED


def test_the_score_is_bleu(fitted):
    pytest.importorskip("sacrebleu")
    assert fitted.score(["twenty two and"] * 2, ["two and twenty ."] * 2) < 100
    long = [" ".join(SWAPPED[:2])] * 2
    assert 0 <= fitted.score(long, long) <= 100


def test_greedy_search_is_a_beam_of_1(fitted):
    assert fitted.predict(NUMBERS, beam=1) == SWAPPED


def test_each_token_has_its_attention(fitted):
    (one,) = fitted.translate(["twenty two"])
    assert one.source == ("twenty", "two")
    assert one.tokens == ("two", "and", "twenty", "</s>")
    assert one.attention.shape == (4, 2)
    np.testing.assert_allclose(one.attention.sum(axis=1), 1.0, rtol=1e-5)
    assert one.confidence.shape == (4,)
    assert (one.confidence > 0.5).all()


def test_texts_of_all_lengths_are_answered_in_their_order(fitted):
    texts = ["", "one", "twenty one", "thirty", "", "ten four"]
    together = fitted.translate(texts)
    assert [one.text for one in together] == [fitted.predict([text])[0] for text in texts]
    assert together[0].text == together[4].text == ""
    assert together[0].attention.shape == (0, 0)


def test_unknown_words_are_read_as_unknown(fitted):
    (one,) = fitted.translate(["twenty zebra"])
    assert one.source == ("twenty", "<unk>")


def test_nothing_is_translated_to_nothing(fitted):
    assert fitted.predict([]) == []


def test_the_same_seed_gives_the_same_network():
    first, second = (quick().fit(NUMBERS, SWAPPED).history_["train"] for _ in range(2))
    assert first == second
    assert quick(random_state=1).fit(NUMBERS, SWAPPED).history_["train"] != first


@pytest.mark.parametrize("name", ["model", "model.zip"])
def test_a_saved_translator_answers_as_before(fitted, tmp_path, name):
    fitted.save(tmp_path / name)
    again = ostinato.load(tmp_path / name)
    assert again.get_params() == fitted.get_params()
    assert again.history_ == fitted.history_
    before, after = fitted.translate(NUMBERS[:3]), again.translate(NUMBERS[:3])
    assert [one.score for one in before] == [one.score for one in after]


def test_a_model_of_another_task_is_refused(fitted, tmp_path):
    from ostinato import SequenceCaptioner

    fitted.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match="holds a model for the task 'translate', not 'caption'"):
        SequenceCaptioner._from_file(tmp_path / "model")


def test_an_interrupted_training_goes_on_to_the_same_result(tmp_path):
    whole = quick(epochs=3).fit(NUMBERS, SWAPPED)

    class StoppedError(Exception):
        pass

    def stop(done, _total):
        if done == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        quick(epochs=3).fit(NUMBERS, SWAPPED, checkpoint=tmp_path / "state", progress=stop)
    resumed = quick(epochs=3).fit(NUMBERS, SWAPPED, checkpoint=tmp_path / "state")
    assert resumed.history_["train"] == whole.history_["train"]
    assert resumed.predict(NUMBERS) == whole.predict(NUMBERS)


def test_validation_pairs_are_judged_each_epoch():
    translator = quick(epochs=2).fit(NUMBERS, SWAPPED, validation=(NUMBERS[:3], SWAPPED[:3]))
    assert len(translator.history_["validation"]) == 2


def test_pairs_that_cannot_be_learned_from_are_counted():
    translator = quick(longest=3).fit([*NUMBERS, "", "one", "one two three four"], [*SWAPPED, "a", "", "b"])
    assert translator.skipped_ == 3


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_other_cells_learn_too(cell):
    history = quick(cell=cell, epochs=3, num_layers=2).fit(NUMBERS, SWAPPED).history_["train"]
    assert history[-1] < history[0]


def test_pieces_of_words_spell_what_is_unknown():
    pytest.importorskip("tokenizers")
    translator = quick(tokens="subword", max_tokens=40).fit(NUMBERS, SWAPPED)
    (one,) = translator.translate(["tenty"])
    assert "".join(one.source).replace("▁", " ").strip() == "tenty"


def test_case_is_kept_unless_dropped():
    kept = quick().fit(["One", "Two"], ["Eins", "Zwei"])
    dropped = quick(lowercase=True).fit(["One", "Two"], ["Eins", "Zwei"])
    assert "Eins" in kept.target_.vocabulary
    assert "eins" in dropped.target_.vocabulary


def test_scikit_learn_can_clone_it():
    base = pytest.importorskip("sklearn.base")
    assert base.clone(quick(beam=2)).get_params() == quick(beam=2).get_params()


def test_what_is_not_fitted_cannot_translate():
    with pytest.raises(ConfigError, match="this SequenceTranslator is not fitted yet; call fit first"):
        quick().predict(["one"])


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (["a", "b"], ["c"], "there are 2 texts and 1 translations; give one for each"),
        (["a", None], ["b", "c"], "item 1 is None, not a text; leave it out or replace it by one"),
        ("a text", ["b"], "a single text came, 'a text'; give a list of them"),
        (["", "a"], ["b", ""], "none of the 2 pairs has two texts of 1 to 100 tokens; give such pairs"),
        ([], [], "none of the 0 pairs has two texts"),
    ],
)
def test_pairs_that_cannot_be_used_are_refused(X, y, message):
    with pytest.raises(DataError, match=message):
        quick().fit(X, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": "syllable"}, "the kind of tokens is 'syllable'"),
        ({"cell": "gur"}, "cell is 'gur'"),
        ({"epochs": 0}, "epochs is 0; use at least 1"),
        ({"batch_size": 0}, "batch_size is 0; use at least 1"),
        ({"dropout": 1.0}, r"dropout is 1\.0"),
        ({"random_state": -1}, "the seed is -1"),
    ],
)
def test_parameters_that_cannot_be_used_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        quick(**options).fit(NUMBERS, SWAPPED)


def test_a_beam_below_1_is_refused(fitted):
    with pytest.raises(ConfigError, match="width of the beam is 0; use at least 1"):
        fitted.predict(["one"], beam=0)
