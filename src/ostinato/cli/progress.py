"""Progress with the time left, for waits over two seconds, on a terminal only."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

PATIENCE = 2.0
"""Seconds that a wait may take before a bar is shown."""
BEAT = 1.0
"""Seconds between two drawings of a bar while no piece of work is done."""
WAITING = "{desc} [{elapsed}]"


class Progress:
    """Bars on standard error, one after the other; silent where nobody watches.

    A clock of the operating system redraws the bar between two pieces of work. It is no thread, as the backtest
    forks, and forked processes do not inherit it.

    Args:
        silent: show nothing even on a terminal.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent or not sys.stderr.isatty()
        self._bar: tqdm[None] | None = None
        self._label = ""
        self._started = time.time()
        self._done, self._total = 0, 0
        self._before: Any = None

    def start(self, label: str) -> None:
        """End the bar shown so far; if this wait is long, one with this label follows."""
        self.close()
        self._label, self._started, self._done, self._total = label, time.time(), 0, 0

    def part(self, label: str) -> Callable[[int, int], None]:
        """Start a bar with this label, and give what shows how much of it is done."""
        self.start(label)
        return self.update

    def update(self, done: int, total: int) -> None:
        """Show that `done` of `total` pieces of work are done."""
        self._done, self._total = done, total
        self._draw()

    def close(self) -> None:
        """Take the bar away."""
        self._label = ""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self, *_: int | FrameType | None) -> None:
        """Show the bar as it stands, once the wait is long enough."""
        if self._silent or not self._label or time.time() - self._started < PATIENCE:
            return
        if self._bar is None:
            from tqdm import tqdm

            tqdm.monitor_interval = 0
            self._bar = tqdm(desc=self._label, leave=False, file=sys.stderr, bar_format=WAITING, delay=1e-9)
            self._bar.start_t = self._started
        if self._total:
            self._bar.total, self._bar.n, self._bar.bar_format = self._total, self._done, None
        self._bar.refresh()

    def __enter__(self) -> Progress:
        if not self._silent and _may_set_clock():
            self._before = signal.signal(signal.SIGALRM, self._draw)
            signal.setitimer(signal.ITIMER_REAL, BEAT, BEAT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)
        self.close()


def _may_set_clock() -> bool:
    """Whether there is such a clock here; only the main thread may set it."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
