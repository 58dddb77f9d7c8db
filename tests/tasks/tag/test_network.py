"""The network of a tagger."""

import pytest
import torch

from ostinato.data.batch import Batch
from ostinato.data.vocabulary import Vocabulary
from ostinato.tasks.tag.network import LONGEST_WORD, Forms, TagNetwork

SENTENCES = [["The", "dog", "the"], ["dog"]]
WORDS = Vocabulary.build([["the", "dog"]])
LETTERS = Vocabulary.build(["The", "dog"])


def batch_of(forms, tags=None):
    inputs = torch.tensor([forms.encode(SENTENCES[0]), [*forms.encode(SENTENCES[1]), 0, 0]])
    mask = torch.tensor([[True] * 3, [True, False, False]])
    return Batch(inputs, torch.tensor([[0, 1, 0], [1, 0, 0]]), mask, rows={"lengths": torch.tensor([3, 1])})


def make(crf=True):
    torch.manual_seed(0)
    return TagNetwork(len(WORDS), len(LETTERS), 2, hidden_size=6, num_layers=1, crf=crf).eval()


def test_forms_differ_by_case_but_share_their_word():
    forms = Forms.of(SENTENCES, WORDS, LETTERS)
    the, dog, small = forms.encode(SENTENCES[0])
    assert len({the, dog, small}) == 3
    assert forms.words[the] == forms.words[small] != forms.words[dog]
    assert forms.letters[dog].tolist() == LETTERS.encode("dog")
    assert forms.lengths.tolist() == [0, 3, 3, 3]


def test_of_long_words_the_beginning_and_the_end_are_read():
    word = "a" * 40 + "b" * 40
    forms = Forms.of([[word]], WORDS, Vocabulary.build(["ab"]))
    assert forms.lengths[1] == LONGEST_WORD
    assert forms.letters[1].unique(return_counts=True)[1].tolist() == [LONGEST_WORD // 2] * 2


@pytest.mark.parametrize("crf", [True, False])
def test_a_sentence_alone_is_tagged_as_in_a_batch(crf):
    network, forms = make(crf), Forms.of(SENTENCES, WORDS, LETTERS)
    batch = batch_of(forms)
    with torch.no_grad():
        tags, shares = network.answer(
            network(batch.inputs, batch.rows["lengths"], forms), batch.rows["lengths"]
        )
        for row, length in enumerate([3, 1]):
            own = torch.tensor([length])
            alone = network.answer(network(batch.inputs[row : row + 1, :length], own, forms), own)
            assert torch.equal(tags[row, :length], alone[0][0])
            torch.testing.assert_close(shares[row, :length], alone[1][0])
    assert not shares[~batch.mask].any()


def test_the_loss_of_a_softmax_is_the_mean_of_its_log_probabilities():
    network, forms = make(crf=False), Forms.of(SENTENCES, WORDS, LETTERS)
    batch = batch_of(forms)
    scores = network(batch.inputs, batch.rows["lengths"], forms).log_softmax(-1)
    expected = -scores.gather(2, batch.targets.unsqueeze(2)).squeeze(2)[batch.mask].mean()
    assert network.loss(batch, forms).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_loss_of_a_field_is_per_word():
    network, forms = make(), Forms.of(SENTENCES, WORDS, LETTERS)
    batch = batch_of(forms)
    scores = network(batch.inputs, batch.rows["lengths"], forms)
    expected = -network.crf.log_likelihood(scores, batch.targets, batch.mask).sum() / 4
    assert network.loss(batch, forms).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("crf", [True, False])
def test_a_high_temperature_evens_probabilities_and_changes_no_tag(crf):
    network, forms = make(crf), Forms.of(SENTENCES, WORDS, LETTERS)
    batch = batch_of(forms)
    with torch.no_grad():
        scores = network(batch.inputs, batch.rows["lengths"], forms)
        before, sharp = network.answer(scores, batch.rows["lengths"])
        network.temperature.fill_(1e6)
        after, even = network.answer(scores, batch.rows["lengths"])
    assert torch.equal(before, after)
    assert not torch.allclose(sharp[batch.mask], even[batch.mask])
    torch.testing.assert_close(even[batch.mask], torch.full((4, 2), 0.5), atol=1e-4, rtol=0)
