"""Property tests: whatever bytes a file holds, reading gives a table or an OstinatoError."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data import inspection, tables
from ostinato.errors import OstinatoError

LINES = ["Date,Production", *(f"{1962 + i // 12}-{i % 12 + 1:02d},{500 + i % 12 * 7}" for i in range(40))]
PLAIN = "\n".join(LINES).encode()
NUMBERS = [
    "",
    "1",
    "-2.5",
    "1e308",
    "1e999",
    "nan",
    "inf",
    "1,5",
    "1.234,5",
    "12",
    "-",
    "_1",
    "١٢",
    "9" * 20,
    "true",
]
DATES = [
    "1962-01",
    "31/01/1962",
    "1/2/3",
    "Jan 62",
    "1962Q1",
    "19620101",
    "2024-01-01T00:00Z",
    "2024-01-01 25:00",
]
ODD = [
    "1700000000",
    "0001-01-01",
    "9999-12-31",
    "1962-W53",
    "today",
    "1962-00",
    "a",
    "é",
    '"',
    "\x85",
    "\u2028",
]
CELLS = st.sampled_from([*NUMBERS, *DATES, *ODD])


def outcome(path, content, *, lenient=False):
    """Read the bytes; anything but a sound table or an OstinatoError fails the test."""
    path.write_bytes(content)
    try:
        table = tables.read(path, lenient=lenient)
        inspection.inspect(table).to_text()
    except OstinatoError:
        return
    frame = table.frame
    assert list(frame.columns) == ["unique_id", "ds", "y"]
    assert frame["y"].dtype == np.float64
    assert not np.isinf(frame["y"]).any()
    assert not frame["ds"].isna().any()
    assert not frame.duplicated(["unique_id", "ds"]).any()
    assert table.season_length >= 1


@given(
    st.lists(st.tuples(st.integers(0, len(PLAIN) - 1), st.integers(0, 255)), min_size=1, max_size=6),
    st.booleans(),
)
def test_flipped_bytes(tmp_path, flips, lenient):
    content = bytearray(PLAIN)
    for at, byte in flips:
        content[at] = byte
    outcome(tmp_path / "a.csv", bytes(content), lenient=lenient)


@given(st.integers(0, len(PLAIN)), st.integers(0, len(PLAIN)))
def test_missing_bytes(tmp_path, start, end):
    outcome(tmp_path / "a.csv", PLAIN[:start] + PLAIN[end:])


@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))
    )
)
def test_random_bytes(tmp_path, content):
    for name in ("a.csv", "a.jsonl", "a.json", "a.parquet", "a.csv.gz"):
        outcome(tmp_path / name, content)


@given(
    st.lists(st.sampled_from(["ds", "y", "unique_id", "x", "", "month"]), min_size=1, max_size=4).flatmap(
        lambda header: st.tuples(
            st.just(header), st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), max_size=8)
        )
    ),
    st.sampled_from(",;\t|"),
    st.booleans(),
)
def test_rows_of_odd_cells(tmp_path, content, delimiter, lenient):
    header, rows = content
    text = "\n".join(delimiter.join(row) for row in [header, *rows])
    outcome(tmp_path / "a.csv", text.encode(), lenient=lenient)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=2, max_size=12), st.integers(0, 12))
def test_odd_cells_among_plain_rows(tmp_path, cells, at):
    lines = [*LINES[:at], *(",".join(pair) for pair in cells), *LINES[at:]]
    outcome(tmp_path / "a.csv", "\n".join(lines).encode(), lenient=True)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3))))
def test_damaged_parquet(tmp_path, flips):
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=30), "y": np.arange(30.0)})
    frame.to_parquet(path)
    content = bytearray(path.read_bytes())
    for at, byte in flips:
        content[at % len(content)] = byte
    outcome(path, bytes(content))
