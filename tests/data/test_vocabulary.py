import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data.vocabulary import END, PAD, START, UNKNOWN, Vocabulary
from ostinato.errors import ConfigError, DataError


def test_tokens_come_by_frequency_then_alphabet():
    assert Vocabulary.build([["b", "a"], ["c", "c"]]).tokens == (PAD, UNKNOWN, "c", "a", "b")


def test_rare_tokens_are_left_out():
    assert Vocabulary.build([["a", "a", "b"]], min_count=2).tokens == (PAD, UNKNOWN, "a")


def test_the_size_counts_special_tokens():
    assert len(Vocabulary.build([["a", "b", "c"]], max_size=3)) == 3


def test_special_tokens_keep_their_order_and_are_not_counted_twice():
    vocabulary = Vocabulary.build([[START, "a"]], specials=(PAD, UNKNOWN, START, END))
    assert vocabulary.tokens == (PAD, UNKNOWN, START, END, "a")


@settings(max_examples=30)
@given(st.lists(st.lists(st.text(min_size=1, max_size=3), max_size=5), max_size=5))
def test_known_tokens_come_back(sequences):
    vocabulary = Vocabulary.build(sequences)
    for sequence in sequences:
        assert vocabulary.decode(vocabulary.encode(sequence)) == sequence


def test_unknown_tokens_have_the_number_of_unknown():
    vocabulary = Vocabulary.build([["a"]])
    assert vocabulary.encode(["z"]) == [1]
    assert "z" not in vocabulary


def test_without_unknown_a_strange_token_is_refused():
    with pytest.raises(DataError, match="the token 'z' did not occur in training; leave it out"):
        Vocabulary.build([["a"]], specials=(PAD,)).encode(["z"])


def test_a_number_of_another_vocabulary_is_refused():
    with pytest.raises(DataError, match="beyond the 3 tokens"):
        Vocabulary.build([["a"]]).decode([3])


def test_a_vocabulary_survives_json():
    vocabulary = Vocabulary.build([["a", "é"]])
    assert Vocabulary.from_dict(vocabulary.to_dict()) == vocabulary


@pytest.mark.parametrize(
    ("tokens", "message"),
    [(("a",), "begins with '<pad>'"), ((PAD, "a", "a"), "'a' is in the vocabulary twice")],
)
def test_tokens_that_make_no_vocabulary_are_refused(tokens, message):
    with pytest.raises(ConfigError, match=message):
        Vocabulary(tokens)


def test_a_size_without_room_is_refused():
    with pytest.raises(ConfigError, match="min_count is 1 and max_size 1; use at least 1"):
        Vocabulary.build([["a"]], max_size=1)
