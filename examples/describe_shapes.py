"""Learn to describe pictures of shapes, and draw which part of a picture each word looks at.

    python examples/describe_shapes.py looks.png

The pictures are drawn by `draw_shapes.py`; from 8,000 of them the network learns most of it in about three minutes. The
full set of 20,000 is for `ostinato caption`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from draw_shapes import COMBINATIONS, UNSEEN, draw_many

from ostinato import SequenceCaptioner
from ostinato.tasks.caption.captioner import Caption


def draw(picture: np.ndarray, caption: Caption, path: Path) -> None:
    """Draw the picture once a word, dark where the word does not look."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(len(caption.tokens), 8)
    rows = -(-len(caption.tokens) // columns)
    figure = Figure(figsize=(1.2 * columns, 1.4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    side = picture.shape[0] // caption.attention.shape[1]
    for place, (word, shares) in enumerate(zip(caption.tokens, caption.attention, strict=True)):
        axes = figure.add_subplot(rows, columns, place + 1)
        light = np.kron(shares / shares.max(), np.ones((side, side)))[..., None]
        axes.imshow((picture * (0.25 + 0.75 * light)).astype(np.uint8))
        axes.set_title(word, fontsize=9)
        axes.set_axis_off()
    figure.savefig(path, dpi=110)


def main(number: int = 8000, epochs: int = 14) -> None:
    """Train, judge on combinations that never came in training, and draw one."""
    seen = [one for one in COMBINATIONS if one not in UNSEEN]
    train, test = draw_many(0, number, seen), draw_many(1, 200, UNSEEN)
    captioner = SequenceCaptioner(epochs=epochs, batch_size=32, random_state=0).fit(train["X"], train["y"])
    captions = captioner.caption(test["X"])
    for truth, one in list(zip(test["y"], captions, strict=True))[:5]:
        print(f"{one.text}   ({'right' if one.text == truth else truth})")
    right = np.mean([one.text == truth for one, truth in zip(captions, test["y"], strict=True)])
    print(f"{100 * right:.0f} % of {len(captions)} sentences about unseen combinations are right")
    if len(sys.argv) > 1:
        longest = int(np.argmax([len(one.tokens) for one in captions]))
        draw(test["X"][longest], captions[longest], Path(sys.argv[1]))


if __name__ == "__main__":
    main()
