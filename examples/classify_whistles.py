"""Tell rising, falling and steady whistles apart, and watch the network make up its mind.

python examples/classify_whistles.py [PICTURE.png]
"""

from __future__ import annotations

import sys
import tempfile
import wave
from pathlib import Path

import numpy as np

from ostinato import SequenceClassifier

RATE = 8000
KINDS = {"falling": -1, "rising": 1, "steady": 0}


def whistle(path: Path, kind: str, rng: np.random.Generator) -> str:
    """Write a whistle that is steady for a while before it rises, falls or goes on, under noise."""
    time = np.arange(int(rng.uniform(0.4, 0.6) * RATE)) / RATE
    turn = rng.uniform(0.15, 0.3)  # seconds
    pitch = rng.uniform(900, 1500) * 2 ** (KINDS[kind] * 2 * np.clip(time - turn, 0, None))
    sound = 0.3 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE) + rng.normal(0, 0.05, len(time))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return str(path)


def whistles(folder: Path, count: int, seed: int) -> tuple[list[str], list[str]]:
    """Recordings and the kind of each."""
    rng = np.random.default_rng(seed)
    kinds = [list(KINDS)[number % len(KINDS)] for number in range(count)]
    return [whistle(folder / f"{seed}-{number}.wav", kind, rng) for number, kind in enumerate(kinds)], kinds


def draw(classifier: SequenceClassifier, recordings: list[str], path: Path) -> None:
    """Draw what the network says after each frame of three whistles, over its attention."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    found = classifier.explain(recordings)
    for column, (kind, one) in enumerate(zip(KINDS, found, strict=True)):
        axes = figure.add_subplot(1, 3, column + 1)
        axes.fill_between(
            np.arange(1, len(one.attention) + 1) / 100, one.attention / one.attention.max(), alpha=0.2
        )
        for name, line in zip(classifier.classes_, one.confidence.T, strict=True):
            axes.plot(one.read / 100, line, label=str(name))
        axes.set(title=f"a {kind} whistle", xlabel="seconds heard", ylim=(0, 1.02))
    figure.axes[0].set_ylabel("probability; shaded: attention")
    figure.axes[-1].legend(loc="center left")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train, judge on whistles that were not heard, and draw three of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        classifier = SequenceClassifier(
            members=1, epochs=12, hidden_size=32, learning_rate=5e-3, random_state=0
        )
        classifier.fit(*whistles(folder, 150, seed=0))
        recordings, kinds = whistles(folder, 60, seed=1)
        print(f"{100 * classifier.score(recordings, kinds):.0f} % of {len(kinds)} unheard whistles are right")
        for recording, kind in list(zip(recordings, kinds, strict=True))[:6]:
            (shares,) = classifier.predict_proba([recording])
            said = ", ".join(
                f"{name} {share:.2f}" for name, share in zip(classifier.classes_, shares, strict=True)
            )
            print(f"{kind:<9}{said}")
        if len(sys.argv) > 1:
            draw(classifier, recordings[:3], Path(sys.argv[1]))


if __name__ == "__main__":
    main()
