"""Bytes of a file to a table of named columns: CSV, TSV, Parquet and JSON lines."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data.findings import Log, count
from ostinato.errors import DataError

DELIMITERS = ("\t", ";", "|", ",")
_NAMES = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}
_SAMPLE_ROWS = 50


@dataclass(frozen=True)
class RawTable:
    """Named columns as they stand in a source, before any of them is understood.

    Args:
        frame: Text columns hold ``str`` (object dtype); typed sources keep their types.
        lines: ``(rows,)`` the line (or row) number of each row, for messages.
        source: How messages name the source, such as ``file 'milk.csv'``.
        place: What ``lines`` counts: ``line`` or ``row``.
        decimal_comma: Whether a lone comma in a number is more likely a decimal comma.
    """

    frame: pd.DataFrame
    lines: NDArray[np.int64]
    source: str
    place: str = "line"
    decimal_comma: bool = False

    def at(self, row: int) -> str:
        """Name a row for a message: ``file 'milk.csv', line 7``."""
        return f"{self.source}, {self.place} {self.lines[row]}"


Reader = Callable[[bytes, str, Log], RawTable]


def read_delimited(content: bytes, source: str, log: Log) -> RawTable:
    """Read CSV, TSV and their relatives, finding encoding, delimiter and header."""
    text = _decode(content, source, log)
    delimiter = _sniff_delimiter(text)
    rows, lines = _rows(text, delimiter, source)
    if not rows:
        raise DataError(f"{source} is empty; give a file with a header and rows")
    header, rows, lines = _header(rows, lines, source, log)
    if not rows:
        raise DataError(f"{source} has a header but no rows; add rows")
    if delimiter != ",":
        log.note("format", f"cells are separated by a {_NAMES[delimiter]}")
    columns = list(zip(*_even(rows, lines, header, source), strict=True))
    frame = {name: pd.Series(cells, dtype=object) for name, cells in zip(header, columns, strict=True)}
    return RawTable(
        _drop_unnamed(frame), np.array(lines, dtype=np.int64), source, decimal_comma=delimiter == ";"
    )


def read_parquet(content: bytes, source: str, _log: Log) -> RawTable:
    """Read a Parquet file; its columns keep their types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(content))
        _check_names(list(table.column_names), source)
        frame = table.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{source} is not a Parquet file or is damaged; write it again") from error
    return _typed(frame, source)


def read_json(content: bytes, source: str, log: Log) -> RawTable:
    """Read JSON lines (one object a line), or one JSON array of objects."""
    text = _decode(content, source, log)
    if text.lstrip().startswith("["):
        records, lines = _json_array(text, source), None
    else:
        records, lines = _json_lines(text, source)
    if not records:
        raise DataError(f"{source} is empty; give one JSON object a line")
    names = list(dict.fromkeys(name for record in records for name in record))
    frame = {name: pd.Series([_cell(record.get(name)) for record in records], dtype=object) for name in names}
    place = "record" if lines is None else "line"
    numbers = np.arange(1, len(records) + 1) if lines is None else np.array(lines)
    if not names:
        raise DataError(f'{source} has no columns; give objects such as {{"ds": "1962-01", "y": 589}}')
    return RawTable(pd.DataFrame(frame), numbers.astype(np.int64), source, place)


def read_any(content: bytes, source: str, log: Log) -> RawTable:
    """Read bytes of a kind that no file ending tells, such as standard input."""
    if content[:4] == b"PAR1":
        return read_parquet(content, source, log)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return read_json(content, source, log)
    return read_delimited(content, source, log)


READERS: dict[str, Reader] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".parquet": read_parquet,
    ".jsonl": read_json,
    ".ndjson": read_json,
    ".json": read_json,
}


def read_bytes(content: bytes, ending: str, source: str, log: Log) -> RawTable:
    """Read a source's bytes with the reader for its file ending.

    Args:
        content: The bytes, possibly gzipped.
        ending: The file ending with its dot, without ``.gz``; unknown endings are sniffed.
        source: How messages name the source.
        log: Where findings go.

    Raises:
        DataError: The bytes are not a table that can be read.
    """
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{source} is a damaged gzip file; write it again") from error
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        raise DataError(f"{source} is empty; give a file with a header and rows")
    if content[:4] == b"PK\x03\x04" or content[:4] == b"\xd0\xcf\x11\xe0":
        raise DataError(f"{source} is an Excel workbook or a zip archive; save its sheet as CSV")
    if content[:4] == b"PAR1":
        return read_parquet(content, source, log)
    return READERS.get(ending, read_any)(content, source, log)


def from_frame(frame: pd.DataFrame, source: str) -> RawTable:
    """Wrap a pandas frame as a raw table, its rows counted from 0."""
    raw = _typed(frame, source)
    return RawTable(raw.frame, raw.lines - 1, source, "row")


