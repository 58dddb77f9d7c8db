"""The long short-term memory with zoneout."""

from typing import final

import torch
from torch import Tensor

from ostinato.errors import ConfigError
from ostinato.nn.cells.base import Cell, State


@final
class ZoneoutLSTMCell(Cell):
    """The long short-term memory in which units now and then keep their last value; gates i, f, g, o.

        i, f, g, o = as in `LSTMCell`
        c~ = f * c + i * g
        c' = d_c * c + (1 - d_c) * c~
        h' = d_h * h + (1 - d_h) * o * tanh(c~)

    While training, `d_c` and `d_h` are drawn anew at every step, 1 with the probability `zoneout_c` and
    `zoneout_h`; afterwards they are those probabilities themselves. Unlike dropout, nothing is set to 0, so the
    gradient of a kept unit flows back through time unchanged.

    Args: as for `Cell`, and
        zoneout_h: Probability that a unit of `h` keeps its value.
        zoneout_c: Probability that a unit of `c` keeps its value.

    References:
        Krueger et al. (2017), Zoneout: regularizing RNNs by randomly preserving hidden activations, eqs. 9-10
        and, for the probabilities, section 4.1, https://arxiv.org/abs/1606.01305.

    Examples:
        >>> import torch
        >>> output, (h, c) = ZoneoutLSTMCell(3, 4)(torch.zeros(2, 3))
        >>> output.shape
        torch.Size([2, 4])
    """

    gates = 4
    state_size = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        zoneout_h: float = 0.05,
        zoneout_c: float = 0.5,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        check_zoneout(zoneout_h, zoneout_c)
        super().__init__(input_size, hidden_size, bias, device=device, dtype=dtype)
        self.zoneout_h = zoneout_h
        self.zoneout_c = zoneout_c

    @property
    def kernel(self) -> None:
        """None: the cell is looped."""

    def advance(self, part: Tensor, state: State) -> tuple[Tensor, State]:
        """Advance by one time step; see `Cell.advance`."""
        h, c = state
        i, f, g, o = (part + self.hidden_part(h)).chunk(4, dim=1)  # 4 of (batch, hidden)
        fresh = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        shown = torch.sigmoid(o) * torch.tanh(fresh)
        h, c = self._mix(h, shown, self.zoneout_h), self._mix(c, fresh, self.zoneout_c)
        return h, (h, c)

    def _mix(self, before: Tensor, after: Tensor, probability: float) -> Tensor:
        """Return the value before at the places that keep it, and the value after elsewhere."""
        if not self.training:
            return torch.lerp(after, before, probability)
        kept = torch.rand_like(before) < probability
        return torch.where(kept, before, after)


def check_zoneout(zoneout_h: float, zoneout_c: float) -> None:
    """Refuse what is no probability below 1.

    Raises:
        ConfigError: If one lies outside [0, 1).
    """
    for name, value in (("zoneout_h", zoneout_h), ("zoneout_c", zoneout_c)):
        if not 0 <= value < 1:
            raise ConfigError(f"{name} is {value}; it is a probability below 1, so use 0 to 0.99")
