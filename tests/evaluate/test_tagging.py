"""The most frequent tag, and the scores of taggers."""

import numpy as np
import pytest

from ostinato.errors import ConfigError
from ostinato.evaluate.tagging import MostFrequentTag, compare_taggers, leaderboard

X = [["the", "walk", "ended"], ["they", "walk"], ["they", "walk", "slowly"], ["zed"]]
Y = [["DET", "NOUN", "VERB"], ["PRON", "VERB"], ["PRON", "VERB", "ADV"], ["PROPN"]]


def test_each_word_gets_its_most_frequent_tag():
    assert MostFrequentTag().fit(X, Y).predict([["walk", "the"]]) == [["VERB", "DET"]]


def test_unknown_words_get_the_commonest_tag_of_words_seen_once():
    # Seen once: the DET, ended VERB, slowly ADV, zed PROPN, each once: the first in the alphabet.
    assert MostFrequentTag().fit(X, Y).predict([["unknown"]]) == [["ADV"]]


def test_unknown_words_are_guessed_by_their_longest_known_ending():
    model = MostFrequentTag(endings=3).fit(X, Y)
    assert model.predict([["quickly", "mended", "bed", "x"]]) == [["ADV", "VERB", "PROPN", "ADV"]]


def test_without_rare_words_all_words_tell_about_unknown_ones():
    assert MostFrequentTag(2).fit([["a", "a"]], [["B", "B"]]).predict([["c"], []]) == [["B"], []]


def test_scores_equal_counting_by_hand():
    truth = [["A", "B"], ["A"]]
    predictions = {"one": [["A", "A"], ["A"]], "two": [["A", "B"], ["B"]]}
    board = leaderboard(predictions, truth, [["w", "v"], ["v"]], ["w"]).set_index("model")
    assert board["accuracy"].to_dict() == pytest.approx({"one": 2 / 3, "two": 2 / 3})
    assert board["unknown_words"].to_dict() == pytest.approx({"one": 1 / 2, "two": 1 / 2})
    assert board["sentences"].to_dict() == pytest.approx({"one": 0.5, "two": 0.5})
    # A: 2 right of 3 guessed and 2 true: 4 / 5; B: never guessed: 0.
    assert board["macro_f1"]["one"] == pytest.approx(0.4)


def test_without_unknown_words_their_score_is_missing():
    board = leaderboard({"one": [["A"]]}, [["A"]], [["w"]], ["w"])
    assert np.isnan(board["unknown_words"][0])


def test_taggers_are_compared_by_their_wrong_tags():
    truth = [["A", "B"]] * 20
    found = compare_taggers({"net": [["A", "B"]] * 20, "base": [["A", "A"]] * 20}, truth, model="net")
    assert found.improvement == 1
    assert found.text.startswith(
        "net is better than the best baseline, base: its share of wrong tags is 100 % lower"
    )


def test_settings_and_order_of_calls_are_checked():
    with pytest.raises(ConfigError, match="endings is -1; use 0 for none, or the letters to look at"):
        MostFrequentTag(-1)
    with pytest.raises(
        ConfigError, match="this model of the most frequent tags is not fitted yet; call fit first"
    ):
        MostFrequentTag().predict([["a"]])
