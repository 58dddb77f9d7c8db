"""Files of texts and their translations."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ostinato.data.findings import Log, count, listing
from ostinato.data.readers import read_bytes
from ostinato.errors import DataError

SOURCE_NAMES = ("source", "src", "input", "from", "text", "sentence")
TARGET_NAMES = ("target", "tgt", "trg", "output", "to", "translation")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z]{2,4})?")


@dataclass(frozen=True)
class TextPairs:
    """Texts and the translation of each.

    Attributes:
        texts: the texts.
        translations: one for each; None where the file has none.
        source: how messages name the file.
        notes: one sentence per thing found.
    """

    texts: list[str]
    translations: list[str] | None
    source: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of texts."""
        return len(self.texts)


def read_text_pairs(
    path: str | Path, *, source_col: str | None = None, target_col: str | None = None
) -> TextPairs:
    """Read texts and their translations.

    A `.tsv` or `.txt` file is taken as it is: one pair a line with a tab between, a quotation mark being a character
    like others. Its first line is a header where it holds the names asked for, usual names such as `source` and
    `target`, or codes of languages such as `de`. Other tables are read as everywhere. All may be packed by gzip. Where
    no columns are named, those with usual names are taken, or else the first two; a single column has texts alone.

    Args:
        path: the file.
        source_col: column of the texts.
        target_col: column of the translations.

    Raises:
        DataError: there is no such file, or it cannot be used; the message says where and what to do.
    """
    file, source, log = Path(path), f"file '{path}'", Log()
    content = _content(file, source)
    ending = (file.with_suffix("") if file.suffix.lower() == ".gz" else file).suffix.lower()
    if ending in (".tsv", ".txt"):
        frame = _lines(content, source, {source_col, target_col}, log)
    else:
        frame = read_bytes(content, ending, source, log).frame
    left, right = _columns([str(name) for name in frame.columns], source_col, target_col, source)
    texts = [_text(cell) for cell in frame[left]]
    translations = None if right is None else [_text(cell) for cell in frame[right]]
    notes = [finding.text for finding in log.findings]
    notes.append(
        f"the texts are in the column '{left}'"
        + ("" if right is None else f", their translations in '{right}'")
    )
    if translations is not None:
        empty = sum(not (a.strip() and b.strip()) for a, b in zip(texts, translations, strict=True))
        notes += [f"{count(empty, 'pair')} with an empty text"] if empty else []
    return TextPairs(texts, translations, source, tuple(notes))


def _content(file: Path, source: str) -> bytes:
    """The bytes of a file, unpacked."""
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{source} is a damaged gzip file; write it again") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{source} cannot be read ({reason}); check the path") from error


def _lines(content: bytes, source: str, wanted: set[str | None], log: Log) -> pd.DataFrame:
    """One row a line, cut at tabs and nowhere else."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{source} is not UTF-8 text; save it as UTF-8") from error
    rows = [line.rstrip("\r").split("\t") for line in text.removesuffix("\n").split("\n")]
    if not text.strip():
        raise DataError(f"{source} is empty; give a text and its translation a line, with a tab between")
    width = len(rows[0])
    if width > 1:
        rows = [
            row for row in rows if row != [""]
        ]  # in a file of single texts an empty line is an empty text
    wrong = next((number for number, row in enumerate(rows, 1) if len(row) != width), None)
    if wrong is not None:
        raise DataError(
            f"{source}, line {wrong} has {count(len(rows[wrong - 1]), 'cell')} and the first line {width}; "
            "put one tab between a text and its translation, and none inside"
        )
    if _is_header(rows[0], wanted):
        names, rows = rows[0], rows[1:]
    else:
        names = [f"column {place}" for place in range(1, width + 1)]
        log.note("columns", "the first line is a pair like the others, so the columns are numbered from 1")
    if not rows:
        raise DataError(f"{source} has a header but no pairs; add one a line")
    if len(set(names)) < len(names):
        raise DataError(f"{source} has two columns named '{names[0]}'; rename one")
    return pd.DataFrame(rows, columns=names, dtype=object)


def _is_header(cells: Sequence[str], wanted: set[str | None]) -> bool:
    """Whether a line names the columns."""
    if wanted & set(cells):
        return True
    usual = {*SOURCE_NAMES, *TARGET_NAMES}
    return len(cells) > 1 and all(cell.lower() in usual or _LANGUAGE.fullmatch(cell) for cell in cells)


def _columns(
    names: Sequence[str], source_col: str | None, target_col: str | None, source: str
) -> tuple[str, str | None]:
    """The columns of the texts and of their translations."""
    for wanted in (source_col, target_col):
        if wanted is not None and wanted not in names:
            raise DataError(f"{source} has no column '{wanted}'; it has {listing(list(names))}")
    if source_col is not None and source_col == target_col:
        raise DataError(f"the texts and their translations are both in the column '{source_col}'; name two")
    free = [name for name in names if name not in (source_col, target_col)]
    right = target_col or next((name for name in free if name.lower() in TARGET_NAMES), None)
    free = [name for name in free if name != right]
    left = source_col or next((name for name in free if name.lower() in SOURCE_NAMES), None)
    if left is None:
        if not free:
            raise DataError(f"{source} has only the column '{right}'; add one with the texts to translate")
        left = free[0]
    return left, right or next((name for name in free if name != left), None)


def _text(cell: object) -> str:
    """A cell as text; a missing one is empty."""
    return "" if cell is None or cell != cell or cell is pd.NA else str(cell)
