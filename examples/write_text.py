"""Learn to write from a text file, write from a prompt, and go on in mid-stream.

    python examples/write_text.py input.txt "ROMEO:"

A text of a million characters takes some 20 minutes on two cores. Without a file, the script learns this docstring
over and over in seconds, and writes something like it.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path

from ostinato import SequenceGenerator


def main() -> None:
    """Train, write, and show that a kept state goes on as if nothing had happened."""
    if len(sys.argv) > 1:
        text = Path(sys.argv[1]).read_text(encoding="utf-8")
        generator = SequenceGenerator(random_state=0)
    else:
        text = (__doc__ or "") * 60
        generator = SequenceGenerator(hidden_size=64, num_layers=1, dropout=0.0, epochs=15, random_state=0)
    prompt = sys.argv[2] if len(sys.argv) > 2 else "A text"
    generator.fit(text)
    print(generator.compare().text)
    print(generator.leaderboard().to_string(index=False, float_format="%.3f"))
    stream = generator.stream(prompt, length=300, temperature=0.7, seed=1)
    print(prompt + "".join(itertools.islice(stream, 150)))
    with tempfile.TemporaryDirectory() as folder:
        stream.save(Path(folder) / "state.zip")
        again = generator.resume(Path(folder) / "state.zip")
        print("the same from here on:", "".join(stream) == "".join(again))


if __name__ == "__main__":
    main()
