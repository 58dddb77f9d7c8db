"""Learn to write any date as year, month and day, letter by letter, and draw which letters each digit looks at.

    python examples/translate_dates.py attention.png

The dates are written in four ways ("Tuesday, 3 March 1998", "03.03.98", ...) and become "1998-03-03". The order of the
parts changes, so the picture is not a diagonal: the year comes from the end and is written first. Takes about a minute.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from ostinato import SequenceTranslator
from ostinato.tasks.translate.translator import Translation

WAYS = ("%A, {day} %B %Y", "%B {day}, %Y", "%d.%m.%y", "{day} %b %Y")


def dates(number: int, seed: int) -> tuple[list[str], list[str]]:
    """Dates from 1970 to 2029, each written in one of four ways, and as year, month and day."""
    random = np.random.default_rng(seed)
    texts, plain = [], []
    for days, way in zip(
        random.integers(0, 21915, number), random.integers(0, len(WAYS), number), strict=True
    ):
        day = date(1970, 1, 1) + timedelta(days=int(days))
        texts.append(day.strftime(WAYS[way]).format(day=day.day))
        plain.append(day.isoformat())
    return texts, plain


def draw(translation: Translation, path: Path) -> None:
    """Draw the attention: a row for each letter that was written, dark where it looked."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(translation.attention, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(
        range(len(translation.source)), [letter.replace(" ", "␣") for letter in translation.source]
    )
    axes.set_yticks(range(len(translation.tokens)), translation.tokens)
    axes.xaxis.tick_top()
    axes.set_ylabel("written, from top to bottom")
    axes.set_xlabel("looked at")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train, judge on dates that were not seen, and draw one."""
    translator = SequenceTranslator(
        tokens="char",
        hidden_size=64,
        embedding_size=32,
        dropout=0.1,
        epochs=12,
        learning_rate=5e-3,
        random_state=0,
    )
    translator.fit(*dates(2000, seed=0))
    texts, plain = dates(200, seed=1)
    translations = translator.translate(texts)
    for text, one in list(zip(texts, translations, strict=True))[:5]:
        print(f"{text:<30}{one.text}")
    right = np.mean([one.text == true for one, true in zip(translations, plain, strict=True)])
    print(f"{100 * right:.0f} % of {len(plain)} unseen dates are right")
    if len(sys.argv) > 1:
        longest = max(translations, key=lambda one: len(one.source))
        draw(longest, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
