"""The network of a forecaster: recurrent layers over a window, a dense output over its last state."""

import torch
from torch import Tensor, nn

from ostinato.data.batch import Batch
from ostinato.errors import ConfigError
from ostinato.nn import GRUD, LAYERS
from ostinato.nn.heads import PointHead
from ostinato.tasks.forecasting.plan import Plan

MIXED = 16
"""Units in which covariates of a step ahead meet the state."""


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
        self.head = PointHead(recipe.hidden_size, plan.horizon, loss=recipe.loss)
        if recipe.keras_start:
            start_as_keras(self)
        else:
            for weight in self.head.parameters():
                nn.init.zeros_(weight)  # so the first forecast is the last value
        self.known = KnownAhead(plan.ahead, recipe.hidden_size) if plan.ahead else None

    def forward(self, inputs: Tensor, ahead: Tensor | None = None) -> Tensor:
        """The answer to each window.

        Args:
            inputs: (batch, time, features).
            ahead: (batch, horizon, features) what is known of the steps ahead; None where nothing is.

        Returns:
            (batch, horizon).
        """
        if isinstance(self.recurrent, GRUD):
            inputs = mark_missing(inputs)
        states, _ = self.recurrent(inputs)  # (batch, time, hidden)
        state = self.dropout(states[:, -1])
        answer: Tensor = self.head(state)
        return answer if self.known is None else answer + self.known(state, ahead)

    def loss(self, batch: Batch) -> Tensor:
        """The loss of the answers to a batch."""
        answer = self(batch.inputs, batch.rows.get("ahead"))
        return self.head.loss(answer, batch.targets, batch.mask)


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
