"""Beam search finds what looking at every sequence finds, and with width 1 what greedy search finds."""

import math
from dataclasses import dataclass
from itertools import product

import pytest
import torch

from ostinato.errors import ConfigError
from ostinato.nn.beam import Beam, beam_search
from ostinato.nn.embedding import Embedding
from ostinato.nn.seq2seq import Decoder

START, END, TOKENS = 0, 1, 4


@dataclass(frozen=True)
class Rows:
    """A state that only knows which row it came from and what was said."""

    row: torch.Tensor
    said: torch.Tensor

    def select(self, rows):
        return Rows(self.row[rows], self.said[rows])


class Table:
    """Probabilities that depend on the row and on all tokens before, drawn once."""

    def __init__(self, rows, longest, seed=0):
        generator = torch.Generator().manual_seed(seed)
        self.base = torch.randn(rows, TOKENS**longest, TOKENS, generator=generator) * 2
        self.places = torch.rand(rows, TOKENS**longest, 3, generator=generator)

    def step(self, tokens, state):
        said = state.said * TOKENS + tokens
        log_probs = torch.log_softmax(self.base[state.row, said % self.base.size(1)], -1)
        attention = self.places[state.row, said % self.base.size(1)]
        return log_probs, attention / attention.sum(-1, keepdim=True), Rows(state.row, said)


def start(rows):
    return Rows(torch.arange(rows), torch.zeros(rows, dtype=torch.int64))


def every_sequence(table, row, longest):
    """All sequences that end within `longest` tokens, with their log-probability and attention."""
    for length in range(longest):
        for body in product([token for token in range(TOKENS) if token != END], repeat=length):
            state, before, total, looked = Rows(torch.tensor([row]), torch.tensor([0])), START, 0.0, []
            for token in (*body, END):
                log_probs, attention, state = table.step(torch.tensor([before]), state)
                total, before = total + float(log_probs[0, token]), token
                looked.append(attention[0])
            yield body, total, torch.stack(looked)


def score(log_probability, attention, beam):
    """Wu et al. (2016), eq. 14, as it is printed."""
    length = (5 + len(attention)) ** beam.length_penalty / 6**beam.length_penalty
    covered = sum(math.log(min(float(had), 1.0)) for had in attention.sum(0))
    return log_probability / length + beam.coverage_penalty * covered


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
@pytest.mark.parametrize("coverage_penalty", [0.0, 0.7])
def test_a_beam_of_all_sequences_finds_the_best_of_all(length_penalty, coverage_penalty):
    longest, rows = 4, 3
    beam = Beam(TOKENS**longest, longest, length_penalty, coverage_penalty)
    table = Table(rows, longest)
    found = beam_search(table, start(rows), rows, start=START, end=END, beam=beam)
    for row in range(rows):
        ranked = sorted(every_sequence(table, row, longest), key=lambda one: -score(*one[1:], beam))
        assert len(found[row]) == len(ranked)
        assert [one.tokens for one in found[row][:5]] == [body for body, _, _ in ranked[:5]]
        assert found[row][0].score == pytest.approx(score(*ranked[0][1:], beam), rel=1e-4)
        assert found[row][0].log_probability == pytest.approx(ranked[0][1], rel=1e-4)
        torch.testing.assert_close(found[row][0].attention, ranked[0][2])
        assert sum(found[row][0].steps) == pytest.approx(ranked[0][1], rel=1e-4)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_width_1_is_greedy_search(length_penalty):
    rows, longest = 6, 5
    table = Table(rows, longest, seed=1)
    beam = Beam(1, longest, length_penalty)
    found = beam_search(table, start(rows), rows, start=START, end=END, beam=beam)
    for row in range(rows):
        state, before, said = Rows(torch.tensor([row]), torch.tensor([0])), START, []
        while before != END and len(said) + 1 < longest:
            log_probs, _, state = table.step(torch.tensor([before]), state)
            before = int(log_probs.argmax())
            said.append(before)
        (only,) = found[row]
        assert list(only.tokens) == [token for token in said if token != END]


