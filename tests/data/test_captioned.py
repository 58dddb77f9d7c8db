"""Images and vectors with sentences are read from arrays, folders and tables."""

import numpy as np
import pytest
from PIL import Image

from ostinato.data.captioned import read_captioned
from ostinato.errors import DataError


@pytest.fixture
def folder(tmp_path):
    for name, grey in (("a.png", 0), ("b.png", 200)):
        Image.fromarray(np.full((4, 6, 3), grey, dtype=np.uint8)).save(tmp_path / name)
    return tmp_path


def test_arrays_of_images_and_sentences(tmp_path):
    images = np.zeros((2, 4, 6, 3), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", X=images, y=np.array(["dark", "darker"]))
    found = read_captioned(tmp_path / "x.npz")
    assert [image.shape for image in found.inputs] == [(4, 6, 3)] * 2
    assert found.sentences == ["dark", "darker"]
    assert found.names == ["item 1", "item 2"]


def test_arrays_without_sentences(tmp_path):
    np.savez(tmp_path / "x.npz", X=np.zeros((2, 3)))
    assert read_captioned(tmp_path / "x.npz").sentences is None


def test_a_folder_with_a_table(folder):
    (folder / "captions.csv").write_text("image,caption\nb.png,a light wall\na.png,a dark wall\n")
    found = read_captioned(folder)
    assert [int(image.mean()) for image in found.inputs] == [200, 0]
    assert found.sentences == ["a light wall", "a dark wall"]
    assert found.names == ["b.png", "a.png"]
    assert found.notes == (
        "the images are the files in the column 'image'",
        "the sentences are in the column 'caption'",
    )


def test_a_folder_without_a_table_has_no_sentences(folder):
    found = read_captioned(folder)
    assert found.names == ["a.png", "b.png"]
    assert found.sentences is None
    assert len(found) == 2


def test_a_table_of_numbers_is_vectors(tmp_path):
    file = tmp_path / "days.csv"
    file.write_text("low,high,what\n-3,4,a cold day\n15,28,a hot day\n")
    found = read_captioned(file)
    assert [vector.tolist() for vector in found.inputs] == [[-3.0, 4.0], [15.0, 28.0]]
    assert found.sentences == ["a cold day", "a hot day"]
    assert "each input is the 2 numbers in its row" in found.notes


def test_the_column_of_sentences_may_be_named(tmp_path):
    file = tmp_path / "days.csv"
    file.write_text("low,remark,what\n-3,17,a cold day\n")
    found = read_captioned(file, sentence_col="what")
    assert found.sentences == ["a cold day"]
    assert found.inputs[0].tolist() == [-3.0, 17.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("low,sentence\n1,a\n,b\n", "has no number in the column 'low' of row 2; add it or drop the column"),
        ("sentence\na\n", "has no column of image files and none of numbers"),
        ("image,sentence\nnone.png,a\n", r"the image '.*none.png' cannot be read \(no such file\)"),
        ("image,sentence\nx.png,a\n", r"the image '.*x.png' cannot be read \(it is no image, or damaged\)"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(tmp_path, text, message):
    (tmp_path / "x.png").write_bytes(b"no image")
    file = tmp_path / "t.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        read_captioned(file)


def test_a_column_that_is_not_there_is_named(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("low,what\n1,a\n")
    with pytest.raises(DataError, match="has no column 'caption'; it has 'low' and 'what'"):
        read_captioned(file, sentence_col="caption")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"has no image and no captions.csv; give a folder of images"):
        read_captioned(tmp_path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(DataError, match=r"cannot be read \(no such file or directory\); check the path"):
        read_captioned(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((2, 3))}, "has no array X of images or vectors"),
        ({"X": np.zeros(3)}, "has no array X of images or vectors"),
        (
            {"X": np.zeros((2, 3)), "y": np.array(["a"])},
            r"has 2 inputs and y of shape \(1,\); give a text for each",
        ),
        (
            {"X": np.zeros((2, 3)), "y": np.zeros(2)},
            r"has 2 inputs and y of shape \(2,\); give a text for each",
        ),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read_captioned(tmp_path / "x.npz")


def test_a_file_of_something_else_is_no_npz(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"is no \.npz file of plain arrays"):
        read_captioned(tmp_path / "x.npz")
