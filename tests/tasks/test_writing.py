"""What translating and captioning share: batches from start to end, and sentences in the order of their sources."""

import numpy as np
import pytest
import torch

from ostinato.data.text import Tokenizer
from ostinato.nn.beam import Beam
from ostinato.nn.embedding import Embedding
from ostinato.nn.encoder import Encoder
from ostinato.nn.seq2seq import Decoder, EncoderDecoder
from ostinato.nn.source import SequenceSource
from ostinato.tasks.writing import SPECIALS, Examples, train, write
from ostinato.train.config import TrainConfig

TOKENIZER = Tokenizer.train(["a b c d"], "word", specials=SPECIALS)


@pytest.fixture
def network():
    torch.manual_seed(0)
    encoder = Encoder(4, 3, cell="gru", embedding=Embedding(8, 4))
    return EncoderDecoder(
        SequenceSource(encoder), Decoder(Embedding(len(TOKENIZER), 4), memory_size=6, hidden_size=5)
    )


def test_targets_go_from_start_to_end():
    (batch,) = Examples([[4, 5], [6]], [[7], [4, 5, 6]], torch.int64).batches(2, None).epoch(0)
    rows = dict(zip(batch.rows["lengths"].tolist(), batch.targets.tolist(), strict=True))
    assert rows == {1: [2, 4, 5, 6, 3], 2: [2, 7, 3, 0, 0]}
    assert batch.mask.sum().item() == 8


def test_training_lowers_the_loss_and_reports_each_epoch(network):
    examples = Examples([[4], [5], [6]], [[4], [5], [6]], torch.int64)
    seen = []
    history = train(
        network,
        examples,
        config=TrainConfig(epochs=20, learning_rate=1e-2),
        batch_size=3,
        validation=examples,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert history["train"][-1] < history["train"][0]
    assert len(history["validation"]) == 20
    assert seen[0] == (1, 20)
    assert seen[-1] == (20, 20)


def test_sentences_come_in_the_order_of_their_sources(network):
    sources = [[4, 5, 6, 7, 4], [6], [7, 7, 4], [5]]
    beam = Beam(2, 6)
    together = write(network, sources, TOKENIZER, dtype=torch.int64, beam=beam)
    alone = [write(network, [source], TOKENIZER, dtype=torch.int64, beam=beam)[0] for source in sources]
    assert [one.tokens for one in together] == [one.tokens for one in alone]
    for source, one in zip(sources, together, strict=True):
        assert one.attention.shape == (len(one.tokens), len(source))
        np.testing.assert_allclose(one.attention.sum(axis=1), 1.0, rtol=1e-5)


def test_the_length_of_a_sentence_may_depend_on_its_source(network):
    written = write(
        network, [[4]], TOKENIZER, dtype=torch.int64, beam=Beam(1, 50), longest=lambda steps: 2 * steps
    )
    assert len(written[0].tokens) <= 2


def test_progress_counts_the_sentences(network):
    seen = []
    write(
        network,
        [[4]] * 70,
        TOKENIZER,
        dtype=torch.int64,
        beam=Beam(1, 3),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(64, 70), (70, 70)]


def test_no_sources_give_no_sentences(network):
    assert write(network, [], TOKENIZER, dtype=torch.int64, beam=Beam()) == []
