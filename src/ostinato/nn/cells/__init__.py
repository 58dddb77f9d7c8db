"""The cells: one step of a recurrent network, the readable reference for the fast layers."""

from ostinato.nn.cells.base import Cell, State
from ostinato.nn.cells.gru import GRUCell
from ostinato.nn.cells.lstm import LSTMCell
from ostinato.nn.cells.simple import RNNCell

CELLS: dict[str, type[Cell]] = {"rnn": RNNCell, "lstm": LSTMCell, "gru": GRUCell}

__all__ = ["CELLS", "Cell", "GRUCell", "LSTMCell", "RNNCell", "State"]
