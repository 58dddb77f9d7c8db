"""The job behind `ostinato caption`: from described images to a captioner, judged beside ways without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ostinato.data.captioned import Captioned
from ostinato.data.findings import count
from ostinato.data.images import same_shape, to_inputs
from ostinato.errors import DataError
from ostinato.evaluate.captioning import MostFrequent, NearestNeighbour
from ostinato.evaluate.paired import PairedVerdict, compare_accuracy
from ostinato.tasks.caption.captioner import Caption, SequenceCaptioner
from ostinato.tasks.hold_out import hold_out
from ostinato.tasks.job import Watch, timed

MOST_FREQUENT, NEIGHBOUR = "most frequent", "nearest neighbour"


@dataclass(frozen=True)
class CaptionRun:
    """A trained captioner and how it did.

    Attributes:
        captioner: the captioner.
        name: its row in the leaderboard.
        test: what it was judged by.
        captions: what it said of these inputs.
        leaderboard: model; exact: the share of sentences exactly right; words: the share of words in their place; the
            best first.
        comparison: whether it is better than the baselines.
        notes: one sentence per thing found or decided.
        seconds: time taken by each part.
    """

    captioner: SequenceCaptioner
    name: str
    test: Captioned
    captions: list[Caption]
    leaderboard: pd.DataFrame
    comparison: PairedVerdict
    notes: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The sentence that matters."""
        return self.comparison.text

    def table(self) -> pd.DataFrame:
        """All test inputs: name, truth, caption, score."""
        return pd.DataFrame(
            {
                "name": self.test.names,
                "truth": [self.captioner.as_written(text) for text in sentences_of(self.test)],
                "caption": [one.text for one in self.captions],
                "score": [one.score for one in self.captions],
            }
        )

    def errors(self, most: int = 12) -> pd.DataFrame:
        """Wrong sentences, the surest first.

        Args:
            most: sentences at most.
        """
        frame = self.table()
        wrong = frame[frame["truth"] != frame["caption"]]
        return wrong.sort_values("score", ascending=False, kind="stable").head(most)


def run_caption(
    examples: Captioned,
    *,
    valid: Captioned | None,
    test: Captioned | None,
    parameters: Mapping[str, Any],
    watch: Watch,
) -> CaptionRun:
    """Train, describe the test inputs, and judge beside the baselines.

    Args:
        examples: to learn from.
        valid: to watch the training by; a twentieth of the examples, 1,000 at most, when None.
        test: to judge by; the validation examples when None.
        parameters: of `SequenceCaptioner`.
        watch: called with the name of each part, gives what is called with (done, total).

    Raises:
        DataError: inputs without sentences, or too few.
    """
    seconds: dict[str, float] = {}
    notes = list(examples.notes)
    for one in (examples, valid, test):
        if one is not None:
            sentences_of(one)
    captioner = SequenceCaptioner(**parameters)
    if valid is None:
        examples, valid = _split(examples, captioner.random_state or 0)
        notes.append(f"{count(len(valid), 'input')} drawn by chance were kept from the training")
    if test is None:
        test = valid
        notes.append("the scores are of the validation inputs, as there are no test inputs")
    with timed(seconds, "train"):
        captioner.fit(
            examples.inputs,
            sentences_of(examples),
            validation=(valid.inputs, sentences_of(valid)),
            progress=watch("train"),
        )
    with timed(seconds, "describe"):
        captions = captioner.caption(test.inputs, progress=watch("describe"))
    name = captioner.cell.upper()
    with timed(seconds, "baselines"):
        several = {name: [one.text for one in captions], **_baselines(captioner, examples, test)}
        truth = [captioner.as_written(text) for text in sentences_of(test)]
        board = _leaderboard(several, truth)
        comparison = compare_accuracy(truth, several, model=name, noun="sentences")
    return CaptionRun(captioner, name, test, captions, board, comparison, tuple(notes), seconds)


def sentences_of(examples: Captioned) -> list[str]:
    """The sentences.

    Raises:
        DataError: there are none.
    """
    if examples.sentences is None:
        raise DataError(f"{examples.source} has no sentences; add a column and name it with --sentence-col")
    return examples.sentences


def _baselines(captioner: SequenceCaptioner, examples: Captioned, test: Captioned) -> dict[str, list[str]]:
    """What the baselines say of the test inputs."""
    said = [captioner.as_written(text) for text in sentences_of(examples)]
    known, asked = (
        [same_shape(one, captioner.shape_, place) for place, one in enumerate(to_inputs(part.inputs))]
        for part in (examples, test)
    )
    return {
        NEIGHBOUR: NearestNeighbour.fit(known, said).predict(asked),
        MOST_FREQUENT: MostFrequent.fit(said).predict(asked),
    }


def _leaderboard(several: Mapping[str, list[str]], truth: list[str]) -> pd.DataFrame:
    """Scores of all, the best first."""
    rows = [
        {
            "model": model,
            "exact": float(np.mean([text == right for text, right in zip(texts, truth, strict=True)])),
            "words": _words_in_place(texts, truth),
        }
        for model, texts in several.items()
    ]
    return pd.DataFrame(rows).sort_values(["exact", "words"], ascending=False, ignore_index=True)


def _words_in_place(texts: list[str], truth: list[str]) -> float:
    """The share of words that stand where they should; missing and surplus words count as wrong."""
    right = total = 0
    for text, true in zip(texts, truth, strict=True):
        said, wanted = text.split(), true.split()
        right += sum(a == b for a, b in zip(said, wanted, strict=False))
        total += max(len(said), len(wanted))
    return right / total if total else float("nan")


def _split(examples: Captioned, seed: int) -> tuple[Captioned, Captioned]:
    """Examples to learn from, and some by chance to judge by."""
    kept, judged = hold_out(len(examples), seed=seed, source=examples.source, noun="input")
    sentences = sentences_of(examples)

    def part(rows: list[int]) -> Captioned:
        return replace(
            examples,
            inputs=[examples.inputs[row] for row in rows],
            sentences=[sentences[row] for row in rows],
            names=[examples.names[row] for row in rows],
        )

    return part(kept), part(judged)
