"""Memory is used again when nobody holds it, and only then."""

import gc
import itertools

import pytest
import torch

from ostinato.kernels import memory


@pytest.fixture(autouse=True)
def _nothing_free(monkeypatch):
    monkeypatch.setattr(memory, "_free", [])


def test_memory_comes_back_when_the_last_tensor_on_it_goes():
    first = memory.borrow(memory.SMALLEST)
    view, place = first[10:20], first.data_ptr()
    del first
    assert memory._free == []
    del view
    gc.collect()
    assert memory.borrow(memory.SMALLEST).data_ptr() == place


def test_held_memory_is_never_lent_twice():
    held = [memory.borrow(memory.SMALLEST + index) for index in range(5)]
    places = sorted((each.data_ptr(), each.data_ptr() + 4 * each.numel()) for each in held)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(places))


def test_memory_begins_where_the_fastest_stores_want_it():
    assert all(memory.borrow(memory.SMALLEST + index).data_ptr() % 64 == 0 for index in range(5))


def test_a_small_piece_is_torchs_own_memory():
    memory.borrow(10)
    assert memory._free == []


def test_a_much_larger_block_is_not_lent_for_a_small_wish():
    large = memory.borrow(4 * memory.SMALLEST)
    place = large.data_ptr()
    del large
    small = memory.borrow(memory.SMALLEST)
    assert small.data_ptr() != place


def test_no_more_than_the_limit_is_kept(monkeypatch):
    monkeypatch.setattr(memory, "LARGEST_TOTAL", 2 * memory.SMALLEST)
    held = [memory.borrow(memory.SMALLEST) for _ in range(4)]
    held.clear()
    gc.collect()
    assert len(memory._free) == 2


def test_what_a_backward_pass_needs_outlives_other_calls():
    from ostinato import nn

    layer, inputs = nn.LSTM(8, 64, batch_first=True), torch.randn(64, 50, 8)
    outputs = layer(inputs)[0]
    expected = torch.autograd.grad(outputs.sum(), layer.weight_hh_l0, retain_graph=True)[0]
    for _ in range(3):
        layer(torch.randn(64, 50, 8))[0].sum().backward()
    assert torch.equal(torch.autograd.grad(outputs.sum(), layer.weight_hh_l0)[0], expected)
