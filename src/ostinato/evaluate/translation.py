"""Translations judged: BLEU and chrF by sacrebleu, and translators that need no network to be compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.findings import count
from ostinato.data.text import join_words, words
from ostinato.errors import ConfigError
from ostinato.evaluate.comparison import FEWEST_ITEMS
from ostinato.evaluate.redrawing import redrawn

Values = NDArray[np.float64]
Counts = NDArray[np.int64]

MODEL_1_ROUNDS = 5
"""Rounds of expectation and maximisation of the word-by-word translator; more change little."""


def bleu(translations: Sequence[str], references: Sequence[str]) -> float:
    """BLEU of a corpus with one reference a sentence, by sacrebleu with its own tokenizer `13a`.

    Args:
        translations: what was translated, as plain text.
        references: what is right.

    Returns:
        0 to 100, the higher the better.

    Raises:
        ConfigError: sacrebleu is not installed.

    References:
        Papineni et al. (2002), BLEU, https://aclanthology.org/P02-1040. Post (2018), A call for clarity in reporting
        BLEU scores, https://arxiv.org/abs/1804.08771.
    """
    return float(_sacrebleu().corpus_bleu(list(translations), [list(references)]).score)


def signature() -> str:
    """How BLEU was computed, in sacrebleu's own words: case, tokenizer, smoothing, version."""
    metric = _sacrebleu().BLEU()
    metric.corpus_score(["a"], [["a"]])
    return str(metric.get_signature())


def leaderboard(translations: Mapping[str, Sequence[str]], references: Sequence[str]) -> pd.DataFrame:
    """Scores of several translators on the same sentences.

    Args:
        translations: of each model, one a reference.
        references: what is right.

    Returns:
        model, bleu, chrf (both 0 to 100, the higher the better) and exact, the share of sentences that are right to the
        letter; the best BLEU first. Without sacrebleu, bleu and chrf are NaN and exact decides.
    """
    rows = []
    for model, texts in translations.items():
        exact = float(np.mean([text == right for text, right in zip(texts, references, strict=True)]))
        both = {"bleu": float("nan"), "chrf": float("nan")}
        if has_sacrebleu():
            chrf = _sacrebleu().corpus_chrf(list(texts), [list(references)]).score
            both = {"bleu": bleu(texts, references), "chrf": float(chrf)}
        rows.append({"model": model, **both, "exact": exact})
    return pd.DataFrame(rows).sort_values(["bleu", "exact"], ascending=False, ignore_index=True)


@dataclass(frozen=True)
class Difference:
    """One translator beside another on the same sentences.

    Attributes:
        best: the one with the higher BLEU; the other where both have the same.
        bleu: BLEU of the first minus BLEU of the second.
        interval: 95 % interval of it over sentences drawn again; NaN with fewer than ten.
        text: both in a sentence.
    """

    best: str
    bleu: float
    interval: tuple[float, float]
    text: str


def compare(
    translations: Mapping[str, Sequence[str]], references: Sequence[str], *, model: str, draws: int = 1000
) -> Difference:
    """A translator beside the best of the others, by drawing the sentences again (paired bootstrap).

    Args:
        translations: of each model, one a reference.
        references: what is right.
        model: the model to judge; the others are baselines.
        draws: how often the sentences are drawn.

    Raises:
        ConfigError: sacrebleu is not installed.

    References:
        Koehn (2004), Statistical significance tests for machine translation evaluation,
        https://aclanthology.org/W04-3250.
    """
    tallies = {name: _counts(texts, references) for name, texts in translations.items()}
    whole = {name: float(_bleu(tally.sum(axis=0))) for name, tally in tallies.items()}
    baseline = max((name for name in whole if name != model), key=lambda name: whole[name])
    interval = _interval(tallies[model], tallies[baseline], draws)
    gain = whole[model] - whole[baseline]
    both = f"BLEU {whole[model]:.1f} beside {whole[baseline]:.1f}"
    text = f"{_judgement(model, baseline, gain, interval[0])}: {both} ({_surety(interval, len(references))})."
    return Difference(model if gain > 0 else baseline, gain, interval, text)


def _interval(ours: Values, theirs: Values, draws: int) -> tuple[float, float]:
    """The 95 % interval of the difference in BLEU; unknown with few sentences."""
    if len(ours) < FEWEST_ITEMS:
        return float("nan"), float("nan")
    several = np.hstack([ours, theirs]).T  # (2 * counts, sentences)
    first, second = np.split(redrawn(several, np.random.default_rng(0), draws=draws).T, 2, axis=1)
    low, high = np.quantile(_bleu(first) - _bleu(second), [0.025, 0.975])
    return float(low), float(high)


def _judgement(model: str, baseline: str, gain: float, low: float) -> str:
    """Whether a model is better, in words."""
    if gain <= 0:
        return f"{model} is not better than the best baseline, {baseline}"
    if low > 0:
        return f"{model} is better than the best baseline, {baseline}"
    doubt = "" if np.isnan(low) else ", though that may be chance"
    return f"{model} did better than {baseline}{doubt}"


def _surety(interval: tuple[float, float], sentences: int) -> str:
    """How sure that is, in words."""
    if np.isnan(interval[0]):
        return f"{count(sentences, 'sentence')}, too few to be sure"
    return f"95 % interval {interval[0]:+.1f} to {interval[1]:+.1f}, {count(sentences, 'sentence')}"


