"""Additive attention: which part of a remembered sequence each step looks at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from ostinato.errors import ConfigError


@dataclass(frozen=True)
class Memory:
    """A sequence to look at, with everything that does not depend on who looks.

    Args:
        values: `(batch, source, memory)`.
        keys: `(batch, source, attention)`.
        mask: `(batch, source)`, True = real; every place is real where None.
    """

    values: Tensor
    keys: Tensor
    mask: Tensor | None = None

    def select(self, rows: Tensor) -> Memory:
        """Return the rows at these places, a copy.

        Args:
            rows: `(rows,)` integers.
        """
        mask = None if self.mask is None else self.mask.index_select(0, rows)
        return Memory(self.values.index_select(0, rows), self.keys.index_select(0, rows), mask)


@final
class AdditiveAttention(nn.Module):
    """Attention by a small network of one hidden layer, with or without coverage.

        e[t, i] = v . tanh(W q[t] + U m[i] + b + w c[t, i])      how well place i answers step t
        a[t]    = softmax(e[t])                                  over the real places
        c[t, i] = a[1, i] + ... + a[t - 1, i]                    coverage: the attention place i has had

    The context of a step is `sum_i a[t, i] m[i]`. `U m + b` is computed once a sequence. Without coverage all steps
    are computed at once; with coverage a step needs the attention of the one before, so they are computed one after
    the other, which the recurrent layers around the attention need not know. A row without a real place attends to
    nothing: its weights and its context are 0.

    Args:
        query_size: Features of the steps that look.
        memory_size: Features of the places looked at.
        attention_size: Width of the hidden layer.
        coverage: Whether a place is scored by the attention it has had, too.
        device: Where the weights live.
        dtype: Floating-point type of the weights.

    References:
        Bahdanau, Cho and Bengio (2015), Neural machine translation by jointly learning to align and translate,
        section 3.1, https://arxiv.org/abs/1409.0473. Coverage: Tu et al. (2016), Modeling coverage for neural machine
        translation, https://arxiv.org/abs/1601.04811, in the form of See, Liu and Manning (2017), eq. 11,
        https://arxiv.org/abs/1704.04368.

    Examples:
        >>> attention = AdditiveAttention(4, 6, 5)
        >>> memory = attention.remember(torch.zeros(2, 7, 6))
        >>> context, weights, _ = attention(torch.zeros(2, 3, 4), memory)
        >>> context.shape, weights.shape
        (torch.Size([2, 3, 6]), torch.Size([2, 3, 7]))
    """

    def __init__(
        self,
        query_size: int,
        memory_size: int,
        attention_size: int,
        *,
        coverage: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if min(query_size, memory_size, attention_size) < 1:
            raise ConfigError(
                f"query_size is {query_size}, memory_size {memory_size}, attention_size {attention_size}; "
                "each must be at least 1"
            )
        self.query = nn.Linear(query_size, attention_size, bias=False, device=device, dtype=dtype)
        self.key = nn.Linear(memory_size, attention_size, device=device, dtype=dtype)
        self.score = nn.Parameter(torch.empty(attention_size, device=device, dtype=dtype))
        bound = 1.0 / math.sqrt(attention_size)
        nn.init.uniform_(self.score, -bound, bound)
        self.coverage = (
            nn.Parameter(torch.zeros(attention_size, device=device, dtype=dtype)) if coverage else None
        )

    def remember(self, values: Tensor, mask: Tensor | None = None) -> Memory:
        """Prepare a sequence to be looked at.

        Args:
            values: `(batch, source, memory)`; what stands at padding is never read.
            mask: `(batch, source)`, True = real; every place is real where None.
        """
        if mask is not None and mask.shape != values.shape[:2]:
            raise ConfigError(
                f"mask has the shape {tuple(mask.shape)}, these values need {tuple(values.shape[:2])}"
            )
        if mask is not None:
            values = values.masked_fill(~mask.unsqueeze(-1), 0.0)
        return Memory(values, self.key(values), mask)

    def forward(
        self, queries: Tensor, memory: Memory, covered: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Look at a memory, step by step.

        Args:
            queries: `(batch, time, query)`.
            memory: What `remember` returned.
            covered: `(batch, source)` attention each place had in steps before these; 0 where None.

        Returns:
            The contexts `(batch, time, memory)`, the weights `(batch, time, source)` and the attention each place
            has had by now `(batch, source)`.
        """
        before = queries.new_zeros(memory.values.shape[:2]) if covered is None else covered
        asked = self.query(queries)  # (batch, time, attention)
        if self.coverage is None:
            weights = self._weights(asked, memory, None)
            covered = before + weights.sum(1)
        else:
            covered, steps = before, []
            for step in range(asked.size(1)):
                steps.append(self._weights(asked[:, step : step + 1], memory, covered))  # (batch, 1, source)
                covered = covered + steps[-1].squeeze(1)
            weights = torch.cat(steps, 1) if steps else asked.new_zeros(len(asked), 0, covered.size(1))
        return torch.bmm(weights, memory.values), weights, covered

    def _weights(self, asked: Tensor, memory: Memory, covered: Tensor | None) -> Tensor:
        """Return the weights `(batch, time, source)` of steps that do not depend on each other."""
        keys = memory.keys
        if covered is not None and self.coverage is not None:
            keys = keys + covered.unsqueeze(-1) * self.coverage  # (batch, source, attention)
        hidden = torch.tanh(asked.unsqueeze(2) + keys.unsqueeze(1))  # (batch, time, source, attention)
        scores = hidden @ self.score  # (batch, time, source)
        if memory.mask is None:
            return torch.softmax(scores, -1)
        real = memory.mask.unsqueeze(1)  # (batch, 1, source)
        lowest = torch.finfo(scores.dtype).min  # not -inf, whose softmax is NaN in a row without a real place
        return torch.softmax(scores.masked_fill(~real, lowest), -1) * real
