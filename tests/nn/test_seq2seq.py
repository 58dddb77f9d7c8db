"""The decoder over a whole target is the decoder step by step, and its loss is the cross-entropy of the true tokens."""

import pytest
import torch
from torch.nn import functional as F

from ostinato.errors import ConfigError
from ostinato.nn.embedding import Embedding
from ostinato.nn.encoder import Encoder
from ostinato.nn.recurrent import LAYERS
from ostinato.nn.seq2seq import Decoder, EncoderDecoder
from ostinato.nn.source import SequenceSource


def small(cell="gru", **options):
    torch.manual_seed(0)
    return Decoder(Embedding(9, 4), memory_size=6, hidden_size=5, cell=cell, attention_size=3, **options)


def translator(**options):
    torch.manual_seed(0)
    encoder = Encoder(4, 3, cell="gru", embedding=Embedding(8, 4))
    return EncoderDecoder(SequenceSource(encoder), small(), **options)


TARGETS = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 3, 0, 0]])
MASK = torch.tensor([[True] * 5, [True, True, True, False, False]])
INPUTS, LENGTHS = torch.tensor([[4, 5, 6], [7, 0, 0]]), torch.tensor([3, 1])


@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize("coverage", [False, True])
def test_a_whole_target_at_once_is_the_steps_one_by_one(cell, coverage):
    decoder = small(cell, coverage=coverage).eval()
    if coverage:
        torch.nn.init.normal_(decoder.attention.coverage)
    state = decoder.start(torch.randn(2, 7, 6), torch.tensor([[True] * 7, [True] * 4 + [False] * 3]))
    hidden, weights, _ = decoder(TARGETS, state)
    expected = torch.log_softmax(decoder.output(hidden), -1)
    for step in range(TARGETS.size(1)):
        log_probs, attention, state = decoder.step(TARGETS[:, step], state)
        torch.testing.assert_close(log_probs, expected[:, step])
        torch.testing.assert_close(attention, weights[:, step])


def test_a_step_depends_on_no_later_token():
    decoder = small().eval()
    state = decoder.start(torch.randn(2, 7, 6))
    changed = TARGETS.clone()
    changed[:, 3:] = 4
    torch.testing.assert_close(decoder(TARGETS, state)[0][:, :3], decoder(changed, state)[0][:, :3])


def test_the_first_state_does_not_depend_on_padding():
    decoder = small().eval()
    values = torch.randn(1, 4, 6)
    padded = torch.cat([values, torch.randn(1, 3, 6)], 1)
    mask = torch.tensor([[True] * 4 + [False] * 3])
    for short, long in zip(decoder.start(values).lower, decoder.start(padded, mask).lower, strict=True):
        torch.testing.assert_close(short, long)


def test_a_memory_without_a_real_place_gives_finite_numbers():
    decoder = small().eval()
    hidden, _, _ = decoder(TARGETS[:1], decoder.start(torch.randn(1, 2, 6), torch.tensor([[False, False]])))
    assert hidden.isfinite().all()


def test_the_loss_is_the_mean_cross_entropy_of_the_real_tokens_after_the_first():
    network = translator(label_smoothing=0.2).eval()
    hidden, _, _ = network.decoder(TARGETS[:, :-1], network.start(INPUTS, LENGTHS))
    log_probs = torch.log_softmax(network.decoder.output(hidden), -1)
    true = [log_probs[row, step, TARGETS[row, step + 1]] for row, step in MASK[:, 1:].nonzero().tolist()]
    expected = -torch.stack(true).mean()
    torch.testing.assert_close(network.loss(INPUTS, LENGTHS, TARGETS, MASK), expected)


def test_label_smoothing_mixes_in_the_mean_over_all_tokens_while_training():
    network = translator(label_smoothing=0.2).train()
    hidden, _, _ = network.decoder(TARGETS[:, :-1], network.start(INPUTS, LENGTHS))
    log_probs = torch.log_softmax(network.decoder.output(hidden[MASK[:, 1:]]), -1)
    plain = F.nll_loss(log_probs, TARGETS[:, 1:][MASK[:, 1:]])
    expected = 0.8 * plain - 0.2 * log_probs.mean()
    torch.testing.assert_close(network.loss(INPUTS, LENGTHS, TARGETS, MASK), expected)


def test_the_outputs_share_the_weights_of_the_embedding():
    decoder = small()
    assert decoder.output.weight is decoder.embedding.weight


def test_dropout_is_the_same_at_all_steps_of_a_row():
    decoder = small(dropout=0.5).train()
    ones = torch.ones(3, 6, 4)
    dropped = decoder._drop(ones)
    assert (dropped == dropped[:, :1]).all()
    assert set(dropped.unique().tolist()) == {0.0, 2.0}


def test_every_weight_is_trained():
    network = translator()
    network.loss(INPUTS, LENGTHS, TARGETS, MASK).backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network.parameters())


def test_an_unknown_cell_is_refused():
    with pytest.raises(ConfigError, match="cell is 'gur'; use one of"):
        small("gur")


def test_a_dropout_of_everything_is_refused():
    with pytest.raises(ConfigError, match=r"dropout is 1\.0; it is a probability, so use 0 to below 1"):
        small(dropout=1.0)


def test_a_smoothing_of_everything_is_refused():
    with pytest.raises(ConfigError, match="label_smoothing is 1; it is a share, so use 0 to below 1"):
        translator(label_smoothing=1)
