"""The words of findings."""

import pytest

from ostinato.data.findings import Log, count, listing
from ostinato.errors import DataError


def test_strict_log_raises_text_and_fix():
    with pytest.raises(DataError, match=r"^it is broken; mend it$"):
        Log().problem("kind", "it is broken", fix="mend it")


def test_lenient_log_records():
    log = Log(lenient=True)
    log.problem("kind", "it is broken", where="line 3", fix="mend it")
    log.note("kind", "it was mended")
    assert [(one.text, one.problem) for one in log.findings] == [
        ("it is broken", True),
        ("it was mended", False),
    ]


def test_long_listings_are_cut():
    assert listing(list("abcd"), 2) == "'a', 'b' and 2 more"
    assert listing(["a"]) == "'a'"
    assert count(1, "series") == "1 series"
