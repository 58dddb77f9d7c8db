"""What a decoder looks at: a sequence, an image or a single vector, each as places with features."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor, nn

from ostinato.errors import ConfigError
from ostinato.nn.embedding import locked_dropout
from ostinato.nn.encoder import Encoder
from ostinato.nn.pooling import step_mask

_GROUP = 8
"""Channels that are normalised together, and what their number is a multiple of."""


@final
class SequenceSource(nn.Module):
    """The outputs of an encoder, one place a step.

    Args:
        encoder: Recurrent layers over tokens or vectors.

    Examples:
        >>> source = SequenceSource(Encoder(3, 4))
        >>> values, mask = source(torch.zeros(2, 5, 3), torch.tensor([5, 2]))
        >>> values.shape, mask.sum(1).tolist()
        (torch.Size([2, 5, 8]), [5, 2])
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.size = encoder.output_size

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return `(batch, time, size)` and the mask `(batch, time)` of a batch of sequences."""
        outputs, _ = self.encoder(inputs, lengths)
        if lengths is None:
            return outputs, None
        return outputs, step_mask(lengths, outputs.size(0), outputs.size(1), outputs.device)


@final
class ImageSource(nn.Module):
    """The last map of a small convolutional network, one place a cell of the map.

    Each layer halves the map: a 3 x 3 convolution, normalised over groups of channels, and a rectifier. Two more
    channels tell each pixel its place, from -1 to 1 across and down, as convolutions alone cannot say where they are.

    Args:
        channels: Channels of the image.
        sizes: Channels of each layer, multiples of 8.
        dropout: Probability of dropping a feature of the last map while training, the same at all places.

    References:
        Liu et al. (2018), An intriguing failing of convolutional neural networks and the CoordConv solution,
        https://arxiv.org/abs/1807.03247. Wu and He (2018), Group normalization, https://arxiv.org/abs/1803.08494.

    Examples:
        >>> values, _ = ImageSource(3, (8, 16))(torch.zeros(2, 20, 12, 3))
        >>> values.shape
        torch.Size([2, 15, 16])
    """

    def __init__(self, channels: int, sizes: Sequence[int] = (32, 64, 128), *, dropout: float = 0.0) -> None:
        super().__init__()
        if not sizes or any(size < 1 or size % _GROUP for size in sizes):
            raise ConfigError(f"the sizes of the convolutions are {tuple(sizes)}; use multiples of {_GROUP}")
        self.scale = Standardise(channels)
        self.layers = nn.Sequential()
        for before, after in pairwise((channels + 2, *sizes)):
            self.layers.append(nn.Conv2d(before, after, 3, stride=2, padding=1))
            self.layers.append(nn.GroupNorm(after // _GROUP, after))
            self.layers.append(nn.ReLU())
        self.dropout = dropout
        self.size = sizes[-1]

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:  # noqa: ARG002
        """Return `(batch, places, size)`, row after row of the map, for images `(batch, height, width, channels)`."""
        batch, height, width, _ = inputs.shape
        down = torch.linspace(-1, 1, height, device=inputs.device).view(1, height, 1, 1)
        across = torch.linspace(-1, 1, width, device=inputs.device).view(1, 1, width, 1)
        places = [part.expand(batch, height, width, 1) for part in (across, down)]
        pixels = torch.cat([self.scale(inputs), *places], -1)  # (batch, height, width, channels + 2)
        features: Tensor = self.layers(pixels.permute(0, 3, 1, 2))
        values = features.flatten(2).transpose(1, 2)  # (batch, places, size)
        return locked_dropout(values, self.dropout, self.training), None

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Return the rows and columns of the last map for an image of this size."""
        for _ in range(len(self.layers) // 3):
            height, width = -(-height // 2), -(-width // 2)
        return height, width


@final
class VectorSource(nn.Module):
    """One vector as a single place: there is nowhere else to look.

    Args:
        features: Features of the vector.
        size: Features of the place.
        dropout: Probability of dropping a feature of the place while training.

    Examples:
        >>> values, _ = VectorSource(5, 8)(torch.zeros(2, 5))
        >>> values.shape
        torch.Size([2, 1, 8])
    """

    def __init__(self, features: int, size: int = 128, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.scale = Standardise(features)
        self.hidden = nn.Linear(features, size)
        self.dropout = dropout
        self.size = size

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor | None]:  # noqa: ARG002
        """Return `(batch, 1, size)` for vectors `(batch, features)`."""
        values = torch.tanh(self.hidden(self.scale(inputs))).unsqueeze(1)
        return locked_dropout(values, self.dropout, self.training), None


@final
class Standardise(nn.Module):
    """Features with mean 0 and deviation 1, by numbers that were measured once and are saved with the weights.

    Args:
        features: Features; the last dimension of the inputs.

    Examples:
        >>> scale = Standardise(1)
        >>> scale.measured(torch.tensor([3.0]), torch.tensor([2.0]))
        >>> scale(torch.tensor([[7.0]]))
        tensor([[2.]])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))

    def measured(self, mean: Tensor, deviation: Tensor) -> None:
        """Set the numbers; a feature that never changes stays as it is but for its mean."""
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 0, deviation, 1.0))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return `(inputs - mean) / deviation`."""
        return (inputs - self.mean) / self.deviation
