"""Reading files: what is found, what is mended, and a sentence for everything else."""

import gzip
import io
import re
import sys

import numpy as np
import pandas as pd
import pytest

from ostinato.data import tables
from ostinato.errors import ConfigError, DataError

MONTHS = [f"{1962 + i // 12}-{i % 12 + 1:02d}" for i in range(48)]
SHAPE = [3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]


def monthly(change=None, header="Date,Production", sep=","):
    """Lines of a plain monthly file; ``change`` maps a line number to another line."""
    lines = [header.replace(",", sep)]
    lines += [f"{month}{sep}{500 + 10 * SHAPE[i % 12] + i:g}" for i, month in enumerate(MONTHS)]
    for number, line in (change or {}).items():
        lines[number - 1] = line
    return "\n".join(line for line in lines if line is not None) + "\n"


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="sales.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def test_plain_monthly_file_is_understood(write):
    table = tables.read(write(monthly()))
    assert (table.freq, table.season_length, table.rows, table.series, table.name) == (
        "MS",
        12,
        48,
        1,
        "sales",
    )
    assert (table.time_col, table.target_col, table.id_col) == ("Date", "Production", None)
    assert list(table.frame.columns) == ["unique_id", "ds", "y"]
    assert table.frame["ds"].iloc[1] == pd.Timestamp("1962-02-01")
    assert table.frame["y"].iloc[:2].tolist() == [530.0, 511.0]
    assert table.notes == [
        "times come from 'Date', values from 'Production'",
        "the frequency is monthly (MS)",
        "the season is 12 steps long",
    ]


def test_milk_file_is_monthly_with_season_twelve(milk_csv):
    if not milk_csv.is_file():
        pytest.skip("the example is not here yet")
    table = tables.read(milk_csv)
    assert (table.rows, table.freq, table.season_length) == (168, "MS", 12)


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("sales.csv", lambda text: text.encode()),
        ("sales.csv.gz", lambda text: gzip.compress(text.encode())),
        ("sales.tsv", lambda text: text.replace(",", "\t").encode()),
        ("sales.txt", lambda text: text.replace(",", "|").encode()),
        ("sales.csv", lambda text: text.replace(",", ";").encode()),
        ("sales.csv", lambda text: text.replace("\n", "\r\n").encode()),
        ("sales.csv", lambda text: text.encode("utf-8-sig")),
        ("sales.csv", lambda text: text.encode("utf-16")),
        ("sales.csv", lambda text: text.replace("Date", '"Date"').encode()),
        ("sales.csv", lambda text: text.replace("\n", "\n\n").encode()),
        ("sales.csv", lambda text: text.replace("\n", ",\n").encode()),
        ("sales", lambda text: text.encode()),
    ],
)
def test_same_numbers_from_every_way_of_writing_text(write, name, encode):
    table = tables.read(write(encode(monthly()), name))
    expected = tables.read(write(monthly(), "plain.csv")).frame
    assert table.name == "sales"
    np.testing.assert_array_equal(table.frame["y"], expected["y"])
    np.testing.assert_array_equal(table.frame["ds"], expected["ds"])


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json", "a.parquet", "array.json", "a.dat"])
def test_same_numbers_from_json_and_parquet(write, tmp_path, name):
    frame = pd.read_csv(io.StringIO(monthly()))
    path = tmp_path / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=name != "array.json")
    np.testing.assert_array_equal(tables.read(path).frame["y"], frame["Production"])


@pytest.mark.parametrize("as_parquet", [False, True])
def test_standard_input_is_sniffed(monkeypatch, as_parquet):
    content = monthly().encode()
    if as_parquet:
        buffer = io.BytesIO()
        pd.read_csv(io.BytesIO(content)).to_parquet(buffer)
        content = buffer.getvalue()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    table = tables.read("-")
    assert (table.name, table.rows, table.freq) == ("series", 48, "MS")


def test_long_file_keeps_series_apart_and_sorted(write):
    rows = [f"{one},{month},{i}" for one in "ba" for i, month in enumerate(MONTHS)]
    table = tables.read(write("\n".join(["item_id,timestamp,target", *rows])))
    assert table.id_col == "item_id"
    assert table.frame["unique_id"].unique().tolist() == ["a", "b"]
    assert table.series == 2


