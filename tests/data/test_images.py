"""Images and vectors are brought to one kind; scaling keeps the mean."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data.images import same_shape, scaled, to_inputs
from ostinato.errors import DataError


def test_images_of_whole_numbers_stay_as_they_are():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    (found,) = to_inputs([image])
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("library", [pd, pl])
def test_a_frame_has_a_vector_in_each_row(library):
    found = to_inputs(library.DataFrame({"width": [1.0, 2.0], "height": [3.0, 4.0]}))
    np.testing.assert_array_equal(found, [[1.0, 3.0], [2.0, 4.0]])


def test_floats_from_0_to_1_are_brought_to_255():
    (found,) = to_inputs([np.array([[0.0, 0.5, 1.0]])])
    assert found[..., 0].tolist() == [[0.0, 127.5, 255.0]]


def test_yes_and_no_are_white_and_black():
    (found,) = to_inputs([np.array([[True, False]])])
    assert found[..., 0].tolist() == [[255.0, 0.0]]


def test_vectors_are_float32():
    first, second = to_inputs([[1, 2], [3.5, 4]])
    assert first.dtype == second.dtype == np.float32
    assert second.tolist() == [3.5, 4.0]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (np.zeros((2, 2, 2, 2)), r"item 0 has the shape \(2, 2, 2, 2\) and type float64; give numbers"),
        ("a", r"item 0 has the shape \(\) and type <U1; give numbers"),
        (np.zeros((0,)), r"item 0 has the shape \(0,\)"),
        ([[1, 2], [3]], "item 0 is no array of numbers; give rows of one length"),
        ([1.0, float("nan")], "item 0 holds a missing or infinite number; replace it"),
        (np.array([[0, 300]]), "item 0 has pixels from 0 to 300; give whole numbers from 0 to 255"),
        (np.array([[0.0, 7.0]]), "item 0 has pixels from 0 to 7; give whole numbers from 0 to 255 or floats"),
    ],
)
def test_what_is_no_input_is_refused(item, message):
    with pytest.raises(DataError, match=message):
        to_inputs([item])


def test_no_inputs_are_refused():
    with pytest.raises(DataError, match="there are no images or vectors; give at least one"):
        to_inputs([])


def test_an_image_of_the_right_size_is_not_touched():
    image = np.zeros((4, 4, 1), dtype=np.uint8)
    assert same_shape(image, (4, 4, 1), 0) is image


def test_an_image_of_another_size_is_scaled():
    image = np.arange(16.0).reshape(4, 4, 1)
    assert same_shape(image, (2, 2, 1), 0)[..., 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_a_vector_among_images_is_refused():
    with pytest.raises(DataError, match="item 3 is a vector, the others are each an image; give one kind"):
        same_shape(np.zeros(4), (2, 2, 1), 3)


@pytest.mark.parametrize(
    ("item", "shape", "what"), [(np.zeros(4), (5,), "features"), (np.zeros((2, 2, 1)), (2, 2, 3), "channels")]
)
def test_another_number_of_features_is_refused(item, shape, what):
    with pytest.raises(DataError, match=f"item 1 has {item.shape[-1]} {what}, the others have {shape[-1]}"):
        same_shape(item, shape, 1)


@settings(max_examples=40)
@given(size=st.tuples(*[st.integers(1, 9)] * 4), seed=st.integers(0, 9))
def test_scaling_keeps_the_mean(size, seed):
    height, width, rows, columns = size
    image = np.random.default_rng(seed).uniform(0, 255, (height, width, 2))
    found = scaled(image, rows, columns)
    assert found.shape == (rows, columns, 2)
    np.testing.assert_allclose(found.mean(axis=(0, 1)), image.mean(axis=(0, 1)), rtol=1e-4)
