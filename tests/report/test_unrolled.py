"""The picture of a network unrolled over time."""

import io

import pytest
from matplotlib.image import imread

from ostinato.errors import ConfigError
from ostinato.report.unrolled import BLUE, GREEN, ORANGE, unrolled


def colours(png):
    """Which of the three colours a picture has."""
    pixels = {tuple(pixel) for row in (imread(io.BytesIO(png))[..., :3] * 255).round() for pixel in row}
    names = {"blue": BLUE, "green": GREEN, "orange": ORANGE}
    return {
        name
        for name, code in names.items()
        if tuple(float(int(code[start : start + 2], 16)) for start in (1, 3, 5)) in pixels
    }


def test_a_second_row_is_drawn_for_the_way_back():
    assert colours(unrolled(["a", "b"], [None, None])) == {"blue"}
    assert colours(unrolled(["a", "b"], [None, None], both_ways=True)) == {"blue", "green"}


def test_outputs_are_drawn_where_there_are_any():
    assert colours(unrolled(["a", "b"], [None, "x"])) == {"blue", "orange"}


def test_links_and_feeding_back_change_the_picture():
    plain = unrolled(["a", "b"], ["b", "c"])
    assert unrolled(["a", "b"], ["b", "c"], fed_back=True) != plain
    assert unrolled(["a", "b"], ["b", "c"], linked=True) != plain


def test_longer_sequences_are_wider():
    widths = [imread(io.BytesIO(unrolled(["a"] * steps, ["b"] * steps))).shape[1] for steps in (2, 6)]
    assert widths[0] < widths[1]


@pytest.mark.parametrize(("inputs", "outputs"), [(["a"], []), ([], [])])
def test_inputs_and_outputs_are_one_a_step(inputs, outputs):
    with pytest.raises(
        ConfigError, match=f"there are {len(inputs)} inputs and 0 outputs; give one of each a step"
    ):
        unrolled(inputs, outputs)
