import pytest

from ostinato.tasks.job import timed


def test_the_time_of_a_part_is_noted_when_it_has_ended(monkeypatch):
    moments = iter([10.0, 12.5])
    monkeypatch.setattr("time.perf_counter", lambda: next(moments))
    seconds = {"read": 1.0}
    with timed(seconds, "train"):
        assert "train" not in seconds
    assert seconds == {"read": 1.0, "train": 2.5}


def test_a_part_that_failed_has_no_time():
    seconds = {}
    with pytest.raises(ValueError, match="no"), timed(seconds, "train"):
        raise ValueError("no")
    assert seconds == {}