def test_text_column_that_tells_equal_times_apart_is_the_id(write):
    rows = [f"{month},{one},{i}" for i, month in enumerate(MONTHS) for one in ("north", "south")]
    table = tables.read(write("\n".join(["month,region,sales", *rows])))
    assert table.id_col == "region"


def test_wide_file_gives_one_series_per_column(write):
    rows = [f"{month},{i},{i + 1},{i + 2}" for i, month in enumerate(MONTHS)]
    table = tables.read(write("\n".join(["date,north,south,west", *rows])))
    assert table.frame["unique_id"].unique().tolist() == ["north", "south", "west"]
    assert table.target_cols == ("north", "south", "west")


def test_two_value_columns_can_be_asked_for_together(write):
    path = write("\n".join(["date,sales,returns", *(f"{m},{i},{i}" for i, m in enumerate(MONTHS))]))
    assert tables.read(path, target_col="sales,returns").series == 2
    assert tables.read(path, target_col=["sales", "returns"]).series == 2
    assert tables.read(path, target_col="*").series == 2
    assert tables.read(path, target_col="returns").target_col == "returns"


def test_column_named_y_wins_over_covariates(write):
    rows = [f"a,{month},{i},{i * 2}" for i, month in enumerate(MONTHS)]
    table = tables.read(write("\n".join(["unique_id,ds,y,price", *rows])))
    assert table.target_col == "y"
    assert "not used: 'price'" in table.notes


@pytest.mark.parametrize("cell", ["", "NA", "NaN", "null", "-", "?", "#N/A"])
def test_marks_for_missing_values_are_counted(write, cell):
    table = tables.read(write(monthly({5: f"1962-04,{cell}"})))
    assert np.isnan(table.frame["y"].iloc[3])
    assert "1 value of 48 missing, kept as gaps" in table.notes


@pytest.mark.parametrize(
    ("cells", "numbers", "sep"),
    [
        (["1,234.5", "12.5", "1,000"], [1234.5, 12.5, 1000.0], ";"),
        (["1.234,5", "12,5", "7"], [1234.5, 12.5, 7.0], ";"),
        (["0,5", "12,5", "7"], [0.5, 12.5, 7.0], ";"),
        (["1 234", "12", "7"], [1234.0, 12.0, 7.0], ","),
        (['"1,234"', "12", "7"], [1234.0, 12.0, 7.0], ","),
        (["1e3", "-2.5E-1", "+7"], [1000.0, -0.25, 7.0], ","),
    ],
)
def test_separators_in_numbers(write, cells, numbers, sep):
    text = "\n".join([f"date{sep}y", *(f"2024-0{i + 1}-01{sep}{cell}" for i, cell in enumerate(cells))])
    assert tables.read(write(text)).frame["y"].tolist() == numbers


def test_windows_text_is_read_with_a_note(write):
    table = tables.read(write(monthly(header="Date,Größe").encode("cp1252")))
    assert table.target_col == "Größe"
    assert "the text is not UTF-8 and was read as Windows-1252" in table.notes


def test_file_without_a_header_is_read(write):
    table = tables.read(write("\n".join(monthly().splitlines()[1:])))
    assert table.rows == 48
    assert "the first line is not a header" in table.notes[0]


def test_unsorted_rows_are_sorted_with_a_note(write):
    lines = monthly().splitlines()
    table = tables.read(write("\n".join([lines[0], *lines[:0:-1]])))
    assert table.frame["ds"].is_monotonic_increasing
    assert any("were not in order of time" in note and "sorted" in note for note in table.notes)


def test_gaps_are_filled_with_a_note(write):
    table = tables.read(write(monthly({5: None, 6: None})))
    assert len(table.frame) == 48
    assert table.frame["y"].isna().sum() == 2
    assert any(
        re.fullmatch(
            "2 gaps in the times filled with missing values, the first in series 'sales' at 1962-04-01", note
        )
        for note in table.notes
    )


def test_constant_series_is_allowed_with_a_note(write):
    table = tables.read(write("\n".join(["date,y", *(f"{month},5" for month in MONTHS)])))
    assert "1 series never changed: 'sales'" in table.notes
    assert table.season_length == 1


