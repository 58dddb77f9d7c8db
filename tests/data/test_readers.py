"""Bytes to named columns."""

import pytest

from ostinato.data.findings import Log
from ostinato.data.readers import READERS, read_bytes
from ostinato.errors import DataError


def raw(content, ending=".csv"):
    return read_bytes(content.encode(), ending, "file 'a'", Log())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_with_commas_in_the_numbers(delimiter):
    number = "1,5" if delimiter != "," else "1.5"
    table = raw(f"a{delimiter}b\nx{delimiter}{number}\ny{delimiter}{number}\n")
    assert table.frame["b"].tolist() == [number, number]


def test_quoted_cells_may_hold_delimiters_and_line_ends():
    table = raw('a,b\n"x, y",1\n"two\nlines",2\nz,3\n')
    assert table.frame["a"].tolist() == ["x, y", "two\nlines", "z"]
    assert table.at(2) == "file 'a', line 5"


def test_row_names_without_a_header_get_a_column():
    assert raw("x,y\n1,2,3\n2,3,4\n").frame.columns.tolist() == ["column 1", "x", "y"]


def test_lines_are_counted_with_blank_ones():
    table = raw("a,b\n\n1,2\n\n\n3,4\n")
    assert table.lines.tolist() == [3, 6]


def test_json_lines_with_missing_keys_have_empty_cells():
    table = raw('{"a": 1, "b": null}\n\n{"a": 2.5, "c": "x"}\n', ".jsonl")
    assert table.frame.to_dict("list") == {"a": ["1", "2.5"], "b": ["", ""], "c": ["", "x"]}
    assert table.lines.tolist() == [1, 3]


@pytest.mark.parametrize("ending", sorted(READERS))
def test_every_reader_refuses_empty_input(ending):
    with pytest.raises(DataError, match="file 'a' is empty; give a file with a header and rows"):
        raw("", ending)
