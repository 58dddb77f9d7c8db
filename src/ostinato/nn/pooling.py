"""Many steps to one vector."""

from typing import final

import torch
from torch import Tensor, nn


def step_mask(lengths: Tensor | None, batch: int, time: int, device: torch.device) -> Tensor:
    """Return `(batch, time)`, True at the real steps of each row.

    Examples:
        >>> step_mask(torch.tensor([2, 0]), 2, 3, torch.device("cpu")).int().tolist()
        [[1, 1, 0], [0, 0, 0]]
    """
    if lengths is None:
        return torch.ones(batch, time, dtype=torch.bool, device=device)
    return torch.arange(time, device=device) < lengths.to(device)[:, None]


@final
class AttentionPooling(nn.Module):
    """The mean of the hidden states, weighted by how much each says: a softmax over time of learned scores.

        score(t) = v . tanh(W h(t) + b),  weight = softmax(score),  pooled = sum over t of weight(t) h(t)

    Args:
        size: Features of the hidden states.
        attention_size: Features of the hidden layer of the scores.

    References:
        Yang et al. (2016), Hierarchical attention networks for document classification, eq. 5 to 7,
        https://aclanthology.org/N16-1174.

    Examples:
        >>> pooled, weights = AttentionPooling(4)(torch.zeros(2, 3, 4), torch.tensor([3, 1]))
        >>> weights[1].tolist()
        [1.0, 0.0, 0.0]
    """

    def __init__(self, size: int, attention_size: int = 64) -> None:
        super().__init__()
        self.hidden = nn.Linear(size, attention_size)
        self.score = nn.Linear(attention_size, 1, bias=False)

    def forward(self, states: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the pooled states and the weights.

        Args:
            states: `(batch, time, size)`.
            lengths: `(batch,)` real steps of each row.

        Returns:
            `(batch, size)` and `(batch, time)`; a row without real steps has zeros.
        """
        mask = step_mask(lengths, states.size(0), states.size(1), states.device)
        scores = self.score(torch.tanh(self.hidden(states))).squeeze(-1)  # (batch, time)
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        weights = scores.softmax(dim=1).masked_fill(~mask, 0.0)
        return torch.einsum("bt,bth->bh", weights, states), weights
