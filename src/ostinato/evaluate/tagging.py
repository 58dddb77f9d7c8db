"""How well words were tagged, and the baseline that a tagger has to beat."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from ostinato.errors import ConfigError
from ostinato.evaluate.classification import accuracy, macro_f1
from ostinato.evaluate.comparison import Comparison, compare

Tags = Sequence[Sequence[str]]


class MostFrequentTag:
    """Gives each word the tag that it had most often, and an unknown word the tag that words seen once had most often.

    Args:
        endings: letters at the end of an unknown word by which its tag is guessed, the longest known ending first; 0
            to look at unknown words as a whole only.

    References:
        Charniak et al. (1993), Equations for part-of-speech tagging.
        Brants (2000), TnT: a statistical part-of-speech tagger, section 2.3 (endings), https://aclanthology.org/A00-1031.

    Example:
        >>> model = MostFrequentTag().fit([["a", "dog"], ["dog"]], [["DET", "NOUN"], ["NOUN"]])
        >>> model.predict([["dog", "a"]])
        [['NOUN', 'DET']]
    """

    def __init__(self, endings: int = 0) -> None:
        if endings < 0:
            raise ConfigError(f"endings is {endings}; use 0 for none, or the letters to look at")
        self.endings = endings
        self._of_word: dict[str, str] = {}
        self._of_ending: dict[str, str] = {}

    def fit(self, X: Tags, y: Tags) -> MostFrequentTag:
        """Count the tags of each word.

        Args:
            X: words of each sentence.
            y: their tags.
        """
        words: dict[str, Counter[str]] = defaultdict(Counter)
        for word, tag in zip(chain(*X), chain(*y), strict=True):
            words[word][tag] += 1
        rare = {word: tags for word, tags in words.items() if sum(tags.values()) == 1} or words
        endings: dict[str, Counter[str]] = defaultdict(Counter)
        for word, tags in rare.items():
            for length in range(min(self.endings, len(word)) + 1):
                endings[word[len(word) - length :]].update(tags)
        self._of_word, self._of_ending = _commonest(words), _commonest(endings)
        return self

    def predict(self, X: Tags) -> list[list[str]]:
        """The tag of each word.

        Raises:
            ConfigError: the model is not fitted.
        """
        if not self._of_word:
            raise ConfigError("this model of the most frequent tags is not fitted yet; call fit first")
        return [[self._tag(word) for word in sentence] for sentence in X]

    def _tag(self, word: str) -> str:
        """The tag of one word."""
        if word in self._of_word:
            return self._of_word[word]
        lengths = range(min(self.endings, len(word)), -1, -1)
        endings = (word[len(word) - length :] for length in lengths)
        return next(self._of_ending[ending] for ending in endings if ending in self._of_ending)


def _commonest(counts: Mapping[str, Counter[str]]) -> dict[str, str]:
    """The most frequent tag of each; of equally frequent ones the first in the alphabet."""
    return {key: min(tags, key=lambda tag: (-tags[tag], tag)) for key, tags in counts.items()}


def leaderboard(predictions: Mapping[str, Tags], truth: Tags, X: Tags, known: Iterable[str]) -> pd.DataFrame:
    """The scores of some taggers, the best first.

    Args:
        predictions: tags of each model.
        truth: the true tags.
        X: the words.
        known: words of the training data.

    Returns:
        model, accuracy (share of words), macro_f1, unknown_words (accuracy on words that are not in the training data,
        NaN without any), sentences (share of sentences without an error).
    """
    vocabulary = set(known)
    strange = np.array([word not in vocabulary for word in chain(*X)], dtype=bool)
    true = np.array(list(chain(*truth)), dtype=object)
    rows = []
    for model, tags in predictions.items():
        guess = np.array(list(chain(*tags)), dtype=object)
        whole = [list(a) == list(b) for a, b in zip(truth, tags, strict=True)]
        of_strange = accuracy(true[strange], guess[strange])
        rows.append((model, accuracy(true, guess), macro_f1(true, guess), of_strange, float(np.mean(whole))))
    board = pd.DataFrame(rows, columns=["model", "accuracy", "macro_f1", "unknown_words", "sentences"])
    return board.sort_values("accuracy", ascending=False, kind="stable", ignore_index=True)


def compare_taggers(predictions: Mapping[str, Tags], truth: Tags, *, model: str) -> Comparison:
    """Whether a tagger is better than the best of the others, sentences being drawn again.

    Args:
        predictions: tags of each model.
        truth: the true tags.
        model: the tagger to judge.
    """
    wrong = {
        name: [sum(a != b for a, b in zip(*pair, strict=True)) for pair in zip(truth, tags, strict=True)]
        for name, tags in predictions.items()
    }
    return compare(
        wrong, [len(tags) for tags in truth], model=model, loss="share of wrong tags", item="sentence"
    )
