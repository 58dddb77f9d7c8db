"""The bar: there on a terminal after a while, gone at the end, silent elsewhere."""

import io
import re
import signal
import time
from types import SimpleNamespace

import pytest

from ostinato.cli import progress
from ostinato.cli.progress import Progress


class Terminal(io.StringIO):
    """Standard error of somebody who watches."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    monkeypatch.setattr(progress, "BEAT", 0.02)
    stream = Terminal()
    monkeypatch.setattr(
        progress, "sys", SimpleNamespace(stderr=stream)
    )  # pytest keeps the real one to itself
    return stream


def wait(seconds=0.15):
    until = time.time() + seconds
    while time.time() < until:
        time.sleep(0.01)


def test_a_long_wait_is_shown_before_its_first_piece_is_done(terminal):
    with Progress() as bar:
        bar.start("backtest")
        wait()
        assert "backtest [00:" in terminal.getvalue()


def test_a_bar_counts_and_tells_the_time_left(terminal):
    with Progress() as bar:
        update = bar.part("backtest")
        wait()
        update(1, 4)
        shown = terminal.getvalue()
    assert "backtest:  25%" in shown
    assert re.search(r"1/4 \[00:\d\d<00:\d\d", shown)


def test_nothing_of_the_bar_is_left_at_the_end(terminal):
    with Progress() as bar:
        bar.start("backtest")
        wait()
    assert terminal.getvalue().endswith("\r")
    assert not terminal.getvalue().rsplit("\r", 2)[1].strip()


def test_a_short_wait_shows_nothing(terminal, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 60.0)
    with Progress() as bar:
        bar.start("backtest")
        wait(0.06)
        bar.update(4, 4)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("watched", [True, False])
def test_nothing_is_shown_to_a_file_or_when_silent(terminal, monkeypatch, watched):
    monkeypatch.setattr(terminal, "isatty", lambda: watched)
    with Progress(silent=watched) as bar:
        bar.start("backtest")
        wait()
        bar.update(1, 4)
    assert terminal.getvalue() == ""


@pytest.mark.usefixtures("terminal")
def test_the_clock_is_given_back():
    before = signal.getsignal(signal.SIGALRM)
    with Progress():
        assert signal.getitimer(signal.ITIMER_REAL)[1] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before