def _typed(frame: pd.DataFrame, source: str) -> RawTable:
    if not len(frame.columns):
        raise DataError(f"{source} has no columns; give a time column and a value column")
    if frame.empty:
        raise DataError(f"{source} has columns but no rows; add rows")
    return RawTable(frame, np.arange(1, len(frame) + 1, dtype=np.int64), source, "row")


def _decode(content: bytes, source: str, log: Log) -> str:
    """Bytes to text: UTF-8, UTF-16 with its mark, else Windows-1252 with a note."""
    utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    if not utf16 and b"\x00" in content[:4096]:
        raise DataError(f"{source} is a binary file, not text; give CSV, TSV, Parquet or JSON lines")
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        if utf16:
            raise DataError(f"{source} is damaged UTF-16 text; save it as UTF-8") from error
    control = sum(content[:4096].count(byte) for byte in range(32) if byte not in (9, 10, 12, 13))
    if control > len(content[:4096]) // 100:
        raise DataError(f"{source} is a binary file, not text; give CSV, TSV, Parquet or JSON lines")
    log.note("encoding", "the text is not UTF-8 and was read as Windows-1252", fix="save the file as UTF-8")
    return content.decode("cp1252", errors="replace")


def _sniff_delimiter(text: str) -> str:
    """The delimiter whose number of cells agrees on most lines; most cells wins a tie."""
    head = text[:65536].splitlines()[: _SAMPLE_ROWS + 1]
    lines = [line for line in head if line.strip()][:_SAMPLE_ROWS]
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        if not any(delimiter in line for line in lines):
            continue
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        usual = max(set(widths), key=widths.count)
        if usual > 1 and (score := (widths.count(usual) / len(widths), usual)) > best_score:
            best, best_score = delimiter, score
    return best


def _rows(text: str, delimiter: str, source: str) -> tuple[list[list[str]], list[int]]:
    """Non-blank rows and the line each one ends on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows, lines = [], []
    try:
        for row in reader:
            if any(map(str.strip, row)):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{source}, line {reader.line_num} cannot be split into cells: {error}") from error
    return rows, lines


def _header(
    rows: list[list[str]], lines: list[int], source: str, log: Log
) -> tuple[list[str], list[list[str]], list[int]]:
    """Take the first row for the header, unless it holds nothing but numbers and dates."""
    from ostinato.data.numbers import is_number
    from ostinato.data.times import is_time

    first = [" ".join(cell.split()) for cell in rows[0]]
    if all(first) and len(first) > 1 and all(is_number(cell) or is_time(cell) for cell in first):
        header = [f"column {i + 1}" for i in range(len(first))]
        log.note("columns", "the first line is not a header, so the columns are numbered from 1")
        return header, rows, lines
    if rows[1:] and all(len(row) == len(first) + 1 for row in rows[1:]):
        first = ["", *first]  # R writes row names without a name in the header
    header = [name or f"column {i + 1}" for i, name in enumerate(first)]
    _check_names(header, source)
    return header, rows[1:], lines[1:]


def _check_names(header: list[str], source: str) -> None:
    twice = (
        [name for name in dict.fromkeys(header) if header.count(name) > 1]
        if len(set(header)) < len(header)
        else []
    )
    if twice:
        raise DataError(
            f"{source} has {count(header.count(twice[0]), 'column')} named '{twice[0]}'; rename one"
        )


def _even(rows: list[list[str]], lines: list[int], header: list[str], source: str) -> list[list[str]]:
    """Check that every row has the header's number of cells; empty cells at the end may be spare."""
    width = len(header)
    for i, row in enumerate(rows):
        if len(row) == width:
            continue
        if len(row) < width or any(map(str.strip, row[width:])):
            raise DataError(
                f"{source}, line {lines[i]} has {count(len(row), 'cell')} but the header has {width}; "
                "quote cells that hold the delimiter, or add the missing cells"
            )
        rows[i] = row[:width]
    return rows


def _drop_unnamed(columns: dict[str, pd.Series]) -> pd.DataFrame:
    """Leave out nameless columns without a value: the trace of a delimiter at the line's end."""
    kept = {
        name: cells
        for name, cells in columns.items()
        if not (name.startswith("column ") and not any(map(str.strip, cells)))
    }
    return pd.DataFrame(kept)


def _json_lines(text: str, source: str) -> tuple[list[dict[str, object]], list[int]]:
    records, lines = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{source}, line {number} is not a JSON object; mend or remove the line"
            ) from error
        if not isinstance(record, dict):
            raise DataError(f"{source}, line {number} is not a JSON object; mend or remove the line")
        records.append(record)
        lines.append(number)
    return records, lines


def _json_array(text: str, source: str) -> list[dict[str, object]]:
    try:
        records = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source} is not valid JSON; give one JSON object a line") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise DataError(f"{source} is not an array of JSON objects; give one JSON object a line")
    return records


def _cell(value: object) -> str:
    return "" if value is None else str(value)
