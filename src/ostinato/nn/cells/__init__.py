"""The cells: one step of a recurrent network, the readable reference for the fast layers."""

from ostinato.nn.cells.base import Cell, State
from ostinato.nn.cells.gru import GRUCell
from ostinato.nn.cells.grud import GRUDCell
from ostinato.nn.cells.lngru import LayerNormGRUCell
from ostinato.nn.cells.lnlstm import LayerNormLSTMCell
from ostinato.nn.cells.lstm import LSTMCell
from ostinato.nn.cells.mingru import MinGRUCell
from ostinato.nn.cells.minlstm import MinLSTMCell
from ostinato.nn.cells.peephole import PeepholeLSTMCell
from ostinato.nn.cells.simple import RNNCell
from ostinato.nn.cells.slstm import SLSTMCell
from ostinato.nn.cells.zoneout import ZoneoutLSTMCell

CELLS: dict[str, type[Cell]] = {
    "rnn": RNNCell,
    "lstm": LSTMCell,
    "gru": GRUCell,
    "lnlstm": LayerNormLSTMCell,
    "lngru": LayerNormGRUCell,
    "zoneout": ZoneoutLSTMCell,
    "peephole": PeepholeLSTMCell,
    "slstm": SLSTMCell,
    "mingru": MinGRUCell,
    "minlstm": MinLSTMCell,
    "grud": GRUDCell,
}

__all__ = [
    "CELLS",
    "Cell",
    "GRUCell",
    "GRUDCell",
    "LSTMCell",
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "MinGRUCell",
    "MinLSTMCell",
    "PeepholeLSTMCell",
    "RNNCell",
    "SLSTMCell",
    "State",
    "ZoneoutLSTMCell",
]
