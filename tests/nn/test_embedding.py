import pytest
import torch

from ostinato.errors import ConfigError
from ostinato.nn import Embedding, SpelledEmbedding, TiedOutput, locked_dropout


def test_padding_has_the_zero_vector_and_no_gradient():
    embedding = Embedding(5, 3)
    vectors = embedding(torch.tensor([[2, 0]]))
    vectors.sum().backward()
    assert vectors[0, 1].tolist() == [0, 0, 0]
    assert embedding.weight.grad[0].abs().sum() == 0
    assert embedding.weight.grad[2].tolist() == [1, 1, 1]


def test_word_dropout_hides_tokens_in_training_alone():
    embedding = Embedding(5, 3, word_dropout=0.5)
    tokens = torch.full((40, 50), 3)
    hidden = (embedding(tokens) == embedding.weight[1]).all(dim=-1).float().mean()
    assert 0.4 < hidden < 0.6
    assert (embedding.eval()(tokens) == embedding.weight[3]).all()


def test_word_dropout_leaves_padding_alone():
    vectors = Embedding(5, 3, word_dropout=0.9)(torch.zeros(10, 10, dtype=torch.int64))
    assert vectors.abs().sum() == 0


def test_locked_dropout_drops_the_same_features_at_all_steps():
    dropped = locked_dropout(torch.ones(8, 30, 16), 0.5, training=True)
    assert (dropped == dropped[:, :1]).all()
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert (locked_dropout(torch.ones(2, 3, 4), 0.5, training=False) == 1).all()


def test_a_spelled_vector_is_the_word_plus_the_mean_of_its_pieces():
    embedding = SpelledEmbedding(5, 9, 4)
    vector = embedding(torch.tensor([[[2, 7, 3, 0]]]))[0, 0]
    expected = embedding.words.weight[2] + (embedding.pieces[7] + embedding.pieces[3]) / 2
    assert torch.allclose(vector, expected)


def test_unknown_words_with_other_spellings_have_other_vectors():
    vectors = SpelledEmbedding(5, 9, 4).eval()(torch.tensor([[[1, 7, 3], [1, 8, 0], [0, 0, 0]]]))[0]
    assert not torch.allclose(vectors[0], vectors[1])
    assert vectors[2].abs().sum() == 0


@pytest.mark.parametrize("hidden", [3, 6])
def test_a_tied_output_shares_the_weights(hidden):
    embedding = Embedding(5, 3)
    output = TiedOutput(embedding, hidden)
    states = torch.randn(2, hidden)
    assert torch.allclose(output(states), output.bridge(states) @ embedding.weight.T + output.bias)
    assert output.weight is embedding.weight


def test_a_probability_of_one_is_refused():
    with pytest.raises(ConfigError, match=r"word_dropout is 1\.0"):
        Embedding(5, 3, word_dropout=1.0)
