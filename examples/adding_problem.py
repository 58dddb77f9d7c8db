"""The adding problem: which recurrent networks carry a number over many steps, and how far their gradients reach.

Each step of a sequence shows a number and a flag; two flags are up, one in each half, and the answer after the last
step is the sum of the two flagged numbers. Always answering 1 has a mean squared error of 1/6.

References:
    Hochreiter and Schmidhuber (1997), section 5.4, https://doi.org/10.1162/neco.1997.9.8.1735; in this form: Le,
    Jaitly and Hinton (2015), section 4.1, https://arxiv.org/abs/1504.00941. Tallec and Ollivier (2018), Can recurrent
    neural networks warp time?, section 2, https://arxiv.org/abs/1804.11188, for the gates that start open.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import ostinato

GUESSING = 1 / 6
"""Mean squared error of the best constant answer."""


def draw(rows: int, steps: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw sequences.

    Args:
        rows: sequences.
        steps: steps of each.
        generator: of the random numbers.

    Returns:
        Inputs (rows, steps, 2), the number and the flag; targets (rows,).
    """
    numbers = torch.rand(rows, steps, generator=generator)
    first = torch.randint(steps // 2, (rows,), generator=generator)
    second = torch.randint(steps // 2, steps, (rows,), generator=generator)
    flags = F.one_hot(first, steps) + F.one_hot(second, steps)
    return torch.stack([numbers, flags], dim=2), (numbers * flags).sum(dim=1)


class Adder(nn.Module):
    """A recurrent layer, and a linear answer from its last output."""

    def __init__(self, layer: nn.Module, hidden_size: int) -> None:
        super().__init__()
        self.recurrent = layer
        self.answer = nn.Linear(hidden_size, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Answer (rows,) to sequences (rows, steps, 2)."""
        outputs, _ = self.recurrent(inputs)
        answer: Tensor = self.answer(outputs[:, -1]).squeeze(1)
        return answer


def recurrent_layer(cell: str, features: int, hidden_size: int, steps: int = 100) -> nn.Module:
    """A layer as the literature starts it.

    Args:
        cell: "tanh", "irnn", "gru", "lstm", or "chrono": an LSTM whose gates start open for times of up to `steps`.
        features: of the inputs.
        hidden_size: units.
        steps: how far back a "chrono" layer should reach.
    """
    if cell == "tanh":
        return ostinato.nn.RNN(features, hidden_size, batch_first=True)
    if cell == "gru":
        return ostinato.nn.GRU(features, hidden_size, batch_first=True)
    if cell == "lstm":
        layer = ostinato.nn.LSTM(features, hidden_size, batch_first=True)
        with torch.no_grad():
            layer.bias_ih_l0[hidden_size : 2 * hidden_size] += (
                1.0  # the forget gate: Jozefowicz et al. (2015)
            )
        return layer
    if cell == "chrono":
        return chrono_lstm(features, hidden_size, steps)
    relu = ostinato.nn.RNN(features, hidden_size, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        nn.init.eye_(relu.weight_hh_l0)  # Le et al. (2015), section 2
        nn.init.normal_(relu.weight_ih_l0, std=0.1)
        nn.init.zeros_(relu.bias_ih_l0)
        nn.init.zeros_(relu.bias_hh_l0)
    return relu


def chrono_lstm(features: int, hidden_size: int, steps: int) -> nn.Module:
    """An LSTM whose units start with memories of 1 to `steps` steps: Tallec and Ollivier (2018), eq. 16."""
    layer = ostinato.nn.LSTM(features, hidden_size, batch_first=True)
    with torch.no_grad():
        layer.bias_ih_l0.zero_()
        layer.bias_hh_l0.zero_()
        forget = torch.log(1 + (steps - 2) * torch.rand(hidden_size))
        layer.bias_ih_l0[hidden_size : 2 * hidden_size] = forget
        layer.bias_ih_l0[:hidden_size] = -forget  # the input gate
    return layer


def main(steps: int = 30, updates: int = 400) -> None:
    """Train two networks and show how far the gradient of each reaches."""
    for cell in ("tanh", "gru"):
        torch.manual_seed(0)
        generator = torch.Generator().manual_seed(0)
        network = Adder(recurrent_layer(cell, 2, 32), 32)
        optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
        for _ in range(updates):
            inputs, targets = draw(32, steps, generator)
            loss = F.mse_loss(network(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        inputs, targets = draw(256, steps, generator)
        error = F.mse_loss(network(inputs), targets).item()
        print(f"{cell}: mean squared error {error:.4f} after {updates} updates; guessing has {GUESSING:.4f}")
        for line in ostinato.diagnose(network, (inputs[:64], targets[:64])).to_text():
            print("   ", line)


if __name__ == "__main__":
    main()
