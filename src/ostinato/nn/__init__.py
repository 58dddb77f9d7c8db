"""Layers over time, the cells they are made of, heads and losses. They know tensors, not files."""

from ostinato.nn.cells import (
    CELLS,
    Cell,
    GRUCell,
    GRUDCell,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LSTMCell,
    MinGRUCell,
    MinLSTMCell,
    PeepholeLSTMCell,
    RNNCell,
    SLSTMCell,
    ZoneoutLSTMCell,
)
from ostinato.nn.embedding import Embedding, TiedOutput, locked_dropout
from ostinato.nn.encoder import Encoder
from ostinato.nn.heads import HEADS, Head, PointHead, QuantileHead, SoftmaxHead
from ostinato.nn.layer import RecurrentLayer
from ostinato.nn.looped import (
    GRUD,
    SLSTM,
    LayerNormGRU,
    LayerNormLSTM,
    MinGRU,
    MinLSTM,
    PeepholeLSTM,
    ZoneoutLSTM,
)
from ostinato.nn.losses import LOSSES
from ostinato.nn.pooling import AttentionPooling, step_mask
from ostinato.nn.recurrent import GRU, LAYERS, LSTM, RNN

__all__ = [
    "CELLS",
    "GRU",
    "GRUD",
    "HEADS",
    "LAYERS",
    "LOSSES",
    "LSTM",
    "RNN",
    "SLSTM",
    "AttentionPooling",
    "Cell",
    "Embedding",
    "Encoder",
    "GRUCell",
    "GRUDCell",
    "Head",
    "LSTMCell",
    "LayerNormGRU",
    "LayerNormGRUCell",
    "LayerNormLSTM",
    "LayerNormLSTMCell",
    "MinGRU",
    "MinGRUCell",
    "MinLSTM",
    "MinLSTMCell",
    "PeepholeLSTM",
    "PeepholeLSTMCell",
    "PointHead",
    "QuantileHead",
    "RNNCell",
    "RecurrentLayer",
    "SLSTMCell",
    "SoftmaxHead",
    "TiedOutput",
    "ZoneoutLSTM",
    "ZoneoutLSTMCell",
    "locked_dropout",
    "step_mask",
]
