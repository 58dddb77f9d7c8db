import io
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.npz import read_npz
from ostinato.errors import DataError


def saved(save, *arrays, **named):
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


ARRAYS = {"X": np.arange(6.0).reshape(2, 3), "y": np.array(["a", "b"])}
CONTENT = saved(np.savez, **ARRAYS)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_inputs_and_answers_come_back_and_nothing_else(save):
    found = read_npz(saved(save, **ARRAYS, other=np.ones(2)), "file 'a.npz'")
    assert set(found) == {"X", "y"}
    assert all(np.array_equal(found[name], ARRAYS[name]) for name in found)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"something else",
        CONTENT[:-40],
        saved(np.save, np.ones(3)),  # one array, renamed
        saved(np.savez, X=np.array([{}], dtype=object)),
    ],
)
def test_anything_else_is_refused(content):
    with pytest.raises(
        DataError, match=r"^file 'a.npz' is no \.npz file of plain arrays; write it with numpy"
    ):
        read_npz(content, "file 'a.npz'")


@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused_in_a_sentence(place, byte):
    with suppress(DataError):  # any other error fails the test
        read_npz(CONTENT[:place] + bytes([byte]) + CONTENT[place + 1 :], "file 'a.npz'")
