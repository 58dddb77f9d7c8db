"""The code on the pages about memory and states runs, from top to bottom in one session."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", ["tutorial.md", "doctor.md", "views.md"])
def test_the_code_of_a_page_runs(page, monkeypatch, tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    session: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), flags=re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        exec(compile(block, f"{page}, block {number}", "exec"), session)


@pytest.mark.parametrize(
    ("page", "mark", "text"),
    [("tutorial", "memory", "memory_table"), ("doctor", "doctor", "doctor_sentence")],
)
def test_the_numbers_of_a_page_are_those_of_the_results(page, mark, text, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    figures = importlib.import_module("figures")
    block = (
        (ROOT / "docs" / f"{page}.md")
        .read_text()
        .partition(f"<!-- {mark} -->")[2]
        .partition(f"<!-- /{mark} -->")[0]
    )
    assert block.strip() == getattr(figures, text)().strip()
