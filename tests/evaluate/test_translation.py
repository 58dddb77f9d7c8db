"""Translations are judged as sacrebleu does, and the word-by-word translator is model 1 of Brown et al."""

import math
from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from ostinato.data.text import words
from ostinato.errors import ConfigError
from ostinato.evaluate import translation
from ostinato.evaluate.translation import WordByWord

SOURCES = ["das Haus", "das Buch", "ein Buch", "ein kleines Haus", "das kleine Buch ist klein"]
TARGETS = ["the house", "the book", "a book", "a small house", "the small book is small"]


@pytest.fixture(scope="module")
def sacrebleu():
    return pytest.importorskip("sacrebleu")


def varied(seed, number=60, wrong=0.3):
    """References, and translations with some words replaced."""
    random = np.random.default_rng(seed)
    references = [" ".join(random.choice(list("abcdefgh"), 12)) for _ in range(number)]
    translations = [
        " ".join("x" if random.uniform() < wrong else word for word in text.split()) for text in references
    ]
    return translations, references


def test_bleu_of_a_worked_example(sacrebleu):
    # matches 5, 3, 2, 1 of 6, 5, 4, 3; both are 6 long
    expected = 100 * math.exp(sum(map(math.log, (5 / 6, 3 / 5, 2 / 4, 1 / 3))) / 4)
    assert translation.bleu(["the cat sat on the mat"], ["the cat sat on a mat"]) == pytest.approx(expected)


def test_the_signature_names_the_tokenizer(sacrebleu):
    assert "tok:13a" in translation.signature()


def test_the_counts_of_single_sentences_give_the_bleu_of_all(sacrebleu):
    translations, references = varied(0)
    counts = translation._counts(translations, references)
    expected = sacrebleu.corpus_bleu(translations, [references]).score
    assert float(translation._bleu(counts.sum(axis=0))) == pytest.approx(expected)


@pytest.mark.parametrize(
    "translation_text",
    [
        "the cat sat on a mat",  # matches of every length
        "the dog sat under the mat",  # of one and two words
        "mat the on",  # of single words, and too short for four
        "mat cat the sat the on",  # of single words
        "some quite different words here",  # none
        "",
    ],
)
def test_bleu_of_few_matches_is_smoothed_as_sacrebleu_does(sacrebleu, translation_text):
    references = ["the cat sat on the mat"]
    counts = translation._counts([translation_text], references)
    expected = sacrebleu.corpus_bleu([translation_text], [references]).score
    assert float(translation._bleu(counts.sum(axis=0))) == pytest.approx(expected)


def test_the_best_translator_is_first_on_the_leaderboard(sacrebleu):
    better, references = varied(0, wrong=0.1)
    worse, _ = varied(0, wrong=0.5)
    board = translation.leaderboard({"worse": worse, "better": better, "right": references}, references)
    assert board["model"].tolist() == ["right", "better", "worse"]
    assert board["exact"].tolist()[0] == 1.0
    assert board["chrf"].is_monotonic_decreasing


def test_a_clear_difference_is_sure(sacrebleu):
    better, references = varied(0, wrong=0.1)
    worse, _ = varied(0, wrong=0.4)
    found = translation.compare({"net": better, "copy": worse}, references, model="net")
    assert found.bleu == pytest.approx(
        translation.bleu(better, references) - translation.bleu(worse, references)
    )
    assert 0 < found.interval[0] < found.bleu < found.interval[1]
    assert found.text.startswith("net is better than the best baseline, copy: BLEU ")
    assert found.best == "net"


def test_the_interval_of_equal_translators_holds_zero(sacrebleu):
    first, references = varied(0)
    second = [
        text if place % 2 else right
        for place, (text, right) in enumerate(zip(first, references, strict=True))
    ]
    third = [
        right if place % 2 else text
        for place, (text, right) in enumerate(zip(first, references, strict=True))
    ]
    found = translation.compare({"net": second, "copy": third}, references, model="net")
    assert found.interval[0] < 0 < found.interval[1]


def test_few_sentences_are_too_few_for_an_interval(sacrebleu):
    found = translation.compare({"net": ["a b c d"], "copy": ["b"]}, ["a b c d"], model="net")
    assert np.isnan(found.interval).all()
    assert found.text == "net did better than copy: BLEU 100.0 beside 0.0 (1 sentence, too few to be sure)."


def test_a_worse_network_is_called_worse(sacrebleu):
    worse, references = varied(0)
    found = translation.compare({"net": worse, "copy": references}, references, model="net")
    assert "net is not better than the best baseline, copy" in found.text
    assert found.best == "copy"


def test_without_sacrebleu_the_exact_sentences_are_left(monkeypatch):
    monkeypatch.setattr(translation, "has_sacrebleu", lambda: False)
    board = translation.leaderboard({"a": ["x", "y"], "b": ["x", "z"]}, ["x", "z"])
    assert board["model"].tolist() == ["b", "a"]
    assert board["bleu"].isna().all()
    assert all(map(math.isnan, translation.sentence_chrf(["x"], ["x"])))


def test_bleu_without_sacrebleu_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sacrebleu", None)
    with pytest.raises(ConfigError, match=r"BLEU needs the library sacrebleu; install ostinato\[text\]"):
        translation.bleu(["a"], ["a"])


def model_1(sources, targets, rounds):
    """Brown et al. (1993), model 1, one pair of words at a time."""
    pairs = [(["", *words(source)], words(target)) for source, target in zip(sources, targets, strict=True)]
    share = defaultdict(lambda: 1.0)
    for _ in range(rounds):
        counts, totals = defaultdict(float), defaultdict(float)
        for before, after in pairs:
            for target in after:
                whole = sum(share[source, target] for source in before)
                for source in before:
                    counts[source, target] += share[source, target] / whole
                    totals[source] += share[source, target] / whole
        share = {key: value / totals[key[0]] for key, value in counts.items()}
    return share


@pytest.mark.parametrize("rounds", [1, 5])
def test_the_table_is_that_of_model_1(rounds):
    share = model_1(SOURCES, TARGETS, rounds)
    table = WordByWord.fit(SOURCES, TARGETS, rounds=rounds).table
    sources = {word for text in SOURCES for word in words(text)}
    targets = {word for text in TARGETS for word in words(text)}
    assert set(table) == sources
    for source, target in product(sources, targets):
        assert share.get((source, target), 0.0) <= share[source, table[source]] * (1 + 1e-9)


def test_unknown_words_stay_as_they_are():
    assert WordByWord.fit(SOURCES, TARGETS).predict(["das Xylophon", ""]) == ["the Xylophon", ""]


def test_nothing_to_learn_from_translates_nothing():
    assert WordByWord.fit([""], [""]).predict(["das Haus"]) == ["das Haus"]