def test_series_without_a_value_is_left_out(write):
    rows = [f"{one},{month},{'' if one == 'b' else i}" for one in "ab" for i, month in enumerate(MONTHS)]
    table = tables.read(write("\n".join(["unique_id,ds,y", *rows])))
    assert table.series == 1
    assert "1 series without a value left out: 'b'" in table.notes


def test_options_override_the_guesses(write):
    table = tables.read(write(monthly()), freq="ME", season_length=6)
    assert (table.freq, table.season_length) == ("ME", 6)
    assert table.frame["ds"].iloc[1] == pd.Timestamp("1962-02-28")
    assert "the frequency is monthly (ME), as asked" in table.notes
    assert "the season is 6 steps long, as asked" in table.notes


def test_one_time_zone_is_dropped_with_a_note(write):
    text = "\n".join(["ds,y", *(f"2024-01-01T{h:02d}:00:00+01:00,{h}" for h in range(24))])
    table = tables.read(write(text))
    assert table.freq == "h"
    assert table.frame["ds"].iloc[0] == pd.Timestamp("2024-01-01")
    assert "column 'ds' has the time zone +01:00; the times are kept as written" in table.notes


def test_parquet_zone_with_clock_change_is_kept_in_utc(tmp_path):
    ds = pd.date_range("2024-10-26", periods=72, freq="h", tz="Europe/Berlin")
    pd.DataFrame({"ds": ds, "y": np.arange(72.0)}).to_parquet(tmp_path / "a.parquet")
    table = tables.read(tmp_path / "a.parquet")
    assert len(table.frame) == 72
    assert any("kept in UTC, as the clocks changed" in note for note in table.notes)


BAD_FILES = {
    "": r"file '.*sales.csv' is empty; give a file with a header and rows",
    "  \n\n": r"is empty",
    "Date,Production\n": r"has a header but no rows; add rows",
    "Date,Name\n1962-01,a\n1962-02,b\n": r"has no column of numbers beside 'Date'; add one, or name it with",
    "Production\n1\n2\n3\n": r"has no time column among 'Production'; add a column of dates, or name the one",
    "Date,a,b\n1962-01,1,2\n1962-02,1,2\n": r"has 2 columns that could hold the values: 'a' and 'b'; ",
    monthly({7: "soon,589"}): r"sales.csv', line 7: column 'Date' holds 'soon', which is not a date",
    monthly({7: "1962-13,589"}): r"line 7: column 'Date' holds '1962-13', which is not a date",
    monthly({7: ",589"}): r"line 7: column 'Date' has no time \(1 such row\); fill in the times",
    monthly(
        {7: "1962-06,many"}
    ): r"line 7: column 'Production' holds 'many', which is not a number; write a number",
    monthly({7: "1962-06,inf"}): r"line 7: column 'Production' holds an infinite number \(1 such cell\)",
    monthly(
        {7: "1962-05,589"}
    ): r"series 'sales' has 1962-05-01 twice, on lines 6 and 7; keep one row for each time",
    monthly(
        {7: "1962-06,5,8"}
    ): r"line 7 has 3 cells but the header has 2; quote cells that hold the delimiter",
    monthly({7: "1962-06"}): r"line 7 has 1 cell but the header has 2",
    monthly(header="y,y"): r"has 2 columns named 'y'; rename one",
    "Date,y\n1962-01,\n1962-02,\n": r"has no value at all: every cell of the values is missing; fill some in",
    "Date,y\n1962-01,1\n": r"cannot be found from series of one row; name it with --freq",
    "id,ds,y\na,1962-01,1\n,1962-02,2\n": r"line 3: column 'id' has no series name; fill it in",
    "Date,y\n1500-01-01,1\n1500-01-02,1\n": r"line 2 has 1500-01-01, a date outside the years 1678 to 2261",
    "ds,y\n2024-01-01T00:00+01:00,1\n2024-01-01T01:00Z,2\n": r"\(\+01:00 in line 2, \+00:00 in line 3\)",
    "ds,y\n2024-01-01 00:00,1\n2024-01-01T01:00Z,2\n": r"mixes time zones \(no zone in line 2, ",
}


