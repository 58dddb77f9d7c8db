"""The network of a forecaster: recurrent layers over a window, a dense output over its last state."""

import torch
from torch import Tensor, nn

from ostinato.errors import ConfigError
from ostinato.nn import LAYERS, LSTM
from ostinato.nn.heads import PointHead
from ostinato.tasks.recipes import Recipe


class ForecastNetwork(nn.Module):
    """Stacked recurrent layers, dropout after each, and a dense layer from the last state to the answer.

    Args:
        recipe: sizes, dropout and how the first weights are drawn.
        cell: "rnn", "lstm" or "gru".
        features: features a step.
        horizon: steps answered at once.
    """

    def __init__(self, recipe: Recipe, *, cell: str, features: int, horizon: int) -> None:
        super().__init__()
        between = recipe.dropout if recipe.num_layers > 1 else 0.0
        self.recurrent = LAYERS[check_cell(cell)](
            features, recipe.hidden_size, recipe.num_layers, batch_first=True, dropout=between
        )
        self.dropout = nn.Dropout(recipe.dropout)
        self.head = PointHead(recipe.hidden_size, horizon, loss=recipe.loss)
        if recipe.keras_start:
            start_as_keras(self)
        else:
            for weight in self.head.parameters():
                nn.init.zeros_(weight)  # so the first forecast is the last value

    def forward(self, inputs: Tensor) -> Tensor:
        """The answer to each window.

        Args:
            inputs: (batch, time, features).

        Returns:
            (batch, horizon).
        """
        states, _ = self.recurrent(inputs)  # (batch, time, hidden)
        answer: Tensor = self.head(self.dropout(states[:, -1]))
        return answer


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
    hidden = network.recurrent.hidden_size
    for name, weight in network.recurrent.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(weight)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(weight)
        else:
            nn.init.zeros_(weight)
            if isinstance(network.recurrent, LSTM) and name.startswith("bias_ih"):
                weight[hidden : 2 * hidden] = 1.0  # torch's gates: input, forget, cell, output
    for weight in network.head.parameters():
        (nn.init.xavier_uniform_ if weight.dim() == 2 else nn.init.zeros_)(weight)
