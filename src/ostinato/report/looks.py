"""Where each word of a description looks: the image once a word, lit where the attention is."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.report.blocks import note, section

SIDE = 100  # of an image in the drawing's own units


@dataclass(frozen=True)
class Look:
    """An image and where the words of its description look.

    Attributes:
        heading: what is to be known about it.
        image: `(height, width, channels)` of whole numbers from 0 to 255, one channel or three.
        words: the words.
        attention: `(words, rows, columns)`, the share of each cell of a grid over the image.
    """

    heading: str
    image: NDArray[Any]
    words: tuple[str, ...]
    attention: NDArray[np.floating[Any]]

    def html(self) -> str:
        """The image once a word."""
        href = f"data:image/png;base64,{base64.b64encode(png(self.image)).decode()}"
        drawn = "".join(self._word(href, *pair) for pair in zip(self.words, self.attention, strict=True))
        return f'<h3>{escape(self.heading)}</h3><div class="looks">{drawn}</div>'

    def _word(self, href: str, word: str, shares: NDArray[np.floating[Any]]) -> str:
        """The image under a veil that is thin where the word looks."""
        rows, columns = shares.shape
        high = SIDE * self.image.shape[0] / self.image.shape[1]
        veil = 0.75 * (1 - shares / max(float(shares.max()), 1e-9))
        cells = "".join(
            f'<rect x="{SIDE * column / columns:.1f}" y="{high * row / rows:.1f}" width="{SIDE / columns:.1f}" '
            f'height="{high / rows:.1f}" opacity="{veil[row, column]:.2f}"/>'
            for row in range(rows)
            for column in range(columns)
        )
        return (
            f'<figure><svg viewBox="0 0 {SIDE} {high:.0f}" role="img" aria-label="{escape(word)}">'
            f'<image href="{href}" width="{SIDE}" height="{high:.0f}" style="image-rendering:pixelated"/>{cells}</svg>'
            f"<figcaption>{escape(word)}</figcaption></figure>"
        )


@dataclass(frozen=True)
class Looks:
    """Several images with the looks of their words, under one heading."""

    title: str
    looks: tuple[Look, ...]
    remark: str = ""

    def html(self) -> str:
        """The part as HTML."""
        body = "".join(look.html() for look in self.looks)
        return section(self.title, note(self.remark) + body) if body else ""


def png(image: NDArray[Any]) -> bytes:
    """An image as a PNG file.

    Args:
        image: `(height, width, channels)` of numbers from 0 to 255, one channel or three.
    """
    from PIL import Image

    pixels = np.asarray(image).clip(0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., :3]).save(stream, format="PNG")
    return stream.getvalue()