def test_each_token_has_its_own_probability():
    table = Table(2, 4, seed=3)
    for row, (best, *_) in enumerate(beam_search(table, start(2), 2, start=START, end=END, beam=Beam(3, 4))):
        state, before, expected = Rows(torch.tensor([row]), torch.tensor([0])), START, []
        for token in (*best.tokens, END):
            log_probs, _, state = table.step(torch.tensor([before]), state)
            expected.append(float(log_probs[0, token]))
            before = token
        assert best.steps == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_wider_beam_finds_nothing_less_probable_in_a_decoder():
    torch.manual_seed(0)
    decoder = Decoder(Embedding(7, 4), memory_size=3, hidden_size=5).eval()
    state = decoder.start(torch.randn(4, 6, 3))
    best = []
    for width in (1, 7**3):
        found = beam_search(decoder, state, 4, start=2, end=3, beam=Beam(width, 3, 0.0))
        best.append([one[0].log_probability for one in found])
    assert all(wide >= greedy - 1e-5 for greedy, wide in zip(*best, strict=True))


def test_rows_together_find_what_each_finds_alone():
    torch.manual_seed(0)
    decoder = Decoder(Embedding(7, 4), memory_size=3, hidden_size=5, cell="lstm", coverage=True).eval()
    values = torch.randn(4, 6, 3)
    beam = Beam(3, 8)
    together = beam_search(decoder, decoder.start(values), 4, start=2, end=3, beam=beam)
    for row in range(4):
        (alone,) = beam_search(decoder, decoder.start(values[row : row + 1]), 1, start=2, end=3, beam=beam)
        assert [one.tokens for one in alone] == [one.tokens for one in together[row]]


def test_improbable_ends_do_not_stop_the_search_before_the_best_sequence():
    class Sure:
        """Says 2, 2, 2 and the end, each with 97 %, and the end too early with 1 %."""

        def step(self, tokens, state):
            probabilities = torch.tensor([[0.01, 0.01, 0.97, 0.01]]).repeat(len(tokens), 1)
            late = state.said >= 3
            probabilities[late] = torch.tensor([0.01, 0.97, 0.01, 0.01])
            return torch.log(probabilities), torch.ones(len(tokens), 1), Rows(state.row, state.said + 1)

    (found,) = beam_search(Sure(), start(1), 1, start=START, end=END, beam=Beam(3, 10))
    assert found[0].tokens == (2, 2, 2)


def test_a_sequence_that_never_ends_is_made_to_end():
    class Endless:
        def step(self, tokens, state):
            log_probs = torch.tensor([[-0.1, -20.0, -3.0, -3.0]]).expand(len(tokens), -1)
            return log_probs, torch.ones(len(tokens), 1), state

    found = beam_search(Endless(), start(2), 2, start=START, end=END, beam=Beam(2, 5))
    assert [len(row[0].tokens) for row in found] == [4, 4]
    assert found[0][0].attention.shape == (5, 1)


def test_places_without_any_attention_are_padding_to_the_coverage_penalty():
    class Padded:
        def step(self, tokens, state):
            log_probs = torch.log(torch.tensor([[0.1, 0.9]])).expand(len(tokens), -1)
            return log_probs, torch.tensor([[0.5, 0.5, 0.0]]).expand(len(tokens), -1), state

    (found,) = beam_search(Padded(), start(1), 1, start=START, end=END, beam=Beam(1, 3, 0.0, 1.0))
    assert found[0].score == pytest.approx(math.log(0.9) + 2 * math.log(0.5), rel=1e-5)


@pytest.mark.parametrize("setting", ["width", "max_length"])
def test_numbers_below_1_are_refused(setting):
    with pytest.raises(ConfigError, match=f"{setting} of the beam is 0; use at least 1"):
        Beam(**{setting: 0})


def test_penalties_below_0_are_refused():
    with pytest.raises(ConfigError, match="length_penalty is -1; use 0 or more"):
        Beam(length_penalty=-1)
