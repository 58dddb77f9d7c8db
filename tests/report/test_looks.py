"""The picture of where words look: one image a word, and a veil that is thin where the attention is."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from ostinato.report.looks import Look, Looks, png


def look(heading="a <red> circle"):
    attention = np.zeros((2, 2, 3), dtype=np.float32)
    attention[0, 1, 2] = attention[1, 0, 0] = 1.0
    image = np.zeros((4, 6, 3), dtype=np.uint8)
    return Look(heading, image, ("red", "</s>"), attention)


def test_there_is_an_image_for_each_word():
    html = look().html()
    assert html.count("<image ") == 2
    assert "<figcaption>red</figcaption>" in html


def test_texts_are_escaped():
    html = look().html()
    assert "a &lt;red&gt; circle" in html
    assert "<figcaption>&lt;/s&gt;</figcaption>" in html


def test_the_veil_is_gone_where_the_word_looks():
    first = look().html().partition("</figure>")[0]
    veils = [float(value) for value in re.findall(r'opacity="([\d.]+)"', first)]
    assert veils == [0.75, 0.75, 0.75, 0.75, 0.75, 0.0]


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_is_a_png_file_of_the_same_pixels(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels)).astype(np.uint8)
    found = np.asarray(Image.open(io.BytesIO(png(pixels))))
    np.testing.assert_array_equal(found.reshape(pixels.shape), pixels)


def test_no_looks_are_no_section():
    assert Looks("Where each word looks", ()).html() == ""
    assert "Where each word looks" in Looks("Where each word looks", (look(),)).html()
