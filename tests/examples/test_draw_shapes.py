"""The drawn pictures show what their sentences say, and the unseen pairs are never drawn for the training."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "draw_shapes.py"


@pytest.fixture(scope="module")
def shapes():
    specification = importlib.util.spec_from_file_location("draw_shapes", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def pieces(mask):
    """How many pieces that do not touch a mask has, by painting each in turn."""
    left, found = {tuple(place) for place in np.argwhere(mask)}, 0
    while left:
        found += 1
        edge = [left.pop()]
        while edge:
            row, column = edge.pop()
            around = {(row + a, column + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} & left
            left -= around
            edge += around
    return found


def test_any_two_parts_of_an_unseen_combination_are_seen_together(shapes):
    seen = [one for one in shapes.COMBINATIONS if one not in shapes.UNSEEN]
    assert len(shapes.UNSEEN) == len(shapes.COMBINATIONS) // 5
    for left, right in ((0, 1), (0, 2), (1, 2)):
        together = {(one[left], one[right]) for one in seen}
        assert together == {(one[left], one[right]) for one in shapes.COMBINATIONS}


def test_a_picture_has_as_many_shapes_in_each_corner_as_its_sentence_says(shapes):
    drawn = shapes.draw_many(0, 40, shapes.COMBINATIONS)
    half = shapes.SIZE // 2
    for picture, sentence in zip(drawn["X"], drawn["y"], strict=True):
        background = np.median(picture.reshape(-1, 3), axis=0)
        mask = np.abs(picture.astype(float) - background).max(axis=2) > 12
        said = dict.fromkeys(shapes.PLACES, 0)
        for count, place in re.findall(r"(\w+) \w+ \w+ in the (\w+ \w+)", sentence):
            said[place] = shapes.COUNTS.index(count) + 1
        for place, (down, across) in shapes.PLACES.items():
            corner = mask[down * half : (down + 1) * half, across * half : (across + 1) * half]
            assert pieces(corner) == said[place], sentence


def test_the_colour_is_that_of_the_sentence(shapes):
    random = np.random.default_rng(0)
    for colour, rgb in shapes.COLOURS.items():
        picture, sentence = shapes.draw(random, [(1, colour, "square")])
        assert f"two {colour} squares" in sentence
        assert (np.abs(picture.astype(float) - rgb).max(axis=2) < 40).sum() > 20


def test_unseen_combinations_are_not_in_the_training_and_all_of_the_test(shapes):
    seen = [one for one in shapes.COMBINATIONS if one not in shapes.UNSEEN]
    names = {shapes.plural(shape, count): shape for shape in shapes.SHAPES for count in (1, 2)}
    for combinations, expected in ((seen, False), (shapes.UNSEEN, True)):
        for sentence in shapes.draw_many(1, 60, combinations)["y"]:
            for count, colour, shape in re.findall(r"(one|two|three) (\w+) (\w+) in", str(sentence)):
                said = (shapes.COUNTS.index(count), colour, names[shape])
                assert (said in shapes.UNSEEN) == expected, sentence


def test_the_same_seed_draws_the_same_pictures(shapes):
    first, second = (shapes.draw_many(3, 5, shapes.COMBINATIONS) for _ in range(2))
    np.testing.assert_array_equal(first["X"], second["X"])
    assert first["y"].tolist() == second["y"].tolist()


def test_the_files_can_be_learned_from(shapes, tmp_path, monkeypatch):
    from ostinato.data.captioned import read_captioned

    monkeypatch.setattr("sys.argv", ["draw_shapes.py", str(tmp_path), "--images", "20"])
    shapes.main()
    assert [len(read_captioned(tmp_path / f"{name}.npz")) for name in ("train", "valid", "test")] == [
        20,
        2,
        2,
    ]
