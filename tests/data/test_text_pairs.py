"""Files of texts and translations are read as they are, and what is wrong with them is said."""

import gzip
import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data.text_pairs import read_text_pairs
from ostinato.errors import DataError

PAIRS = [("A dog.", "Ein Hund."), ('"Two" dogs', 'Zwei "Hunde')]


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_tsv_file_with_codes_of_languages_has_a_header(tmp_path):
    pairs = read_text_pairs(write(tmp_path / "p.tsv", "en\tde\nA dog.\tEin Hund.\n"))
    assert (pairs.texts, pairs.translations) == (["A dog."], ["Ein Hund."])
    assert pairs.notes == ("the texts are in the column 'en', their translations in 'de'",)


def test_columns_may_be_named_the_other_way_round(tmp_path):
    file = write(tmp_path / "p.tsv", "en\tde\nA dog.\tEin Hund.\n")
    pairs = read_text_pairs(file, source_col="de", target_col="en")
    assert (pairs.texts, pairs.translations) == (["Ein Hund."], ["A dog."])


@pytest.mark.parametrize(("source_col", "target_col"), [("de", None), (None, "en")])
def test_one_named_column_leaves_the_other_to_be_found(tmp_path, source_col, target_col):
    file = write(tmp_path / "p.tsv", "en\tde\nA dog.\tEin Hund.\n")
    pairs = read_text_pairs(file, source_col=source_col, target_col=target_col)
    assert (pairs.texts, pairs.translations) == (["Ein Hund."], ["A dog."])


def test_a_tsv_file_without_a_header_begins_with_a_pair(tmp_path):
    pairs = read_text_pairs(write(tmp_path / "p.tsv", "Go.\tGeh.\nRun!\tLauf!\n"))
    assert pairs.texts == ["Go.", "Run!"]
    assert "the first line is a pair like the others, so the columns are numbered from 1" in pairs.notes


def test_quotation_marks_in_a_tsv_file_are_characters_like_others(tmp_path):
    text = "source\ttarget\n" + "\n".join("\t".join(pair) for pair in PAIRS)
    pairs = read_text_pairs(write(tmp_path / "p.tsv", text))
    assert list(zip(pairs.texts, pairs.translations, strict=True)) == PAIRS


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl", ".tsv.gz"])
def test_every_kind_of_file_gives_the_same_pairs(tmp_path, ending):
    file = tmp_path / f"pairs{ending}"
    frame = pd.DataFrame(PAIRS, columns=["source", "target"])
    if ending == ".csv":
        frame.to_csv(file, index=False)
    elif ending == ".parquet":
        frame.to_parquet(file)
    elif ending == ".jsonl":
        file.write_text("\n".join(json.dumps(dict(row)) for _, row in frame.iterrows()))
    else:
        text = "source\ttarget\n" + "\n".join("\t".join(pair) for pair in PAIRS) + "\n"
        file.write_bytes(gzip.compress(text.encode()))
    pairs = read_text_pairs(file)
    assert list(zip(pairs.texts, pairs.translations, strict=True)) == PAIRS


def test_a_file_of_single_texts_has_no_translations_and_keeps_empty_lines(tmp_path):
    pairs = read_text_pairs(write(tmp_path / "t.txt", "Ein Hund.\n\nZwei\n"))
    assert pairs.texts == ["Ein Hund.", "", "Zwei"]
    assert pairs.translations is None
    assert len(pairs) == 3


def test_pairs_with_an_empty_text_are_counted(tmp_path):
    pairs = read_text_pairs(write(tmp_path / "p.tsv", "a b\tc\n\td\ne\t \n"))
    assert "2 pairs with an empty text" in pairs.notes


def test_blank_lines_between_pairs_are_left_out(tmp_path):
    assert read_text_pairs(write(tmp_path / "p.tsv", "A b\tC\n\nD e\tF\n")).texts == ["A b", "D e"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; give a text and its translation a line"),
        ("en\tde\n", "has a header but no pairs; add one a line"),
        ("A b\tC\nD\n", "line 2 has 1 cell and the first line 2; put one tab between"),
        ("de\tde\na\tb\n", "has two columns named 'de'; rename one"),
    ],
)
def test_files_that_cannot_be_used_are_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_text_pairs(write(tmp_path / "p.tsv", text))


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path):
    file = write(tmp_path / "p.tsv", "en\tde\nA\tB\n")
    with pytest.raises(DataError, match="has no column 'fr'; it has 'en' and 'de'"):
        read_text_pairs(file, target_col="fr")


def test_one_column_cannot_be_both(tmp_path):
    file = write(tmp_path / "p.tsv", "en\tde\nA\tB\n")
    with pytest.raises(DataError, match="both in the column 'en'; name two"):
        read_text_pairs(file, source_col="en", target_col="en")


def test_a_single_column_of_translations_is_refused(tmp_path):
    file = write(tmp_path / "p.csv", "target,unused\nA,B\n").rename(tmp_path / "q.csv")
    pd.DataFrame({"target": ["A"]}).to_parquet(tmp_path / "p.parquet")
    assert read_text_pairs(file).texts == ["B"]
    with pytest.raises(DataError, match="has only the column 'target'; add one with the texts to translate"):
        read_text_pairs(tmp_path / "p.parquet")


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(DataError, match=r"cannot be read \(no such file or directory\); check the path"):
        read_text_pairs(tmp_path / "none.tsv")


def test_a_damaged_gzip_file_is_said(tmp_path):
    file = tmp_path / "p.tsv.gz"
    file.write_bytes(gzip.compress(b"a b\tc\n" * 100)[:-9])
    with pytest.raises(DataError, match="is a damaged gzip file; write it again"):
        read_text_pairs(file)


def test_text_that_is_not_utf_8_is_said(tmp_path):
    file = tmp_path / "p.tsv"
    file.write_bytes("Bär\tbear\n".encode("latin-1"))
    with pytest.raises(DataError, match="is not UTF-8 text; save it as UTF-8"):
        read_text_pairs(file)


@settings(max_examples=40)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("any") / "p.tsv"
    file.write_bytes(content)
    try:
        pairs = read_text_pairs(file)
    except DataError:
        return
    assert pairs.translations is None or len(pairs.texts) == len(pairs.translations)
