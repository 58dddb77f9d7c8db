"""The pretrained network in torch, for training; `pretrained_network` runs the same numbers in NumPy."""

import torch
from torch import Tensor, nn

from ostinato.nn.recurrent import LSTM
from ostinato.tasks.pretrained.inputs import SIZES, Sizes
from ostinato.tasks.pretrained.network import Member

SHAPES = 8  # distances between neighbouring quantiles


class Network(nn.Module):
    """A two-layer LSTM over patches, then quantiles for every step ahead.

    The centre of a forecast is seasonal naive, moved towards a weighted mean of the classical forecasts and
    shifted. All moving parts start at zero, so an untrained network is seasonal naive.
    """

    def __init__(self, hidden_size: int, width: int, sizes: Sizes = SIZES) -> None:
        """Makes an untrained network.

        Args:
            hidden_size: of both LSTM layers.
            width: of the layers that read a step.
            sizes: of what it reads; those of a direct network leave it one forecast to build on.
        """
        super().__init__()
        self.sizes = sizes
        self.lstm = LSTM(sizes.patch, hidden_size, 2, batch_first=True)
        self.series = nn.Linear(hidden_size + sizes.statistics, width)
        self.step = nn.Linear(sizes.step, width, bias=False)
        self.mix = nn.Linear(width, width)
        self.out = nn.Linear(width, sizes.experts + 3 + SHAPES)
        self.trial = nn.Parameter(torch.zeros(sizes.experts))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, patches: Tensor, statistics: Tensor, steps: Tensor, experts: Tensor) -> Tensor:
        """Forecasts quantiles.

        Args:
            patches: (batch, patches, patch), as wide as `sizes` say.
            statistics: (batch, statistics).
            steps: (batch, steps, step).
            experts: (batch, steps, experts).

        Returns:
            (batch, steps, 9), increasing along the last axis, in units.
        """
        state = self.lstm(patches)[0][:, -1]  # (batch, hidden)
        known = self.series(torch.cat([state, statistics], 1))  # (batch, width)
        hidden = torch.relu(known[:, None] + self.step(steps))  # (batch, steps, width)
        hidden = torch.relu(self.mix(hidden))
        out = self.out(hidden).float()
        count = self.sizes.experts
        trust = self.trial * statistics[:, -count:]  # what the experts showed on trial
        shares = (out[..., :count] + trust[:, None]).softmax(-1)
        gate, shift, size = out[..., count : count + 3].unbind(-1)
        naive = experts[..., 0]
        width = size.clamp(-5, 5).exp()
        centre = naive + gate.tanh() * ((shares * experts).sum(-1) - naive) + shift * width
        distance = nn.functional.softplus(out[..., count + 3 :]) * width[..., None]
        half = SHAPES // 2
        below = centre[..., None] - distance[..., :half].cumsum(-1).flip(-1)
        above = centre[..., None] + distance[..., half:].cumsum(-1)
        return torch.cat([below, centre[..., None], above], -1)


def network_of(member: Member) -> Network:
    """The network whose weights these are, in torch."""
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    names = [f"lstm.{part}_l{layer}" for layer in range(2) for part in parts]
    weights = dict(zip(names, member.lstm, strict=True)) | {
        name: value.T for name, value in member.head.items()
    }
    network = Network(member.lstm[1].shape[1], member.head["mix.bias"].shape[0], member.form.sizes)
    network.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    return network


LEVELS = torch.arange(1, 10) / 10


def quantile_loss(quantiles: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean pinball loss over nine levels, the median counted three times, in units of MASE.

    Args:
        quantiles: (batch, steps, 9).
        target: (batch, steps).
        weight: (batch, steps), 0 where not scored.

    Returns:
        A scalar.
    """
    levels = LEVELS.to(quantiles)
    importance = torch.where(levels == levels[4], 3.0, 1.0)
    error = target[..., None] - quantiles
    pinball = 2 * torch.maximum(levels * error, (levels - 1) * error) * importance / importance.sum()
    return (pinball.sum(-1) * weight).sum() / (weight > 0).sum().clamp(min=1)
