import io
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data.series_files import read_series_npz, read_ts
from ostinato.errors import DataError

HEADER = "# a remark\n@problemName toy\n@univariate false\n@classLabel true up down\n@data\n"


def test_dimensions_become_channels():
    found = read_ts(HEADER + "1,2,3:4,5,6:up\n7:8:down\n", "file 'a.ts'")
    assert [values.shape for values in found.series] == [(3, 2), (1, 2)]
    assert found.series[0][:, 1].tolist() == [4, 5, 6]
    assert found.labels == ["up", "down"]


def test_missing_values_are_nan():
    found = read_ts(HEADER + "1,?,NaN:4,5,6:up\n", "file 'a.ts'")
    assert np.isnan(found.series[0][:, 0]).tolist() == [False, True, True]


def test_a_file_without_classes_has_none():
    assert read_ts("@classLabel false\n@data\n1,2\n", "file 'a.ts'").labels is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2:up\n", "line 1 comes before @data"),
        (HEADER, "has no case after @data"),
        (HEADER + "1,x:1,2:up\n", "line 6 has 'x', which is no number"),
        (HEADER + "1,2:3:up\n", "line 6 has dimensions of 1 and 2 values"),
        (HEADER + "1:2:up\n1:down\n", "case 2 has 1 channels and case 1 has 2"),
        ("@timeStamps true\n@data\n(0,1):a\n", "has time stamps, which are not read"),
    ],
)
def test_lines_that_cannot_be_read_are_named(text, message):
    with pytest.raises(DataError, match=message):
        read_ts(text, "file 'a.ts'")


@settings(max_examples=60)
@given(st.text(alphabet="1,.?:-eaN@# \n", max_size=60))
def test_any_text_is_read_or_refused_in_a_sentence(text):
    with suppress(DataError):  # any other error fails the test
        read_ts(HEADER + text, "file 'a.ts'")


def saved(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def test_arrays_with_and_without_channels_are_read():
    found = read_series_npz(saved(X=np.ones((3, 5)), y=[1, 2, 1]), "file 'a.npz'")
    assert [values.shape for values in found.series] == [(5, 1)] * 3
    assert found.labels == ["1", "2", "1"]
    assert read_series_npz(saved(X=np.ones((3, 5, 2))), "file 'a.npz'").labels is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK nonsense", "is no .npz file"),
        (saved(Z=np.ones(3)), "has no array X of numbers"),
        (saved(X=np.array([["a"]])), "has no array X of numbers"),
        (saved(X=np.ones((3, 5)), y=[1]), r"has 3 cases and labels y of shape \(1,\)"),
        (saved(X=np.array([{}], dtype=object)), "is no .npz file of plain arrays"),
    ],
)
def test_other_arrays_are_refused(content, message):
    with pytest.raises(DataError, match=message):
        read_series_npz(content, "file 'a.npz'")
