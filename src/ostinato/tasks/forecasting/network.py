"""The network of a forecaster: recurrent layers over a window, a dense output over its last state."""

from itertools import pairwise
from statistics import NormalDist

import torch
from torch import Tensor, nn

from ostinato.data.batch import Batch
from ostinato.errors import ConfigError
from ostinato.evaluate.knots import LEVELS
from ostinato.nn import GRUD, LAYERS, losses
from ostinato.nn.heads import PointHead, QuantileHead
from ostinato.tasks.forecasting.plan import Plan

MIXED = 16
"""Units in which covariates of a step ahead meet the state."""

NORMAL_STEP = (torch.pi / 2) ** 0.5
"""Standard deviation of normal steps whose mean absolute size is 1, the unit of a window."""


class ForecastNetwork(nn.Module):
    """Stacked recurrent layers, dropout after each, and a dense layer from the last state to the answer.

    Covariates that are known in advance change the answer of their step, in the same way at every step ahead.

    Args:
        plan: sizes, dropout, how the first weights are drawn, and which channels there are.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        recipe = plan.recipe
        between = recipe.dropout if recipe.num_layers > 1 else 0.0
        self.recurrent = LAYERS[check_cell(plan.cell)](
            plan.features, recipe.hidden_size, recipe.num_layers, batch_first=True, dropout=between
        )
        self.dropout = nn.Dropout(recipe.dropout)
        self.head = make_head(plan)
        if recipe.keras_start:
            start_as_keras(self)
        else:
            for weight in self.head.parameters():
                nn.init.zeros_(weight)  # so the first forecast is the last value
            if isinstance(self.head, QuantileHead):
                start_as_random_walk(self.head)
        self.known = KnownAhead(plan.ahead, recipe.hidden_size) if plan.ahead else None

    def forward(self, inputs: Tensor, ahead: Tensor | None = None) -> Tensor:
        """The answer to each window.

        Args:
            inputs: (batch, time, features).
            ahead: (batch, horizon, features) what is known of the steps ahead; None where nothing is.

        Returns:
            (batch, horizon), or (batch, horizon, levels) where the recipe's loss is that of quantiles.
        """
        if isinstance(self.recurrent, GRUD):
            inputs = mark_missing(inputs)
        states, _ = self.recurrent(inputs)  # (batch, time, hidden)
        state = self.dropout(states[:, -1])
        answer: Tensor = self.head(state)
        if self.known is None:
            return answer
        added: Tensor = self.known(state, ahead)
        return answer + (added if answer.dim() == 2 else added.unsqueeze(2))

    def loss(self, batch: Batch) -> Tensor:
        """The loss of the answers to a batch; of quantiles, the median counts as much as all of them once more."""
        answer = self(batch.inputs, batch.rows.get("ahead"))
        loss = self.head.loss(answer, batch.targets, batch.mask)
        if isinstance(self.head, QuantileHead):
            loss = loss + losses.mae(answer[..., self.head.middle], batch.targets, batch.mask) / 2
        return loss


class KnownAhead(nn.Module):
    """What covariates of a step ahead add to its answer, silent at first.

    Args:
        features: features of a step ahead.
        hidden_size: units of the state that decides what they mean.
    """

    def __init__(self, features: int, hidden_size: int) -> None:
        super().__init__()
        self.straight = nn.Linear(features, 1)
        self.mixed = nn.Linear(features + hidden_size, MIXED)
        self.out = nn.Linear(MIXED, 1, bias=False)
        for weight in (*self.straight.parameters(), *self.out.parameters()):
            nn.init.zeros_(weight)

    def forward(self, state: Tensor, ahead: Tensor) -> Tensor:
        """What is added to each answer.

        Args:
            state: (batch, hidden) at the origin.
            ahead: (batch, horizon, features).

        Returns:
            (batch, horizon).
        """
        beside = state[:, None, :].expand(-1, ahead.size(1), -1)
        mixed = torch.tanh(self.mixed(torch.cat([ahead, beside], dim=2)))
        added: Tensor = self.straight(ahead) + self.out(mixed)  # (batch, horizon, 1)
        return added.squeeze(2)


def mark_missing(inputs: Tensor) -> Tensor:
    """Windows (batch, time, features) whose first feature is NaN where the second says that it is missing."""
    if inputs.size(2) < 2:
        return inputs
    value = inputs[..., :1].masked_fill(inputs[..., 1:2] == 0, float("nan"))
    return torch.cat([value, inputs[..., 1:]], dim=2)


def check_cell(cell: str) -> str:
    """The name of a cell, if there is one of that name.

    Raises:
        ConfigError: there is none.
    """
    if cell not in LAYERS:
        raise ConfigError(f"cell is {cell!r}, which is not known; use one of: {', '.join(sorted(LAYERS))}")
    return cell


def make_head(plan: Plan) -> PointHead | QuantileHead:
    """The dense output: the quantiles `LEVELS` of each step where the loss is theirs, otherwise one number a step."""
    hidden = plan.recipe.hidden_size
    if plan.recipe.loss == "quantile":
        return QuantileHead(hidden, plan.horizon, levels=LEVELS)
    return PointHead(hidden, plan.horizon, loss=plan.recipe.loss)


@torch.no_grad()
def start_as_random_walk(head: QuantileHead) -> None:
    """Set the distances between quantiles to those of a random walk with normal steps of mean size 1."""
    deviates = [NormalDist().inv_cdf(level) for level in head.levels]
    apart = torch.tensor([upper - lower for lower, upper in pairwise(deviates)])  # (levels - 1,)
    spread = NORMAL_STEP * torch.arange(1, head.horizon + 1).sqrt()  # (horizon,)
    distances = torch.log(torch.expm1(spread[:, None] * apart))  # what softplus makes the distances of
    bias = head.linear.bias.view(head.horizon, len(head.levels))
    bias[:, : head.middle] = distances[:, : head.middle]
    bias[:, head.middle + 1 :] = distances[:, head.middle :]


@torch.no_grad()
def start_as_keras(network: ForecastNetwork) -> None:
    """Draw the weights as Keras does: Glorot uniform, orthogonal over time, forget bias 1, other biases 0.

    References:
        Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks",
        equation 16; Saxe et al. (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear
        neural networks"; Jozefowicz et al. (2015), "An empirical exploration of recurrent network architectures".
    """
    hidden, gates = network.recurrent.hidden_size, network.recurrent.cell.gates
    for name, weight in network.recurrent.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(weight)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(weight)
        elif not name.startswith("gain"):
            nn.init.zeros_(weight)
            if gates == 4 and name.startswith("bias_ih"):
                weight[hidden : 2 * hidden] = 1.0  # gates: input, forget, cell, output
    for weight in network.head.parameters():
        (nn.init.xavier_uniform_ if weight.dim() == 2 else nn.init.zeros_)(weight)
