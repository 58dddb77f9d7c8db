"""The job of `ostinato translate`: who is on the leaderboard, and what is said of the pairs."""

import pytest

from ostinato.data.text_pairs import TextPairs
from ostinato.errors import DataError
from ostinato.evaluate import translation
from ostinato.tasks.translate.run import run_translate

TENS, ONES = ("ten", "twenty", "thirty"), ("one", "two", "three", "four")
TEXTS = [f"{tens} {ones}" for tens in TENS for ones in ONES]
SWAPPED = [f"{ones} and {tens}" for tens in TENS for ones in ONES]
PAIRS = TextPairs(TEXTS, SWAPPED, "file 'pairs.tsv'")
SMALL = {"tokens": "word", "embedding_size": 8, "hidden_size": 8, "epochs": 1, "random_state": 0}


def run(pairs=PAIRS, valid=PAIRS, test=PAIRS, **options):
    labels = []

    def watch(label):
        labels.append(label)
        return lambda _done, _total: None

    result = run_translate(pairs, valid=valid, test=test, parameters={**SMALL, **options}, watch=watch)
    assert labels == ["train", "translate"]
    return result


def test_the_network_is_beside_its_baselines():
    pytest.importorskip("sacrebleu")
    result = run()
    assert set(result.leaderboard["model"]) == {"GRU", "word by word", "copy"}
    # One epoch teaches nothing, so whichever of them came out ahead did so by chance.
    assert result.verdict.startswith(("GRU is not better than the best baseline", "GRU did better than"))
    assert "GRU is better" not in result.verdict
    assert result.references == SWAPPED
    assert set(result.seconds) == {"train", "translate", "baselines"}


def test_the_table_has_a_row_for_each_test_sentence():
    table = run().table()
    assert table["text"].tolist() == TEXTS
    assert table["reference"].tolist() == SWAPPED


def test_the_worst_sentences_come_first():
    pytest.importorskip("sacrebleu")
    worst = run().worst(5)
    assert len(worst) == 5
    assert worst["chrf"].is_monotonic_increasing


def test_without_sacrebleu_the_share_of_exact_sentences_is_said(monkeypatch):
    monkeypatch.setattr(translation, "has_sacrebleu", lambda: False)
    result = run()
    assert result.verdict == "GRU translated 0.0 % of 12 sentences as the reference does."
    assert "BLEU and chrF need the library sacrebleu; install ostinato[text]" in result.notes
    assert result.worst(3)["score"].is_monotonic_increasing


def test_pairs_left_out_of_the_training_are_counted():
    longer = TextPairs([*TEXTS, ""], [*SWAPPED, "nothing"], "file 'pairs.tsv'")
    notes = run(longer).notes
    assert "1 pair with an empty text or more than 100 tokens were left out of the training" in notes


def test_texts_alone_are_refused():
    with pytest.raises(
        DataError, match=r"file 'x' has texts alone; add a second column with their translations"
    ):
        run(test=TextPairs(TEXTS, None, "file 'x'"))
