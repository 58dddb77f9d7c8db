"""Beam search: the most probable sequences, found by keeping the best few beginnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

from ostinato.errors import ConfigError


class Selectable(Protocol):
    """A state with rows that can be taken in any order and number."""

    def select(self, rows: Tensor) -> Self:
        """Return the rows at these places."""
        ...


S = TypeVar("S", bound=Selectable)


class Stepper(Protocol[S]):
    """Whatever says how probable each next token is: `Decoder` does."""

    def step(self, tokens: Tensor, state: S) -> tuple[Tensor, Tensor, S]:
        """Return log-probabilities `(rows, tokens)`, attention `(rows, source)` and the new state."""
        ...


@dataclass(frozen=True)
class Beam:
    """How to search.

    Args:
        width: Beginnings kept for each row; 1 is greedy search.
        max_length: Most tokens of a sequence, its end included; a sequence that long is made to end.
        length_penalty: Power of the length by which a score is divided: 0 prefers short sequences, 1 the best
            mean. The length counts as `(5 + tokens) / 6`.
        coverage_penalty: Weight of a penalty for places that got less than 1 of attention in all.

    References:
        Wu et al. (2016), Google's neural machine translation system, eq. 14, https://arxiv.org/abs/1609.08144.
    """

    width: int = 5
    max_length: int = 100
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0

    def __post_init__(self) -> None:
        for name in ("width", "max_length"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} of the beam is {getattr(self, name)}; use at least 1")
        for name in ("length_penalty", "coverage_penalty"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; use 0 or more")


@dataclass(frozen=True)
class Hypothesis:
    """A sequence that was found.

    Args:
        tokens: Its tokens, without the end.
        score: Its log-probability with the penalties; the higher, the better.
        log_probability: Without them, in nats; the end's is in it.
        attention: `(tokens + 1, source)`, one row a token and one for the end.
        steps: Log-probability of each token given those before it, and of the end, in nats.
    """

    tokens: tuple[int, ...]
    score: float
    log_probability: float
    attention: Tensor
    steps: tuple[float, ...]


@torch.no_grad()
def beam_search(
    stepper: Stepper[S], state: S, rows: int, *, start: int, end: int, beam: Beam
) -> list[list[Hypothesis]]:
    """Find probable sequences for each row.

    At each step every beginning is continued by every token and the best `width` continuations stay; those that end
    are put aside. A row is done when it has `width` of them and no beginning that goes on has a better score so far
    than the best of them. With `width` 1 this is greedy search; with a width of all the sequences there are it is
    exhaustive. Everything is on the CPU.

    Args:
        stepper: Says how probable each next token is.
        state: Its state before the first step, one row each.
        rows: Rows of the state.
        start: Token before the first.
        end: Token that ends a sequence.
        beam: How to search.

    Returns:
        For each row the sequences that ended, at least one and at most `width`, the best first.
    """
    search = _Search(rows, end, beam)
    state = state.select(torch.arange(rows).repeat_interleave(beam.width))
    tokens = torch.full((rows * beam.width,), start, dtype=torch.int64)
    for step in range(beam.max_length):
        if not search.alive:
            break
        log_probs, attention, state = stepper.step(tokens, state)
        tokens, chosen = search.extend(log_probs, attention, last=step + 1 == beam.max_length)
        state = state.select(chosen)
    return [sorted(found, key=lambda one: -one.score)[: beam.width] for found in search.found]


class _Search:
    """The beginnings of all rows that are not done, side by side."""

    def __init__(self, rows: int, end: int, beam: Beam) -> None:
        self.beam, self.end = beam, end
        self.found: list[list[Hypothesis]] = [[] for _ in range(rows)]
        self.alive = list(range(rows))
        self.tokens = torch.zeros(rows, beam.width, 0, dtype=torch.int64)
        self.attention: Tensor | None = None  # (alive, width, steps, source)
        self.totals = torch.zeros(rows, beam.width, 0)  # log-probability of each beginning after each step
        self.scores = torch.full((rows, beam.width), -torch.inf)
        self.scores[:, 0] = 0.0  # the beginnings of a row are all the same: let one of them have children

    def extend(self, log_probs: Tensor, attention: Tensor, *, last: bool) -> tuple[Tensor, Tensor]:
        """Keep the best continuations; return their tokens and which rows of the state they continue."""
        count, width = len(self.alive), self.beam.width
        scores = self.scores.unsqueeze(-1) + log_probs.view(count, width, -1)  # (alive, width, tokens)
        if last:
            others = torch.arange(scores.size(-1)) != self.end
            scores = scores.masked_fill(others, -torch.inf)
        # Twice the width holds enough that do not end, as each beginning ends in one way only.
        best, place = scores.flatten(1).topk(2 * width)  # (alive, 2 * width)
        parents, tokens = place // scores.size(-1), place % scores.size(-1)
        self._remember(parents, tokens, best, attention.view(count, width, -1))
        ended = tokens == self.end
        self._put_aside(best[:, :width], ended[:, :width])
        order = ended.int().argsort(dim=1, stable=True)[:, :width]  # those that go on, the best first
        hopes = best.gather(1, order[:, :1]).squeeze(1).tolist()
        kept = [row for row, hope in enumerate(hopes) if not last and self._may_improve(row, hope)]
        return self._go_on(torch.tensor(kept, dtype=torch.int64), order, best, parents)

    def _may_improve(self, row: int, log_probability: float) -> bool:
        """Whether a row needs more sequences, or its best beginning is better so far than what was found."""
        found = self.found[self.alive[row]]
        if len(found) < self.beam.width:
            return True
        return self._by_length(log_probability, self.tokens.size(2)) > max(one.score for one in found)

    def _remember(self, parents: Tensor, tokens: Tensor, best: Tensor, attention: Tensor) -> None:
        """Append a step to the beginnings of all candidates."""
        rows = torch.arange(len(parents)).unsqueeze(1)
        step = attention[rows, parents].unsqueeze(2)  # (alive, candidates, 1, source)
        before = self.attention
        self.attention = step if before is None else torch.cat([before[rows, parents], step], 2)
        self.tokens = torch.cat([self.tokens[rows, parents], tokens.unsqueeze(-1)], -1)
        self.totals = torch.cat([self.totals[rows, parents], best.unsqueeze(-1)], -1)

    def _put_aside(self, scores: Tensor, ended: Tensor) -> None:
        """Note the candidates that ended."""
        assert self.attention is not None, "a step comes before its candidates"
        for row, candidate in (ended & scores.isfinite()).nonzero().tolist():
            attention = self.attention[row, candidate]
            log_probability = float(scores[row, candidate])
            hypothesis = Hypothesis(
                tuple(self.tokens[row, candidate, :-1].tolist()),
                self._score(log_probability, attention),
                log_probability,
                attention,
                tuple(self.totals[row, candidate].diff(prepend=torch.zeros(1)).tolist()),
            )
            self.found[self.alive[row]].append(hypothesis)

    def _score(self, log_probability: float, attention: Tensor) -> float:
        """Wu et al. (2016), eq. 14."""
        score = self._by_length(log_probability, len(attention))
        if self.beam.coverage_penalty > 0:
            had = attention.sum(0)  # (source,)
            had = had[had > 0].clamp(max=1.0)  # padding has exactly none
            score += self.beam.coverage_penalty * float(had.log().sum())
        return score

    def _by_length(self, log_probability: float, tokens: int) -> float:
        """A log-probability divided by the power of the length."""
        score: float = log_probability / ((5 + tokens) / 6) ** self.beam.length_penalty
        return score

    def _go_on(self, kept: Tensor, order: Tensor, best: Tensor, parents: Tensor) -> tuple[Tensor, Tensor]:
        """Keep the chosen candidates of the rows that are not done."""
        assert self.attention is not None, "a step comes before its candidates"
        rows, order = kept.unsqueeze(1), order[kept]  # (kept, 1), (kept, width)
        self.alive = [self.alive[row] for row in kept.tolist()]
        self.scores, self.tokens = best[rows, order], self.tokens[rows, order]
        self.attention, self.totals = self.attention[rows, order], self.totals[rows, order]
        chosen = rows * self.beam.width + parents[rows, order]
        return self.tokens[..., -1].flatten(), chosen.flatten()
