"""Progress with the time left, for waits over two seconds, on a terminal only."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm

PATIENCE = 2.0
"""Seconds that a wait may take before a bar is shown."""


class Progress:
    """Bars on standard error, one after the other; silent where nobody watches.

    Args:
        silent: show nothing even on a terminal.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent or not sys.stderr.isatty()
        self._bar: tqdm[None] | None = None
        self._label = ""

    def start(self, label: str) -> None:
        """End the bar shown so far; the next `update` starts one with this label."""
        self.close()
        self._label = label

    def update(self, done: int, total: int) -> None:
        """Show that `done` of `total` pieces of work are done."""
        if self._silent:
            return
        if self._bar is None:
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # no thread of its own: the backtest forks
            self._bar = tqdm(total=total, desc=self._label, delay=PATIENCE, leave=False, file=sys.stderr)
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
