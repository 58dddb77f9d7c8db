"""Layers over time, the cells they are made of, heads and losses. They know tensors, not files."""

from ostinato.nn.cells import CELLS, Cell, GRUCell, LSTMCell, RNNCell
from ostinato.nn.embedding import Embedding, TiedOutput, locked_dropout
from ostinato.nn.encoder import Encoder
from ostinato.nn.heads import HEADS, Head, PointHead, QuantileHead, SoftmaxHead
from ostinato.nn.layer import RecurrentLayer
from ostinato.nn.losses import LOSSES
from ostinato.nn.pooling import AttentionPooling, step_mask
from ostinato.nn.recurrent import GRU, LAYERS, LSTM, RNN

__all__ = [
    "CELLS",
    "GRU",
    "HEADS",
    "LAYERS",
    "LOSSES",
    "LSTM",
    "RNN",
    "AttentionPooling",
    "Cell",
    "Embedding",
    "Encoder",
    "GRUCell",
    "Head",
    "LSTMCell",
    "PointHead",
    "QuantileHead",
    "RNNCell",
    "RecurrentLayer",
    "SoftmaxHead",
    "TiedOutput",
    "locked_dropout",
    "step_mask",
]
