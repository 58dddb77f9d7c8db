"""The job behind `ostinato tag`: from tagged sentences to a tagger, judged beside the most frequent tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.conllu import Sentence
from ostinato.data.findings import count
from ostinato.errors import DataError
from ostinato.evaluate.classification import calibration_error, confusion_matrix, log_loss
from ostinato.evaluate.comparison import Comparison
from ostinato.evaluate.tagging import compare_taggers, leaderboard
from ostinato.tasks.job import Watch, timed
from ostinato.tasks.tag.tagger import SequenceTagger

Values = NDArray[np.float64]


@dataclass(frozen=True)
class TagRun:
    """A trained tagger and how it did.

    Attributes:
        tagger: the tagger.
        test: the sentences it was judged by.
        truth: their true tags.
        tags: its tags.
        shares: its probabilities, `(words, classes)` of each sentence.
        leaderboard: as `SequenceTagger.leaderboard`.
        comparison: whether it is better than the best baseline.
        notes: one sentence per thing found or decided.
        seconds: time taken by each part.
    """

    tagger: SequenceTagger
    test: Sequence[Sentence]
    truth: list[list[str]]
    tags: list[list[str]]
    shares: list[Values]
    leaderboard: pd.DataFrame
    comparison: Comparison
    notes: tuple[str, ...]
    seconds: dict[str, float]

    def table(self) -> pd.DataFrame:
        """Every word: sentence (from 1), word, tag (the true one), prediction, confidence (its probability)."""
        numbers = self.tagger.numbers_
        lengths = [len(tags) for tags in self.tags]
        guesses = list(chain(*self.tags))
        all_shares = np.concatenate(self.shares)
        return pd.DataFrame(
            {
                "sentence": np.repeat(np.arange(1, len(lengths) + 1), lengths),
                "word": list(chain(*(sentence.words for sentence in self.test))),
                "tag": list(chain(*self.truth)),
                "prediction": guesses,
                "confidence": all_shares[np.arange(len(guesses)), [numbers[tag] for tag in guesses]],
            }
        )

    def confusion(self) -> tuple[list[str], NDArray[np.int64]]:
        """The tags that are true or predicted somewhere, and how often each was predicted for each."""
        true, guess = list(chain(*self.truth)), list(chain(*self.tags))
        classes = sorted({*true, *guess})
        return classes, confusion_matrix(true, guess, classes)

    def surest_errors(self, most: int = 15) -> pd.DataFrame:
        """The wrong tags that were given with the most confidence: word, tag, prediction, confidence, sentence."""
        table = self.table()
        wrong = table[table["tag"] != table["prediction"]].sort_values(
            "confidence", ascending=False, kind="stable", ignore_index=True
        )
        return wrong[["word", "tag", "prediction", "confidence", "sentence"]].head(most)

    def commonest_errors(self, most: int = 15) -> pd.DataFrame:
        """The words that were tagged wrong most often: word, tag, prediction, times."""
        table = self.table()
        wrong = table[table["tag"] != table["prediction"]]
        counted = Counter(zip(wrong["word"], wrong["tag"], wrong["prediction"], strict=True))
        rows = [(*key, times) for key, times in counted.most_common(most)]
        return pd.DataFrame(rows, columns=["word", "tag", "prediction", "times"])

    def calibration(self) -> dict[str, float]:
        """How far the probabilities can be trusted: calibration_error, log_loss (nats per word)."""
        numbers = self.tagger.numbers_
        known = [tag in numbers for tag in chain(*self.truth)]
        true = [numbers[tag] for tag in chain(*self.truth) if tag in numbers]
        shares = np.concatenate(self.shares)[known]
        return {"calibration_error": calibration_error(true, shares), "log_loss": log_loss(true, shares)}


def run_tag(
    sentences: Sequence[Sentence],
    *,
    valid: Sequence[Sentence] | None,
    test: Sequence[Sentence] | None,
    column: str,
    parameters: Mapping[str, Any],
    watch: Watch,
) -> TagRun:
    """Train, tag the test sentences, and judge beside the baselines.

    Args:
        sentences: to learn from.
        valid: to judge each epoch by; a tenth of the sentences when None.
        test: to judge the tagger by; the validation sentences when None.
        column: where the tags are.
        parameters: of `SequenceTagger`.
        watch: called with the name of each part, gives what is called with (done, total).

    Raises:
        DataError: a word has no tag, or there are too few sentences.
    """
    seconds: dict[str, float] = {}
    notes = []
    if valid is None:
        sentences, valid = _split(sentences, int(parameters.get("random_state") or 0))
        notes.append(f"{count(len(valid), 'sentence')} drawn by chance were kept from the training")
    if test is None:
        test = valid
        notes.append("the scores are of the validation sentences, as there are no test sentences")
    validation = _words(valid), _tags(valid, column)
    truth = _tags(test, column)
    with timed(seconds, "train"):
        tagger = SequenceTagger(**parameters).fit(
            _words(sentences), _tags(sentences, column), validation=validation, progress=watch("train")
        )
    tagger.column_ = column
    watch("judge")
    return _judge(tagger, test, truth, notes, seconds)


def _judge(
    tagger: SequenceTagger,
    test: Sequence[Sentence],
    truth: list[list[str]],
    notes: list[str],
    seconds: dict[str, float],
) -> TagRun:
    """Tag the test sentences and compare with the baselines."""
    assert tagger.baselines_ is not None, "it was fitted here"
    with timed(seconds, "judge"):
        tags, shares = tagger.predict_with_proba(_words(test))
        others = {name: model.predict(_words(test)) for name, model in tagger.baselines_.items()}
        predictions = {tagger.name: tags, **others}
        board = leaderboard(predictions, truth, _words(test), tagger.known_)
        comparison = compare_taggers(predictions, truth, model=tagger.name)
    unseen = {tag for tags in truth for tag in tags} - set(tagger.classes_)
    if unseen:
        notes.append(
            f"the tags {', '.join(sorted(unseen))} are in the test sentences alone and cannot be predicted"
        )
    return TagRun(tagger, test, truth, tags, shares, board, comparison, tuple(notes), seconds)


def tag_sentences(tagger: SequenceTagger, sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences with the tags of a tagger in its column, everything else as it was."""
    found = tagger.predict(_words(sentences))
    return [
        sentence.with_column(tagger.column_, tags) for sentence, tags in zip(sentences, found, strict=True)
    ]


def _words(sentences: Sequence[Sentence]) -> list[list[str]]:
    return [sentence.words for sentence in sentences]


def _tags(sentences: Sequence[Sentence], column: str) -> list[list[str]]:
    return [sentence.tags(column) for sentence in sentences]


def _split(sentences: Sequence[Sentence], seed: int) -> tuple[list[Sentence], list[Sentence]]:
    """Set a random tenth apart."""
    if len(sentences) < 2:
        raise DataError(
            "there is one sentence, and one must be set apart for judging; give more, or validation data"
        )
    order = np.random.default_rng(seed).permutation(len(sentences))
    cut = len(order) - max(1, len(order) // 10)
    first, second = ([sentences[place] for place in np.sort(part)] for part in (order[:cut], order[cut:]))
    return first, second
