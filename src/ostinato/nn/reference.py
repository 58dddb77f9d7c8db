"""The slow, obvious reference: cells looped over time. Every fast path must agree with it."""

from torch import Tensor

from ostinato.nn.cells import State
from ostinato.nn.layer import RecurrentLayer
from ostinato.nn.scan import layer_cell, loop_cell, run_cells

__all__ = ["layer_cell", "loop_cell", "loop_layer"]


def loop_layer(
    layer: RecurrentLayer, inputs: Tensor, state: State, lengths: Tensor | None = None
) -> tuple[Tensor, State]:
    """Run a recurrent layer by looping its cells, layer after layer and direction after direction.

    Args:
        layer: The layer whose weights are used; gradients flow back to them.
        inputs: `(batch, time, features)`.
        state: One tensor `(num_layers * directions, batch, hidden)` for each part of the state.
        lengths: `(batch,)` real steps of each row; every step is real where None.

    Returns:
        The outputs `(batch, time, directions * hidden)` and the final state, shaped as the given one.
    """
    return run_cells(layer, inputs, state, lengths, scanning=False)
