import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.data.text import Tokenizer, join_words, spelling, words
from ostinato.data.vocabulary import END, PAD, START, UNKNOWN
from ostinato.errors import ConfigError, DataError

TEXTS = ["a small film", "a smaller film", "the smallest of films"] * 5


@pytest.mark.parametrize("text", ["it isn't so", "it is n't so"])
def test_text_that_is_split_already_has_the_same_words(text):
    assert words(text) == ["it", "is", "n't", "so"]


def test_numbers_and_marks_are_words_of_their_own():
    assert words("3.5 out of 1,000!") == ["3.5", "out", "of", "1,000", "!"]


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_words_lose_nothing_but_spaces(text):
    assert "".join(words(text)) == "".join(text.split())


def test_joined_words_read_like_text():
    assert join_words(["Well", ",", "it", "'s", "(", "not", ")", "so", "!"]) == "Well, it's (not) so!"


def test_spelling_holds_every_run_of_three_to_five_characters():
    runs = {"<th", "the", "he>", "<the", "the>", "<the>"}
    assert len(spelling("the", buckets=10**9)) == len(runs)
    numbers = {1 + zlib.crc32(run.encode()) % 10**9 for run in runs}
    assert set(spelling("the", buckets=10**9)) == numbers


def test_alike_words_share_pieces_of_their_spelling():
    shared = set(spelling("smaller")) & set(spelling("smallest"))
    assert len(shared) > len(set(spelling("smaller")) & set(spelling("film")))


def test_numbers_of_pieces_leave_zero_for_padding():
    assert min(spelling("a", buckets=2)) >= 1
    assert max(spelling("incomprehensibilities", buckets=2)) <= 2
    assert len(spelling("incomprehensibilities", most=7)) == 7


@pytest.mark.parametrize("kind", ["word", "char", "subword"])
def test_known_text_comes_back(kind):
    if kind == "subword":
        pytest.importorskip("tokenizers")
    tokenizer = Tokenizer.train(TEXTS, kind)
    assert tokenizer.decode(tokenizer.encode("the small film")) == "the small film"


@pytest.mark.parametrize("kind", ["word", "char", "subword"])
def test_a_tokenizer_survives_json(kind):
    if kind == "subword":
        pytest.importorskip("tokenizers")
    tokenizer = Tokenizer.train(TEXTS, kind, specials=(PAD, UNKNOWN, START, END))
    again = Tokenizer.from_dict(tokenizer.to_dict())
    assert again.encode("a smallish film") == tokenizer.encode("a smallish film")
    assert tokenizer.vocabulary.tokens[:4] == (PAD, UNKNOWN, START, END)


def test_subwords_cut_unknown_words_into_known_pieces():
    pytest.importorskip("tokenizers")
    tokenizer = Tokenizer.train(TEXTS, "subword", max_size=60)
    assert len(tokenizer) <= 60
    assert UNKNOWN not in tokenizer.vocabulary.decode(tokenizer.encode("small tall"))


def test_special_tokens_are_left_out_of_text():
    tokenizer = Tokenizer.train(TEXTS, specials=(PAD, UNKNOWN, START, END))
    assert tokenizer.decode([2, *tokenizer.encode("a film"), 3, 0]) == "a film"


def test_case_is_kept_where_asked():
    assert Tokenizer.train(["A film"], lowercase=False).tokens("A") == ["A"]


def test_what_is_no_text_is_refused():
    with pytest.raises(DataError, match="item 1 is 7, not a text"):
        Tokenizer.train(["a", 7])


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="the kind of tokens is 'morpheme'; use one of word, char, subword"):
        Tokenizer.train(["a"], "morpheme")


def test_without_the_library_subwords_are_refused(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(ConfigError, match=r"install ostinato\[text\]"):
        Tokenizer.train(["a"], "subword")
