"""Files of images or vectors and the sentence that describes each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.findings import Log, count, listing
from ostinato.data.npz import read_npz
from ostinato.data.readers import read_bytes
from ostinato.errors import DataError

SENTENCE_NAMES = ("sentence", "caption", "text", "description", "target", "y")
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
TABLES = ("captions.csv", "captions.tsv", "captions.jsonl", "captions.parquet")


@dataclass(frozen=True)
class Captioned:
    """Inputs and the sentence of each.

    Attributes:
        inputs: images `(height, width, channels)` of whole numbers from 0 to 255, or vectors `(features,)`.
        sentences: one for each; None where the source has none.
        names: what each is called: its file, or its place.
        source: how messages name the source.
        notes: one sentence per thing found.
    """

    inputs: list[NDArray[Any]]
    sentences: list[str] | None
    names: list[str]
    source: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of inputs."""
        return len(self.inputs)


def read_captioned(path: str | Path, *, sentence_col: str | None = None) -> Captioned:
    """Read images or vectors and their sentences.

    Args:
        path: one of: a `.npz` file with the arrays `X` `(items, height, width[, channels])` or `(items, features)` and
            `y` `(items,)`; a folder of images, with a table `captions.csv` (or .tsv, .jsonl, .parquet) of their names
            and sentences where there are sentences; a table with a column of image files, named from the table's
            folder, or otherwise with columns of numbers, and a column of sentences.
        sentence_col: column of the sentences; found by its name, or as the only column of texts, when None.

    Raises:
        DataError: there is no such file, or it cannot be used; the message says where and what to do.
    """
    file = Path(path)
    if file.is_dir():
        table = next((file / name for name in TABLES if (file / name).is_file()), None)
        return _folder(file) if table is None else read_captioned(table, sentence_col=sentence_col)
    source = f"file '{path}'"
    try:
        content = file.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{source} cannot be read ({reason}); check the path") from error
    packed = file.suffix.lower() == ".gz"
    ending = (file.with_suffix("") if packed else file).suffix.lower()
    if ending == ".npz":
        return _arrays(content, source)
    log = Log()
    frame = read_bytes(content, ending, source, log).frame
    notes = tuple(finding.text for finding in log.findings)
    return _table(frame, file.parent, source, sentence_col, notes)


def _arrays(content: bytes, source: str) -> Captioned:
    """NumPy's `.npz`."""
    found = read_npz(content, source)
    inputs = found.get("X")
    if inputs is None or inputs.ndim not in (2, 3, 4) or inputs.dtype.kind not in "fiub" or not len(inputs):
        raise DataError(
            f"{source} has no array X of images or vectors; write it with numpy.savez(X=..., y=...)"
        )
    sentences = found.get("y")
    if sentences is not None and (sentences.shape != inputs.shape[:1] or sentences.dtype.kind != "U"):
        raise DataError(
            f"{source} has {len(inputs)} inputs and y of shape {sentences.shape}; give a text for each"
        )
    texts = None if sentences is None else [str(sentence) for sentence in sentences.tolist()]
    return Captioned(list(inputs), texts, _places(len(inputs)), source)


def _folder(folder: Path) -> Captioned:
    """Images without sentences, in the order of their names."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in IMAGE_ENDINGS)
    if not files:
        raise DataError(f"the folder '{folder}' has no image and no {TABLES[0]}; give a folder of images")
    return Captioned(
        [_image(file) for file in files],
        None,
        [file.name for file in files],
        f"folder '{folder}'",
        (f"the folder has no {TABLES[0]}, so the images have no sentences",),
    )


def _table(
    frame: pd.DataFrame, folder: Path, source: str, sentence_col: str | None, notes: tuple[str, ...]
) -> Captioned:
    """A table of image files or of numbers."""
    names = [str(name) for name in frame.columns]
    if sentence_col is not None and sentence_col not in names:
        raise DataError(f"{source} has no column '{sentence_col}'; it has {listing(names)}")
    image = next((name for name in names if name != sentence_col and _names_images(frame[name])), None)
    free = [name for name in names if name != image]
    sentence = sentence_col or next((name for name in free if name.lower() in SENTENCE_NAMES), None)
    numbers = {name: pd.to_numeric(frame[name], errors="coerce") for name in free if name != sentence}
    texts = [name for name, values in numbers.items() if values.isna().all()]
    if sentence is None and len(texts) == 1:
        sentence = texts[0]
    if image is not None:
        inputs = [_image(folder / str(name)) for name in frame[image]]
        found = f"the images are the files in the column '{image}'"
        called = [str(name) for name in frame[image]]
    else:
        inputs = _vectors({name: values for name, values in numbers.items() if name != sentence}, source)
        found = f"each input is the {count(inputs[0].size, 'number')} in its row"
        called = _places(len(inputs))
    sentences = (
        None if sentence is None else ["" if _missing(cell) else str(cell) for cell in frame[sentence]]
    )
    said = "there are no sentences" if sentence is None else f"the sentences are in the column '{sentence}'"
    return Captioned(inputs, sentences, called, source, (*notes, found, said))


def _vectors(columns: dict[str, pd.Series], source: str) -> list[NDArray[Any]]:
    """Columns of numbers as one vector a row."""
    if not columns:
        raise DataError(
            f"{source} has no column of image files and none of numbers; add what is to be described"
        )
    for name, values in columns.items():
        if values.isna().any():
            row = int(values.isna().to_numpy().argmax()) + 1
            raise DataError(
                f"{source} has no number in the column '{name}' of row {row}; add it or drop the column"
            )
    return list(np.column_stack([values.to_numpy(dtype=np.float32) for values in columns.values()]))


def _image(file: Path) -> NDArray[np.uint8]:
    """An image file as `(height, width, 3)`."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        reason = "no such file" if not file.exists() else "it is no image, or damaged"
        raise DataError(f"the image '{file}' cannot be read ({reason}); mend or remove it") from error


def _names_images(cells: pd.Series) -> bool:
    """Whether all cells are names of image files."""
    return all(Path(str(cell)).suffix.lower() in IMAGE_ENDINGS for cell in cells)


def _missing(cell: object) -> bool:
    return cell is None or cell != cell or cell is pd.NA


def _places(number: int) -> list[str]:
    return [f"item {place}" for place in range(1, number + 1)]
