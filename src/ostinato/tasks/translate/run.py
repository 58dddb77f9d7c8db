"""The job behind `ostinato translate`: from pairs to a translator, judged beside translators without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from ostinato.data.findings import count
from ostinato.data.text_pairs import TextPairs
from ostinato.errors import DataError
from ostinato.evaluate import translation
from ostinato.tasks.hold_out import hold_out
from ostinato.tasks.job import Watch, timed
from ostinato.tasks.translate.translator import SequenceTranslator, Translation

COPY, WORD_BY_WORD = "copy", "word by word"


@dataclass(frozen=True)
class TranslateRun:
    """A trained translator and how it did.

    Attributes:
        translator: the translator.
        name: its row in the leaderboard.
        test: the pairs it was judged by.
        translations: what it made of their texts.
        leaderboard: model, bleu, chrf, exact; the best first.
        verdict: the sentence that matters.
        best: the one to use.
        notes: one sentence per thing found or decided.
        seconds: time taken by each part.
    """

    translator: SequenceTranslator
    name: str
    test: TextPairs
    translations: list[Translation]
    leaderboard: pd.DataFrame
    verdict: str
    best: str
    notes: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def references(self) -> list[str]:
        """What the translations should have been."""
        return self.test.translations or []

    def worst(self, most: int = 8) -> pd.DataFrame:
        """The sentences whose translation is least like the reference, by chrF or else by the score of the search.

        Args:
            most: sentences at most.

        Returns:
            text, reference, translation, chrf.
        """
        frame = self.table()
        if frame["chrf"].notna().any():
            return frame.sort_values("chrf", ignore_index=True).head(most)
        return frame.sort_values("score", ignore_index=True).head(most)

    def table(self) -> pd.DataFrame:
        """All test sentences: text, reference, translation, chrf, score."""
        texts = [one.text for one in self.translations]
        return pd.DataFrame(
            {
                "text": self.test.texts,
                "reference": self.references,
                "translation": texts,
                "chrf": translation.sentence_chrf(texts, self.references),
                "score": [one.score for one in self.translations],
            }
        )


def run_translate(
    pairs: TextPairs,
    *,
    valid: TextPairs | None,
    test: TextPairs | None,
    parameters: Mapping[str, Any],
    watch: Watch,
) -> TranslateRun:
    """Train, translate the test texts, and judge beside the baselines.

    Args:
        pairs: to learn from.
        valid: to watch the training by; a twentieth of the pairs, 1,000 at most, when None.
        test: to judge by; the validation pairs when None.
        parameters: of `SequenceTranslator`.
        watch: called with the name of each part, gives what is called with (done, total).

    Raises:
        DataError: pairs without translations, or too few.
    """
    seconds: dict[str, float] = {}
    notes = list(pairs.notes)
    for one in (pairs, valid, test):
        if one is not None and one.translations is None:
            raise DataError(f"{one.source} has texts alone; add a second column with their translations")
    translator = SequenceTranslator(**parameters)
    if valid is None:
        pairs, valid = _split(pairs, translator.random_state or 0)
        notes.append(f"{count(len(valid), 'pair')} drawn by chance were kept from the training")
    if test is None:
        test = valid
        notes.append("the scores are of the validation pairs, as there are no test pairs")
    with timed(seconds, "train"):
        translator.fit(
            pairs.texts,
            pairs.translations or [],
            validation=(valid.texts, valid.translations or []),
            progress=watch("train"),
        )
    if translator.skipped_:
        notes.append(
            f"{count(translator.skipped_, 'pair')} with an empty text or more than {translator.longest} tokens were "
            "left out of the training"
        )
    with timed(seconds, "translate"):
        translations = translator.translate(test.texts, progress=watch("translate"))
    name = translator.cell.upper()
    with timed(seconds, "baselines"):
        several = {
            name: [one.text for one in translations],
            WORD_BY_WORD: translation.WordByWord.fit(pairs.texts, pairs.translations or []).predict(
                test.texts
            ),
            COPY: test.texts,
        }
        board = translation.leaderboard(several, test.translations or [])
        verdict, best = _verdict(several, board, name, test)
    if translation.has_sacrebleu():
        notes.append(f"BLEU by sacrebleu: {translation.signature()}")
    else:
        notes.append("BLEU and chrF need the library sacrebleu; install ostinato[text]")
    return TranslateRun(translator, name, test, translations, board, verdict, best, tuple(notes), seconds)


def _verdict(
    several: Mapping[str, list[str]], board: pd.DataFrame, name: str, test: TextPairs
) -> tuple[str, str]:
    """Whether the network is better than the baselines, and the one to use."""
    if translation.has_sacrebleu():
        found = translation.compare(several, test.translations or [], model=name)
        return found.text, found.best
    exact = dict(zip(board["model"], board["exact"], strict=True))
    share = f"{100 * exact[name]:.1f} % of {count(len(test), 'sentence')}"
    return f"{name} translated {share} as the reference does.", str(board["model"].iloc[0])


def _split(pairs: TextPairs, seed: int) -> tuple[TextPairs, TextPairs]:
    """Pairs to learn from, and some by chance to judge by."""
    kept, judged = hold_out(len(pairs), seed=seed, source=pairs.source, noun="pair")
    texts, translations = pairs.texts, pairs.translations or []

    def part(rows: list[int]) -> TextPairs:
        return replace(
            pairs, texts=[texts[row] for row in rows], translations=[translations[row] for row in rows]
        )

    return part(kept), part(judged)
