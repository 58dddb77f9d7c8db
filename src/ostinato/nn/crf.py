"""A linear-chain conditional random field: scores whole sequences of tags, not each tag alone."""

from typing import final

import torch
from torch import Tensor, nn

from ostinato.errors import ConfigError


@final
class LinearChainCRF(nn.Module):
    """The probability of a sequence of tags, from a score for each tag at each step and for each pair of neighbours.

        score(y) = start[y_1] + sum_t scores[t, y_t] + sum_t transitions[y_t, y_t+1] + end[y_T]
        p(y) = exp(score(y)) / sum over all sequences y' of exp(score(y'))

    Everything is computed in log space. Padding must follow the real steps; what it holds changes nothing. A row
    without any real step has the one sequence of no tags, whose log-likelihood is 0.

    Args:
        tags: Number of tags, at least 1.
        device: Where the weights live.
        dtype: Floating-point type of the weights.

    References:
        Lafferty, McCallum and Pereira (2001), Conditional random fields, section 3.
        Lample et al. (2016), Neural architectures for named entity recognition, section 2.2,
        https://arxiv.org/abs/1603.01360.

    Examples:
        >>> import torch
        >>> crf = LinearChainCRF(2)
        >>> scores = torch.tensor([[[1.0, 0.0], [0.0, 3.0]]])
        >>> crf.decode(scores)
        tensor([[0, 1]])
        >>> round(crf.log_likelihood(scores, torch.tensor([[0, 1]])).item(), 3)
        -0.362
    """

    def __init__(
        self, tags: int, *, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        if tags < 1:
            raise ConfigError(f"tags is {tags}; a conditional random field needs at least 1")
        self.tags = tags
        self.start = nn.Parameter(torch.zeros(tags, device=device, dtype=dtype))
        self.end = nn.Parameter(torch.zeros(tags, device=device, dtype=dtype))
        self.transitions = nn.Parameter(torch.zeros(tags, tags, device=device, dtype=dtype))  # from, to

    def log_likelihood(self, scores: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the log-probability of each row's sequence of tags.

        Args:
            scores: `(batch, time, tags)`.
            target: `(batch, time)` tag numbers; any number at padding.
            mask: `(batch, time)`, True = real; every step is real where None.

        Returns:
            `(batch,)` in nats, 0 for a row without a real step.

        Raises:
            ConfigError: If shapes do not fit, or a real step follows padding.
        """
        scores, mask = self._checked(scores, mask)
        if scores.size(1) == 0:
            return scores.new_zeros(len(scores))
        return self._score(scores, target.masked_fill(~mask, 0), mask) - self._log_total(scores, mask)

    def decode(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the most probable sequence of tags of each row, by Viterbi's algorithm.

        Args:
            scores: `(batch, time, tags)`.
            mask: `(batch, time)`, True = real; every step is real where None.

        Returns:
            `(batch, time)` tag numbers, 0 at padding.
        """
        scores, mask = self._checked(scores.detach(), mask)
        if scores.numel() == 0:
            return mask.long()
        transitions = self.transitions.detach()
        best = self.start.detach() + scores[:, 0]  # (batch, tags)
        back = []  # of each later step: the best tag before each tag, (batch, tags)
        for step in range(1, scores.size(1)):
            paths = best.unsqueeze(2) + transitions  # (batch, from, to)
            most, before = paths.max(dim=1)
            real = mask[:, step].unsqueeze(1)
            best = torch.where(real, most + scores[:, step], best)
            back.append(torch.where(real, before, torch.arange(self.tags, device=before.device)))
        tag = (best + self.end.detach()).argmax(dim=1)  # (batch,)
        found = [tag]
        for before in reversed(back):
            tag = before.gather(1, tag.unsqueeze(1)).squeeze(1)
            found.append(tag)
        return torch.stack(found[::-1], dim=1).masked_fill(~mask, 0)

    def marginals(self, scores: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the probability of each tag at each step, over all sequences.

        The forward-backward algorithm, whose backward half is the gradient of the forward half: the probability of
        a tag is the derivative of the log of the sum over sequences with respect to the tag's score.

        Args:
            scores: `(batch, time, tags)`.
            mask: `(batch, time)`, True = real; every step is real where None.

        Returns:
            `(batch, time, tags)`, 0 at padding.

        References:
            Eisner (2016), Inside-outside and forward-backward algorithms are just backprop, section 3,
            https://aclanthology.org/W16-5901.
        """
        scores, mask = self._checked(scores, mask)
        if scores.numel() == 0:
            return scores
        with torch.enable_grad():
            leaf = scores.detach().requires_grad_()
            (shares,) = torch.autograd.grad(self._log_total(leaf, mask).sum(), leaf)
        return shares

    def _score(self, scores: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Return the score of one sequence a row, `(batch,)`."""
        each = scores.gather(2, target.unsqueeze(2)).squeeze(2)  # (batch, time)
        pairs = self.transitions[target[:, :-1], target[:, 1:]]  # (batch, time - 1)
        total = each.masked_fill(~mask, 0.0).sum(1) + pairs.masked_fill(~mask[:, 1:], 0.0).sum(1)
        last = (mask.sum(1) - 1).clamp(min=0)
        final = target.gather(1, last.unsqueeze(1)).squeeze(1)
        return total + (self.start[target[:, 0]] + self.end[final]).masked_fill(~mask[:, 0], 0.0)

    def _log_total(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Return the log of the sum over all sequences of exp(score), `(batch,)`: the forward algorithm."""
        total = self.start + scores[:, 0]  # (batch, tags): log-sum over all beginnings that end in a tag
        for step in range(1, scores.size(1)):
            paths = total.unsqueeze(2) + self.transitions  # (batch, from, to)
            total = torch.where(
                mask[:, step].unsqueeze(1), torch.logsumexp(paths, dim=1) + scores[:, step], total
            )
        return torch.logsumexp(total + self.end, dim=1).masked_fill(~mask[:, 0], 0.0)

    def _checked(self, scores: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return scores, 0 at padding, and a mask, of shapes that fit."""
        if scores.dim() != 3 or scores.size(2) != self.tags:
            raise ConfigError(f"scores have shape {tuple(scores.shape)}; use (batch, time, {self.tags})")
        if mask is None:
            mask = torch.ones(scores.shape[:2], dtype=torch.bool, device=scores.device)
        if mask.shape != scores.shape[:2]:
            raise ConfigError(
                f"mask has shape {tuple(mask.shape)} for scores {tuple(scores.shape)}; use {tuple(scores.shape[:2])}"
            )
        if bool((mask[:, 1:] & ~mask[:, :-1]).any()):
            raise ConfigError("a real step follows padding; put the padding at the end of each row")
        return scores.masked_fill(~mask.unsqueeze(2), 0.0), mask
