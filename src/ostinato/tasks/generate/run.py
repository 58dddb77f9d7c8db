"""The job behind `ostinato generate`: from a text to a generator, judged beside n-gram models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ostinato.data.conllu import read_text
from ostinato.data.examples import read_examples
from ostinato.data.findings import count
from ostinato.data.readers import READERS
from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.comparison import Comparison
from ostinato.tasks.generate.data import Texts
from ostinato.tasks.generate.generator import SequenceGenerator
from ostinato.tasks.job import Watch, timed

TEMPERATURES = (0.5, 0.8, 1.0)
SAMPLED = 400
"""Tokens of the texts in a report, and of the text whose probabilities it shows."""
NAMED = 6
"""Conditions that a report writes sequences for."""


@dataclass(frozen=True)
class GenerateRun:
    """A trained generator and how it did.

    Attributes:
        generator: the generator.
        judged: what it was judged by.
        leaderboard: as `SequenceGenerator.leaderboard`.
        comparison: whether it is better than the best n-gram model.
        samples: heading and text of each text it wrote.
        surprise: pieces of unseen text and the probability of each.
        notes: one sentence per thing found or decided.
        seconds: time taken by each part.
    """

    generator: SequenceGenerator
    judged: Texts
    leaderboard: pd.DataFrame
    comparison: Comparison
    samples: tuple[tuple[str, str], ...]
    surprise: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]
    seconds: dict[str, float]


def read_texts(
    path: str | Path, *, lines: bool = False, text_col: str | None = None, condition_col: str | None = None
) -> tuple[Texts, tuple[str, ...]]:
    """Read what a generator learns from.

    Args:
        path: a text file, which is one long text; or a table (CSV, TSV, Parquet, JSON lines) with a column of
            sequences and perhaps one of conditions.
        lines: each line of a text file is a sequence.
        text_col: column of the sequences; found when None.
        condition_col: column of the conditions; found when None.

    Returns:
        The texts, and one sentence per thing found.

    Raises:
        DataError: the file cannot be used.
        ConfigError: columns are named for a file that has none.
    """
    file = Path(path)
    ending = (file.with_suffix("") if file.suffix.lower() == ".gz" else file).suffix.lower()
    if ending in READERS:
        if lines:
            raise ConfigError(
                f"--lines came with {file.name}, which is a table; name its column with --text-col"
            )
        found = read_examples(file, text_col=text_col, label_col=condition_col)
        return Texts.of(found.inputs, found.labels), found.notes
    if text_col is not None or condition_col is not None:
        raise ConfigError(
            f"columns are named, but {file.name} is no table; give a CSV, TSV, Parquet or JSON lines file"
        )
    text, source = read_text(file)
    if not text.strip():
        raise DataError(f"{source} is empty; give a text")
    if lines:
        return Texts.of([line for line in text.splitlines() if line]), ()
    return Texts.of(text), ()


def run_generate(
    texts: Texts,
    *,
    valid: Texts | None,
    test: Texts | None,
    parameters: Mapping[str, Any],
    watch: Watch,
    notes: tuple[str, ...] = (),
) -> GenerateRun:
    """Train, judge beside the n-gram models, and write some texts.

    Args:
        texts: to learn from.
        valid: to judge each epoch by; a tenth when None.
        test: to judge the generator by; the validation data when None.
        parameters: of `SequenceGenerator`.
        watch: called with the name of each part, gives what is called with (done, total).
        notes: what was found before.
    """
    seconds: dict[str, float] = {}
    seed = int(parameters.get("random_state") or 0)
    found = list(notes)
    if valid is None:
        texts, valid = texts.split(seed)
        found.append(
            "the last tenth of the text was kept from the training"
            if texts.whole
            else f"{count(len(valid.texts), 'sequence')} drawn by chance were kept from the training"
        )
    if test is None:
        found.append(
            f"the scores are of the validation {'text' if texts.whole else 'sequences'}, as there is no test"
        )
    with timed(seconds, "train"):
        generator = SequenceGenerator(**parameters).fit(
            *_given(texts), validation=_validation(valid), progress=watch("train")
        )
    watch("judge")
    judged = valid if test is None else test
    chosen = (None, None) if test is None else _given(test)
    with timed(seconds, "judge"):
        board, comparison = generator.leaderboard(*chosen), generator.compare(*chosen)
    samples, surprise = _samples(generator, seed), _surprise(generator, judged)
    return GenerateRun(generator, judged, board, comparison, samples, surprise, tuple(found), seconds)


def _given(texts: Texts) -> tuple[Any, Any]:
    """Texts as `SequenceGenerator` takes them."""
    return (texts.texts[0], None) if texts.whole else (list(texts.texts), texts.conditions)


def _validation(texts: Texts) -> Any:
    X, conditions = _given(texts)
    return X if conditions is None else (X, conditions)


def _samples(generator: SequenceGenerator, seed: int) -> tuple[tuple[str, str], ...]:
    """Some texts that the generator writes."""
    if generator.whole_:
        return tuple(
            (
                f"At temperature {temperature:g}",
                generator.sample(length=SAMPLED, temperature=temperature, seed=seed),
            )
            for temperature in TEMPERATURES
        )
    names: list[str] | list[None] = generator.conditions_[:: max(len(generator.conditions_) // NAMED, 1)][
        :NAMED
    ] or [None]
    return tuple(
        (
            "At temperature 0.8" if name is None else f"{name}, at temperature 0.8",
            "\n".join(generator.sample(6, condition=name, temperature=0.8, seed=seed, length=SAMPLED)),
        )
        for name in names
    )


def _surprise(generator: SequenceGenerator, judged: Texts) -> tuple[tuple[str, float], ...]:
    """Tokens of unseen text and the probability of each."""
    tokenizer = generator.tokenizer_
    if judged.whole:
        text = judged.texts[0][: 4 * SAMPLED]
        tokens = tokenizer.tokens(text)[: SAMPLED + 1]
        (shares,) = generator.log_probabilities(text)
        return tuple(zip(tokens[1:], np.exp(shares[:SAMPLED]).tolist(), strict=False))
    few = Texts(judged.texts[:20], None if judged.conditions is None else judged.conditions[:20])
    pieces: list[tuple[str, float]] = []
    for name, shares in zip(
        few.texts, generator.log_probabilities(list(few.texts), few.conditions), strict=True
    ):
        pieces += zip([*tokenizer.tokens(name), "\n"], np.exp(shares).tolist(), strict=True)
    return tuple(pieces)
