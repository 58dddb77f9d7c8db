"""Sources give places with features, and say which are real."""

import pytest
import torch

from ostinato.errors import ConfigError
from ostinato.nn.encoder import Encoder
from ostinato.nn.source import ImageSource, SequenceSource, Standardise, VectorSource


def test_a_sequence_gives_a_place_for_each_step():
    encoder = Encoder(3, 4)
    inputs, lengths = torch.randn(2, 5, 3), torch.tensor([5, 2])
    values, mask = SequenceSource(encoder)(inputs, lengths)
    torch.testing.assert_close(values, encoder(inputs, lengths)[0])
    assert mask.tolist() == [[True] * 5, [True, True, False, False, False]]


def test_a_sequence_without_lengths_is_all_real():
    values, mask = SequenceSource(Encoder(3, 4))(torch.randn(2, 5, 3))
    assert values.shape == (2, 5, 8)
    assert mask is None


@pytest.mark.parametrize(("height", "width"), [(48, 48), (20, 12), (7, 1)])
def test_an_image_gives_a_place_for_each_cell_of_the_last_map(height, width):
    source = ImageSource(3, (8, 16))
    values, mask = source(torch.zeros(2, height, width, 3))
    rows, columns = source.grid(height, width)
    assert values.shape == (2, rows * columns, 16)
    assert mask is None


def test_the_places_of_an_image_are_row_after_row():
    torch.manual_seed(0)
    source = ImageSource(1, (8,)).eval()
    image = torch.zeros(1, 8, 8, 1)
    changed = image.clone()
    changed[0, 7, 0] = 1.0  # the corner below on the left
    with torch.no_grad():
        before = source.layers[0](_pixels(source, image)).flatten(2)
        after = source.layers[0](_pixels(source, changed)).flatten(2)
    places = (before != after).any(1)[0].nonzero().flatten().tolist()
    assert places == [12]


def _pixels(source, image):
    seen = []
    handle = source.layers[0].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    source(image)
    handle.remove()
    return seen[0]


def test_pixels_are_told_their_place():
    pixels = _pixels(ImageSource(1, (8,)), torch.zeros(1, 3, 5, 1))[0]  # (channel, across, down)
    assert pixels[1, 0].tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert pixels[2, :, 0].tolist() == [-1.0, 0.0, 1.0]


def test_a_vector_is_a_single_place():
    values, mask = VectorSource(5, 8)(torch.zeros(2, 5))
    assert values.shape == (2, 1, 8)
    assert mask is None


def test_measured_features_have_mean_0_and_deviation_1():
    rows = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0)) * 4 + 7
    scale = Standardise(3)
    scale.measured(rows.mean(0), rows.std(0))
    torch.testing.assert_close(scale(rows).mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(scale(rows).std(0), torch.ones(3))


def test_a_feature_that_never_changes_stays_finite():
    scale = Standardise(1)
    scale.measured(torch.tensor([5.0]), torch.tensor([0.0]))
    assert scale(torch.tensor([[5.0]])).item() == 0.0


def test_sizes_that_cannot_be_normalised_are_refused():
    with pytest.raises(ConfigError, match=r"the sizes of the convolutions are \(12,\); use multiples of 8"):
        ImageSource(3, (12,))
