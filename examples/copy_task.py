"""The copy task: which recurrent networks repeat a few symbols after a long wait.

A sequence shows a few symbols, then blanks for as long as the delay, then a signal at every step at which one of the
symbols is to be repeated, in order.

References:
    Hochreiter and Schmidhuber (1997), section 5.1 and after; in this form: Arjovsky, Shah and Bengio (2016), section
    5.1, https://arxiv.org/abs/1511.06464.
"""

import math
from pathlib import Path

import torch
from adding_problem import recurrent_layer
from torch import Tensor, nn
from torch.nn import functional as F

import ostinato

SYMBOLS, LENGTH = 4, 3
FEATURES = SYMBOLS + 2
"""The symbols, the blank and the signal, one feature each."""
GUESSING = math.log(SYMBOLS)
"""Cross-entropy of the best constant answer, nats a symbol."""


def draw(rows: int, delay: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw sequences.

    Args:
        rows: sequences.
        delay: blanks between the last symbol and the first signal.
        generator: of the random numbers.

    Returns:
        Inputs (rows, delay + 2 * length, features); targets (rows, length), the symbols.
    """
    symbols = torch.randint(SYMBOLS, (rows, LENGTH), generator=generator)
    blanks = torch.full((rows, delay), SYMBOLS)
    signals = torch.full((rows, LENGTH), SYMBOLS + 1)
    return F.one_hot(torch.cat([symbols, blanks, signals], dim=1), FEATURES).float(), symbols


class Copier(nn.Module):
    """A recurrent layer, and a linear answer from its outputs at the signals."""

    def __init__(self, layer: nn.Module, hidden_size: int) -> None:
        super().__init__()
        self.recurrent = layer
        self.answer = nn.Linear(hidden_size, SYMBOLS)

    def forward(self, inputs: Tensor) -> Tensor:
        """Answer logits (rows, length, symbols) to sequences (rows, steps, features)."""
        outputs, _ = self.recurrent(inputs)
        answer: Tensor = self.answer(outputs[:, -LENGTH:])
        return answer


def copy_loss(network: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
    """The cross-entropy of the symbols, nats each."""
    inputs, targets = examples
    return F.cross_entropy(network(inputs).transpose(1, 2), targets)


def main(delay: int = 20, updates: int = 400, folder: str | None = None) -> None:
    """Train an LSTM, say what the doctor says, and draw its gradient by lag."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    network = Copier(recurrent_layer("lstm", FEATURES, 32), 32)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(updates):
        loss = copy_loss(network, draw(32, delay, generator))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    print(f"cross-entropy {loss.item():.4f} after {updates} updates; guessing has {GUESSING:.4f}")
    diagnosis = ostinato.diagnose(network, draw(64, delay, generator), copy_loss)
    print("\n".join(diagnosis.to_text()))
    if folder is not None:
        from ostinato.report.doctor import gradient_figure

        gradient_figure(diagnosis).savefig(Path(folder) / "copy_task.png")


if __name__ == "__main__":
    main()