def sentence_chrf(translations: Sequence[str], references: Sequence[str]) -> list[float]:
    """The chrF of each sentence, 0 to 100, the higher the better; NaN without sacrebleu.

    Args:
        translations: what was translated.
        references: what is right.

    References:
        Popović (2015), chrF: character n-gram F-score, https://aclanthology.org/W15-3049.
    """
    if not has_sacrebleu():
        return [float("nan")] * len(references)
    metric = _sacrebleu().CHRF()
    pairs = zip(translations, references, strict=True)
    return [float(metric.sentence_score(text, [right]).score) for text, right in pairs]


def has_sacrebleu() -> bool:
    """Whether sacrebleu is installed."""
    return find_spec("sacrebleu") is not None


@dataclass(frozen=True)
class WordByWord:
    """The most probable translation of each word alone, in the order of the source: what needs no network.

    Attributes:
        table: the translation of each known word; unknown words stay as they are.

    References:
        Brown et al. (1993), The mathematics of statistical machine translation, model 1,
        https://aclanthology.org/J93-2003.

    Example:
        >>> pairs = (["das Haus", "das Buch", "ein Buch"], ["the house", "the book", "a book"])
        >>> WordByWord.fit(*pairs).predict(["ein Haus"])
        ['a house']
    """

    table: dict[str, str]

    @classmethod
    def fit(
        cls, sources: Iterable[str], targets: Iterable[str], *, rounds: int = MODEL_1_ROUNDS
    ) -> WordByWord:
        """Learn from pairs of texts by expectation and maximisation.

        Args:
            sources: texts.
            targets: the translation of each.
            rounds: of expectation and maximisation.
        """
        left, right = _Numbers(), _Numbers()
        asked, given, group, groups = [], [], [], 0
        for source, target in zip(sources, targets, strict=True):
            before, after = left.of(["", *words(source)]), right.of(words(target))
            asked.append(np.tile(before, len(after)))
            given.append(np.repeat(after, len(before)))
            group.append(np.repeat(np.arange(groups, groups + len(after)), len(before)))
            groups += len(after)
        if groups == 0:
            return cls({})
        keys = np.concatenate(asked) * len(right) + np.concatenate(given)
        different, which = np.unique(keys, return_inverse=True)
        share = _expect(different // len(right), which, np.concatenate(group), rounds)
        best: dict[int, tuple[float, int]] = {}
        for key, value in zip(different.tolist(), share.tolist(), strict=True):
            word, other = divmod(key, len(right))
            if value > best.get(word, (0.0, 0))[0]:
                best[word] = (value, other)
        sources_, targets_ = list(left), list(right)
        return cls({sources_[word]: targets_[other] for word, (_, other) in best.items() if sources_[word]})

    def predict(self, texts: Iterable[str]) -> list[str]:
        """Translate texts word by word."""
        return [join_words([self.table.get(word, word) for word in words(text)]) for text in texts]


class _Numbers(dict[str, int]):
    """A number for each word, given when it first comes."""

    def of(self, tokens: Iterable[str]) -> Counts:
        """The numbers of some words."""
        return np.array([self.setdefault(token, len(self)) for token in tokens], dtype=np.int64)


def _expect(sources: Counts, which: Counts, group: Counts, rounds: int) -> Values:
    """Probability of the target of each different pair given its source.

    Args:
        sources: source word of each different pair.
        which: different pair of each pair of words within a sentence.
        group: target word of each pair of words, over all sentences.
        rounds: of expectation and maximisation.
    """
    share: Values = np.ones(len(sources))
    for _ in range(rounds):
        each = share[which]
        each /= np.bincount(group, each)[group]  # how much of the target word each source word explains
        share = np.asarray(np.bincount(which, each, minlength=len(sources)), dtype=np.float64)
        share /= np.bincount(sources, share)[sources]
    return share


def _counts(translations: Sequence[str], references: Sequence[str]) -> Values:
    """What BLEU is made of, a row a sentence: 4 matches, 4 totals, length of the translation and of the reference."""
    metric = _sacrebleu().BLEU(
        effective_order=True
    )  # as it asks for with single sentences; counts do not change
    rows = []
    for translation, reference in zip(translations, references, strict=True):
        found = metric.sentence_score(translation, [reference])
        rows.append([*found.counts, *found.totals, found.sys_len, found.ref_len])
    return np.array(rows, dtype=np.float64)


def _bleu(counts: Values) -> Values:
    """BLEU of summed counts `(..., 10)`; Papineni et al. (2002), section 2.3.

    The first n-grams without a match count as half a match, the next as a quarter, as sacrebleu smooths; it gives 0
    where nothing matches at all or the translations are too short for an n-gram.
    """
    matches, totals = counts[..., :4], counts[..., 4:8]
    missed = matches == 0
    smoothed = np.where(missed, 0.5 ** missed.cumsum(axis=-1), matches)
    usable = (matches > 0).any(axis=-1) & (totals > 0).all(axis=-1)
    precision = np.log(smoothed / np.maximum(totals, 1.0)).mean(axis=-1)
    brevity = np.minimum(0.0, 1.0 - counts[..., 9] / np.maximum(counts[..., 8], 1.0))
    score: Values = np.where(usable, 100.0 * np.exp(precision + brevity), 0.0)
    return score


def _sacrebleu() -> Any:
    """The library of the published score."""
    try:
        import sacrebleu
    except ImportError as error:
        raise ConfigError("BLEU needs the library sacrebleu; install ostinato[text]") from error
    return sacrebleu
