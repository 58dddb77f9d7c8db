"""What the jobs behind the commands of the sequence tasks share: how they tell of their parts, and time them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watch = Callable[[str], Callable[[int, int], None]]
"""Called with the name of a part of the job, gives what is called with (done, total)."""


@contextmanager
def timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    """Note how long a part of a job took.

    Args:
        seconds: seconds by part; this one is added when it has ended.
        part: its name.
    """
    started = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - started
