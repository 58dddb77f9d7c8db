"""The network of a translator: an encoder in both directions, and a decoder with attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostinato.nn.embedding import Embedding
from ostinato.nn.encoder import Encoder
from ostinato.nn.seq2seq import Decoder, EncoderDecoder
from ostinato.nn.source import SequenceSource

if TYPE_CHECKING:
    from ostinato.tasks.translate.translator import SequenceTranslator


def make_network(translator: SequenceTranslator) -> EncoderDecoder:
    """The network before training, as the parameters and the tokenizers of a translator want it."""
    size = translator.embedding_size
    encoder = Encoder(
        size,
        translator.hidden_size,
        cell=translator.cell,
        num_layers=translator.num_layers,
        dropout=translator.dropout,
        embedding=Embedding(len(translator.source_), size, dropout=translator.dropout),
    )
    decoder = Decoder(
        Embedding(len(translator.target_), size),
        memory_size=encoder.output_size,
        hidden_size=translator.hidden_size,
        cell=translator.cell,
        attention_size=translator.attention_size,
        dropout=translator.dropout,
        coverage=translator.coverage,
    )
    return EncoderDecoder(SequenceSource(encoder), decoder, label_smoothing=translator.label_smoothing)
