"""What a generator learns from."""

import numpy as np
import torch

from ostinato.data.text import Tokenizer
from ostinato.data.vocabulary import END, PAD, START, UNKNOWN
from ostinato.tasks.generate.data import Source, Texts

TEXT = "one two three, one two three.\n" * 60
NAMES = ["anna", "hannah", "bob", "bobby"] * 20
KINDS = ["f", "f", "m", "m"] * 20
SPECIALS = (PAD, UNKNOWN, START, END)


def test_a_long_text_is_read_in_more_columns():
    tokenizer = Tokenizer.train([TEXT], "char", specials=SPECIALS)
    short, long = (Source(Texts.of(TEXT * n), tokenizer, [], seed=0).stream.columns for n in (1, 20))
    assert (short, long) == (1, 14)


def test_the_last_tenth_of_a_text_is_held_out():
    training, held_out = Texts.of("abcdefghij" * 10).split(0)
    assert (len(training.texts[0]), len(held_out.texts[0])) == (90, 10)


def test_a_tenth_of_the_sequences_is_held_out_with_its_conditions():
    training, held_out = Texts.of(NAMES, KINDS).split(0)
    assert (len(training.texts), len(held_out.texts)) == (72, 8)
    truth = dict(zip(NAMES, KINDS, strict=True))
    assert all(truth[name] == kind for name, kind in zip(held_out.texts, held_out.conditions, strict=True))


def test_sequences_begin_and_end_and_keep_their_conditions():
    texts = Texts.of(["ab", "", "b"], ["y", "x", "y"])
    tokenizer = Tokenizer.train(texts.texts, "char", specials=SPECIALS)
    number = tokenizer.vocabulary.numbers
    seen = {}
    for index, batch in Source(texts, tokenizer, ["x", "y"], seed=0).placed(0):
        for row, place in enumerate(index):
            length = int(batch.rows["lengths"][row])
            assert torch.equal(batch.inputs[row, 1:length], batch.targets[row, : length - 1])
            seen[int(place)] = (
                batch.inputs[row, :length].tolist(),
                int(batch.targets[row, length - 1]),
                int(batch.rows["conditions"][row]),
            )
    assert seen == {
        0: ([number[START], number["a"], number["b"]], number[END], 1),
        1: ([number[START]], number[END], 0),
        2: ([number[START], number["b"]], number[END], 1),
    }


def test_epochs_come_in_another_order_and_always_in_the_same():
    texts = Texts.of([str(number) for number in range(100)])
    source = Source(texts, Tokenizer.train(texts.texts, "char", specials=SPECIALS), [], seed=0)
    first, second = (np.concatenate([index for index, _ in source.placed(epoch)]) for epoch in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, np.concatenate([index for index, _ in source.placed(0)]))


def test_the_number_of_batches_is_known():
    for texts in (Texts.of(TEXT), Texts.of(NAMES)):
        source = Source(texts, Tokenizer.train(texts.texts, "char", specials=SPECIALS), [], seed=None)
        assert len(source) == len(list(source.epoch(0)))


def test_characters_count_the_end_of_a_sequence():
    assert Texts.of("abc").characters == 3
    assert Texts.of(["abc", ""]).characters == 5


def test_unknown_tokens_are_named_unknown_for_the_n_grams():
    tokenizer = Tokenizer.train(["ab"], "char", specials=SPECIALS)
    assert Texts.of(["az"]).sequences(tokenizer) == [["a", UNKNOWN, END]]
    assert Texts.of("az").sequences(tokenizer) == [["a", UNKNOWN]]