@pytest.mark.parametrize("content", BAD_FILES, ids=range(len(BAD_FILES)))
def test_bad_file_is_refused_in_one_sentence(write, content):
    with pytest.raises(DataError, match=BAD_FILES[content]) as caught:
        tables.read(write(content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"PK\x03\x04abc", "a.csv", "is an Excel workbook or a zip archive; save its sheet as CSV"),
        (b"\x00\x01\x02\x03" * 20, "a.csv", "is a binary file, not text"),
        (bytes(range(1, 9)) * 20 + b"\xff", "a.csv", "is a binary file, not text"),
        (b"\xff\xfeD", "a.csv", "is damaged UTF-16 text; save it as UTF-8"),
        (b"\x1f\x8bnothing", "a.csv.gz", "is a damaged gzip file"),
        (b"PAR1 and nothing else", "a.parquet", "is not a Parquet file or is damaged"),
        (b"a,b\n1,2\n", "a.parquet", "is not a Parquet file or is damaged"),
        (
            b'{"ds": "1962-01", "y": 1}\n{"ds": ',
            "a.jsonl",
            "line 2 is not a JSON object; mend or remove the line",
        ),
        (b'{"ds": "1962-01", "y": 1}\n[1]', "a.jsonl", "line 2 is not a JSON object"),
        (b"[1, 2]", "a.json", "is not an array of JSON objects"),
        (b"[1, ", "a.json", "is not valid JSON; give one JSON object a line"),
        (b"[]", "a.json", "is empty; give one JSON object a line"),
        (b"{}", "a.jsonl", "has no columns"),
    ],
)
def test_damaged_or_foreign_file_is_refused(write, content, name, message):
    with pytest.raises(DataError, match=re.escape(message)):
        tables.read(write(content, name))


def test_missing_file_and_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"file '.*none.csv' does not exist; check the path"):
        tables.read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder; give the file in it"):
        tables.read(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        tables.read("a\0b")


@pytest.mark.parametrize("option", ["time_col", "target_col", "id_col"])
def test_option_naming_no_column_lists_the_columns(write, option):
    message = (
        f"has no column 'nope' for --{option.replace('_', '-')}; its columns are 'Date' and 'Production'"
    )
    with pytest.raises(DataError, match=message):
        tables.read(write(monthly()), **{option: "nope"})


def test_gaps_can_be_refused(write):
    with pytest.raises(
        DataError, match=r"series 'sales' has a gap after 1962-03-01 \(1 gap in all\); fill in"
    ):
        tables.read(write(monthly({5: None})), gaps="refuse")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gaps": "skip"}, "gaps is 'skip'; use 'fill' or 'refuse'"),
        ({"season_length": 0}, "season_length is 0; use 1 for no season"),
        ({"freq": "fortnight"}, "freq is 'fortnight', which pandas does not know"),
        ({"freq": 0}, "freq is 0; an integer step must be at least 1"),
    ],
)
def test_bad_option_is_refused(write, options, message):
    with pytest.raises(ConfigError, match=message):
        tables.read(write(monthly()), **options)


def test_lenient_reading_records_problems_and_goes_on(write):
    changes = {7: "1962-05,589", 9: "1962-08,many", 11: "1962-10,inf", 13: "soon,1"}
    table = tables.read(write(monthly(changes)), lenient=True)
    problems = [finding.kind for finding in table.findings if finding.problem]
    assert problems == ["times", "values", "values", "duplicates"]
    assert len(table.frame) == 48


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "freq", "season"),
    [
        ("milk/monthly_milk_production.csv", "MS", 12),
        ("m3/m3_monthly.parquet", 1, 12),
        ("m3/m3_quarterly.parquet", 1, 4),
        ("m3/m3_yearly.parquet", 1, 1),
        ("m3/m3_other.parquet", 1, 1),
        ("nn5_daily/nn5_daily.parquet", 1, 7),
        ("m4_hourly/m4_hourly.parquet", 1, 24),
        ("m4_weekly/m4_weekly.parquet", 1, 52),
        ("etth1/etth1.parquet", "h", 24),
    ],
)
def test_public_data_sets_have_their_published_season(shared_data, name, freq, season):
    table = tables.read(shared_data / name)
    assert (table.freq, table.season_length) == (freq, season)
