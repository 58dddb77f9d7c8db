"""Layers over time, the cells they are made of, heads and losses. They know tensors, not files."""

from ostinato.nn.attention import AdditiveAttention
from ostinato.nn.beam import Beam, beam_search
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
from ostinato.nn.embedding import Embedding, SpelledEmbedding, TiedOutput, locked_dropout
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
from ostinato.nn.seq2seq import Decoder, EncoderDecoder
from ostinato.nn.source import ImageSource, SequenceSource, VectorSource

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
    "AdditiveAttention",
    "AttentionPooling",
    "Beam",
    "Cell",
    "Decoder",
    "Embedding",
    "Encoder",
    "EncoderDecoder",
    "GRUCell",
    "GRUDCell",
    "Head",
    "ImageSource",
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
    "SequenceSource",
    "SoftmaxHead",
    "SpelledEmbedding",
    "TiedOutput",
    "VectorSource",
    "ZoneoutLSTM",
    "ZoneoutLSTMCell",
    "beam_search",
    "locked_dropout",
    "step_mask",
]
