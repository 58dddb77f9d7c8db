"""Draw pictures of coloured shapes with a sentence that describes each, for `ostinato caption`.

    python examples/draw_shapes.py shapes                    20,000 pictures to learn from, 2,000 to judge by
    ostinato caption shapes/train.npz --valid shapes/valid.npz --test shapes/test.npz --out captions

Every picture has one or two groups of up to three equal shapes, each group in a corner of its own:
"two red circles in the top left and one blue cross in the bottom right". A fifth of the 120 combinations of a number, a
colour and a shape is kept from the training: a network that was shown one red circle and three, and two of much else,
must say "two red circles" when it first sees two. The test pictures hold nothing but such unseen combinations. Only
NumPy is needed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIZE = 48
COLOURS = {
    "red": (214, 39, 40),
    "green": (44, 160, 44),
    "blue": (31, 87, 200),
    "yellow": (240, 210, 20),
    "orange": (255, 127, 14),
    "purple": (140, 60, 190),
    "pink": (245, 150, 200),
    "black": (20, 20, 20),
}
PLACES = {"top left": (0, 0), "top right": (0, 1), "bottom left": (1, 0), "bottom right": (1, 1)}
COUNTS = ("one", "two", "three")

Picture = NDArray[np.uint8]
Grid = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Whether a pixel at (down, across) from the middle, in units of the shape's radius, belongs to the shape.
SHAPES: dict[str, Callable[[Grid, Grid], Mask]] = {
    "circle": lambda down, across: down**2 + across**2 <= 1,
    "square": lambda down, across: np.maximum(abs(down), abs(across)) <= 0.95,
    "triangle": lambda down, across: (down <= 0.8) & (abs(across) <= (down + 1) / 1.8),
    "cross": lambda down, across: (
        (np.minimum(abs(down), abs(across)) <= 0.3) & (np.maximum(abs(down), abs(across)) <= 1)
    ),
    "ring": lambda down, across: abs(np.sqrt(down**2 + across**2) - 0.75) <= 0.25,
}
COMBINATIONS = list(product(range(len(COUNTS)), COLOURS, SHAPES))
"""Number, counted from 0 for "one", colour and shape of a group."""
UNSEEN = [
    (count, colour, shape)
    for count, colour, shape in COMBINATIONS
    if (count + list(COLOURS).index(colour) + list(SHAPES).index(shape)) % 5 == 0
]
"""The combinations that no training picture has. Any two parts of one are seen together, but never all three."""


def draw(rng: np.random.Generator, combinations: list[tuple[int, str, str]]) -> tuple[Picture, str]:
    """Draw one picture of groups that are each one of some combinations, and describe it.

    Args:
        rng: source of all that is drawn by chance.
        combinations: (number from 0, colour, shape) of which each group is one.

    Returns:
        The picture `(SIZE, SIZE, 3)` and its sentence, the groups in reading order.
    """
    picture = np.full((SIZE, SIZE, 3), rng.uniform(200, 255))
    said = []
    for corner in sorted(rng.permutation(len(PLACES))[: rng.integers(1, 3)]):
        place = list(PLACES)[corner]
        number, colour, shape = combinations[rng.integers(len(combinations))]
        draw_group(rng, picture, PLACES[place], COLOURS[colour], shape, number + 1)
        said.append(f"{COUNTS[number]} {colour} {plural(shape, number + 1)} in the {place}")
    return picture.clip(0, 255).astype(np.uint8), " and ".join(said)


def draw_group(
    rng: np.random.Generator,
    picture: Grid,
    corner: tuple[int, int],
    colour: tuple[int, int, int],
    shape: str,
    count: int,
) -> None:
    """Draw equal shapes of nearly equal size into a corner, each in a quarter of it."""
    half = SIZE // 2
    for quarter in rng.permutation(4)[:count]:
        middle = [
            side * half + part * half / 2 + half / 4 + rng.uniform(-0.8, 0.8)
            for side, part in zip(corner, divmod(int(quarter), 2), strict=True)
        ]
        radius = rng.uniform(4.0, 5.2)
        down, across = np.mgrid[0:SIZE, 0:SIZE]
        inside = SHAPES[shape]((down - middle[0]) / radius, (across - middle[1]) / radius)
        picture[inside] = np.array(colour) + rng.normal(0, 8, 3)


def plural(shape: str, count: int) -> str:
    """A shape as a word for so many of them."""
    return shape if count == 1 else shape + ("es" if shape.endswith("s") else "s")


def draw_many(
    seed: int, number: int, combinations: list[tuple[int, str, str]]
) -> dict[str, NDArray[np.generic]]:
    """Draw pictures, as the arrays of an .npz file: `X` and `y`."""
    rng = np.random.default_rng(seed)
    drawn = [draw(rng, combinations) for _ in range(number)]
    return {
        "X": np.stack([picture for picture, _ in drawn]),
        "y": np.array([sentence for _, sentence in drawn]),
    }


def main() -> None:
    """Draw three files: to learn from, to watch the training by, and to judge by."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where train.npz, valid.npz and test.npz go")
    parser.add_argument("--images", type=int, default=20_000, help="pictures to learn from (default 20,000)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    seen = [one for one in COMBINATIONS if one not in UNSEEN]
    tenth = max(arguments.images // 10, 1)
    for place, (name, number, combinations) in enumerate(
        [("train", arguments.images, seen), ("valid", tenth, seen), ("test", tenth, UNSEEN)]
    ):
        drawn = draw_many(1000 * arguments.seed + place, number, combinations)
        np.savez_compressed(arguments.folder / f"{name}.npz", **drawn)
        print(f"{arguments.folder / name}.npz: {number} pictures, such as: {drawn['y'][0]}")


if __name__ == "__main__":
    main()
