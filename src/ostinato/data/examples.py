"""Files and folders to labelled examples: texts, series or recordings, each with the class it belongs to."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ostinato.data.audio import AUDIO_ENDINGS
from ostinato.data.findings import Log, count, listing
from ostinato.data.readers import RawTable, read_bytes
from ostinato.data.series_files import read_series_npz, read_ts
from ostinato.errors import DataError

TEXT_NAMES = (
    "text",
    "sentence",
    "review",
    "comment",
    "message",
    "document",
    "content",
    "body",
    "tweet",
    "phrase",
)
LABEL_NAMES = (
    "label",
    "class",
    "target",
    "category",
    "sentiment",
    "y",
    "tag",
    "intent",
    "language",
    "nationality",
)
_MOST_CLASSES = 200


@dataclass(frozen=True)
class Examples:
    """Sequences and the class of each.

    Attributes:
        kind: "text", "series" or "speech".
        inputs: texts, arrays `(time, channels)`, or paths of recordings.
        labels: the class of each; None where the source has none.
        names: what each is called: its line, case or file.
        source: how messages name the source.
        notes: one sentence per thing found.
    """

    kind: str
    inputs: list[Any]
    labels: list[str] | None
    names: list[str]
    source: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.inputs)


def read_examples(path: str | Path, *, text_col: str | None = None, label_col: str | None = None) -> Examples:
    """Read a file or a folder as examples; what is not named is found.

    Args:
        path: a table with a text column (CSV, TSV, Parquet or JSON lines, also `.gz`), a `.ts` file (also `.gz`) or
            `.npz` of series, or a folder of recordings, whose class is the name of their sub-folder, or the first part
            of their file name up to `_` or `-`.
        text_col: column of the texts of a table.
        label_col: column of the classes of a table.

    Raises:
        DataError: there is no such file, or it cannot be used; the message says where and what to do.
    """
    file, source = Path(path), f"file '{path}'"
    if file.is_dir():
        return _recordings(file)
    if file.suffix.lower() in AUDIO_ENDINGS and file.exists():
        return Examples("speech", [str(file)], None, [file.name], source)
    try:
        content = file.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{source} cannot be read ({reason}); check the path") from error
    packed = file.suffix.lower() == ".gz"
    ending = (file.with_suffix("") if packed else file).suffix.lower()
    if ending == ".npz":
        return _series(read_series_npz(content, source), source)
    if ending == ".ts":
        return _series(read_ts(_text(content, source), source), source)
    log = Log()
    raw = read_bytes(content, ending, source, log)
    return _texts(raw, text_col, label_col, tuple(finding.text for finding in log.findings))


def _text(content: bytes, source: str) -> str:
    """The bytes of a file, packed or not, as text."""
    import gzip
    import zlib

    try:
        unpacked = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        return unpacked.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{source} is a damaged gzip file; write it again") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is not UTF-8 text; save it as UTF-8") from error


def _series(found: Any, source: str) -> Examples:
    names = [f"case {number}" for number in range(1, len(found.series) + 1)]
    return Examples("series", list(found.series), found.labels, names, source)


def _recordings(folder: Path) -> Examples:
    """The recordings of a folder and its sub-folders, in the order of their names."""
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in AUDIO_ENDINGS and not file.name.startswith(".")
    )
    if not files:
        raise DataError(
            f"the folder '{folder}' has no {', '.join(AUDIO_ENDINGS)} file; give a folder of recordings"
        )
    inside = [file.relative_to(folder) for file in files]
    nested = [len(name.parts) > 1 for name in inside]
    source = f"folder '{folder}'"
    names = [name.as_posix() for name in inside]
    if any(nested) and not all(nested):
        loose = names[nested.index(False)]
        raise DataError(
            f"{source} has recordings in sub-folders and '{loose}' outside them; move it into its class"
        )
    if all(nested):
        labels: list[str] | None = [name.parts[0] for name in inside]
        note = "the class of a recording is the name of its sub-folder"
    else:
        labels = [re.split(r"[_\-]", name.stem, maxsplit=1)[0] for name in inside]
        note = "the class of a recording is the first part of its file name"
        if not all(re.search(r"[_\-]", name.stem) for name in inside):
            labels, note = None, "the file names tell no class"
    return Examples("speech", [str(file) for file in files], labels, names, source, (note,))


def _texts(raw: RawTable, text_col: str | None, label_col: str | None, notes: tuple[str, ...]) -> Examples:
    """The texts of a table and their classes."""
    frame = raw.frame
    for name in (text_col, label_col):
        if name is not None and name not in frame:
            raise DataError(
                f"{raw.source} has no column '{name}'; it has {listing([str(c) for c in frame.columns])}"
            )
    text = text_col or _text_column(frame, label_col, raw.source)
    label = label_col or _label_column(frame, text)
    inputs = ["" if _missing(cell) else str(cell) for cell in frame[text]]
    labels = None if label is None else _labels(raw, label)
    found = [f"the texts are in the column '{text}'" + (f", the classes in '{label}'" if label else "")]
    empty = sum(not cell.strip() for cell in inputs)
    if empty:
        found.append(f"{count(empty, 'text')} {'is' if empty == 1 else 'are'} empty")
    names = [f"{raw.place} {line}" for line in raw.lines]
    return Examples("text", inputs, labels, names, raw.source, (*notes, *found))


def _missing(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and np.isnan(cell)) or cell is pd.NA


def _labels(raw: RawTable, label: str) -> list[str]:
    """The classes as text; each row must have one."""
    cells = raw.frame[label].tolist()
    lacking = next((row for row, cell in enumerate(cells) if _missing(cell) or not str(cell).strip()), None)
    if lacking is not None:
        raise DataError(f"{raw.at(lacking)} has no class in the column '{label}'; add it or remove the row")
    return [str(cell).strip() for cell in cells]


def _text_column(frame: pd.DataFrame, label_col: str | None, source: str) -> str:
    """The column that is named like texts, or whose cells are the longest."""
    columns = [str(name) for name in frame.columns if str(name) != label_col]
    if label_col is None and len(columns) > 1:
        columns = [name for name in columns if name.strip().lower() not in LABEL_NAMES] or columns
    for wanted in TEXT_NAMES:
        for name in columns:
            if name.strip().lower() == wanted:
                return name
    lengths = {name: _mean_length(frame[name].tolist()) for name in columns}
    best = max(lengths, key=lambda name: lengths[name], default=None)
    if best is None or lengths[best] == 0:
        raise DataError(
            f"{source} has no column of texts among {listing(columns)}; name it with text_col (--text-col)"
        )
    return best


def _mean_length(cells: Sequence[object]) -> float:
    """Mean number of characters of texts; 0 for numbers."""
    texts = [str(cell) for cell in cells[:1000] if not _missing(cell)]
    if not texts or all(re.fullmatch(r"[-+\d.,eE]*", text) for text in texts):
        return 0.0
    return float(np.mean([len(text) for text in texts]))


def _label_column(frame: pd.DataFrame, text: str) -> str | None:
    """The column that is named like classes, or the only other one with few different values; None without one."""
    columns = [str(name) for name in frame.columns if str(name) != text]
    for wanted in LABEL_NAMES:
        for name in columns:
            if name.strip().lower() == wanted:
                return name
    few = [name for name in columns if _is_class(frame[name].tolist())]
    return few[0] if len(few) == 1 else None


def _is_class(cells: Sequence[object]) -> bool:
    """Whether cells repeat as classes do."""
    counts = Counter(map(str, cells))
    return 1 <= len(counts) <= min(_MOST_CLASSES, max(len(cells) // 2, 1)) and all(map(str.strip, counts))
