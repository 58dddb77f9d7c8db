"""Which inputs an answer rests on: integrated gradients, lag by lag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ostinato.errors import ConfigError

Values = NDArray[np.float64]
Answer = Callable[[nn.Module, Tensor], Tensor]


@dataclass(frozen=True)
class Attribution:
    """How much each input moved the answer away from that to the baseline.

    Attributes:
        values: (batch, time, features), in units of the answer; their sum over a row is the change of its answer.
        change: (batch,) the answer less that to the baseline.
    """

    values: Values
    change: Values

    @property
    def gap(self) -> float:
        """The largest difference between the sum of a row and its change: the error of the integration."""
        return float(np.abs(self.values.sum(axis=(1, 2)) - self.change).max())

    def by_lag(self) -> Values:
        """(time,) mean absolute attribution by steps before the last one."""
        by_lag: Values = np.abs(self.values.sum(axis=2)).mean(axis=0)[::-1]
        return by_lag


def integrated_gradients(
    model: nn.Module,
    inputs: Tensor,
    *,
    answer: Answer | None = None,
    baseline: Tensor | None = None,
    points: int = 64,
) -> Attribution:
    """Attribute the answers of a model to its inputs.

    The gradient of the answer is averaged along the straight line from the baseline to the inputs and multiplied by
    their difference, so that the attributions of a row sum to the change of its answer.

    Args:
        model: called in evaluation mode; its recurrent layers stay on the fused kernels.
        inputs: (batch, time, features).
        answer: `answer(model, inputs) -> (batch,)`; the first number of the model's output for each row where None.
        baseline: (batch, time, features), or what can be broadcast to it; zeros where None.
        points: on the line, at least 1; their midpoints are used.

    Returns:
        The attribution.

    Raises:
        ConfigError: points is below 1, or the answer is not one number a row.

    References:
        Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks, eq. 3,
        https://arxiv.org/abs/1703.01365.

    Examples:
        >>> layer = nn.RNN(1, 4, batch_first=True)
        >>> found = integrated_gradients(layer, torch.randn(2, 6, 1), answer=lambda model, x: model(x)[0][:, -1, 0])
        >>> found.values.shape, found.gap < 1e-3
        ((2, 6, 1), True)
    """
    if points < 1:
        raise ConfigError(f"points is {points}; use at least 1, such as 64")
    ask = _first_number if answer is None else answer
    start = torch.zeros_like(inputs) if baseline is None else baseline.expand_as(inputs).to(inputs)
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        ends = [ask(model, end).detach() for end in (start, inputs)]
        if ends[0].shape != (len(inputs),):
            raise ConfigError(
                f"the answer has the shape {tuple(ends[0].shape)} for {len(inputs)} rows; return one number a row"
            )
        total = torch.zeros_like(inputs)
        for number in range(points):
            place = start + (number + 0.5) / points * (inputs - start)
            place = place.detach().requires_grad_()
            with torch.enable_grad(), torch.random.fork_rng():
                total += torch.autograd.grad(ask(model, place).sum(), place)[0]
    finally:
        for module, training in modes.items():
            module.training = training
    values = (inputs - start) * total / points
    return Attribution(
        np.asarray(values.detach().double().cpu().numpy()),
        np.asarray((ends[1] - ends[0]).double().cpu().numpy()),
    )


def _first_number(model: nn.Module, inputs: Tensor) -> Tensor:
    """The first number of the output of each row; of several outputs the first, of a sequence its last step."""
    output = model(inputs)
    while isinstance(output, (tuple, list)):
        output = output[0]
    if output.dim() == 3:
        output = output[:, -1]
    first: Tensor = output.reshape(len(inputs), -1)[:, 0]
    return first
