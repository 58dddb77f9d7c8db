"""The documentation tells the truth: examples run, links lead somewhere, numbers come from the results."""

import doctest
import importlib
import json
import pkgutil
import re
import sys
from pathlib import Path

import pytest

import ostinato

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
MODULES = [
    module.name
    for module in pkgutil.walk_packages(ostinato.__path__, "ostinato.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(name)
    assert module.__doc__
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_project_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_that_are_named_exist(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", page.read_text())) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_that_are_named_exist(page):
    from ostinato.cli import parser

    known = {"--help", "--version", "--readme", "--constraint"}
    for command in parser()._subparsers._group_actions[0].choices.values():
        known |= {option for action in command._actions for option in action.option_strings}
    named = re.findall(r"ostinato (?:forecast|inspect|info)[^`\n]*", page.read_text())
    assert {option for words in named for option in re.findall(r"(--[a-z-]+)", words)} <= known


def test_the_numbers_of_the_readme_are_those_of_the_results_file(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    main_job = importlib.import_module("main_job")
    results = json.loads(main_job.RESULTS.read_text())
    block = (ROOT / "README.md").read_text().partition(main_job.BEGIN)[2].partition(main_job.END)[0]
    assert block.strip() == main_job.numbers(results).strip()


def test_python_examples_of_the_readme_run(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL):
        exec(compile(block.replace("milk.model", str(tmp_path / "milk.model")), "README.md", "exec"), {})


def test_torch_is_not_needed_to_list_the_modules():
    assert "ostinato.cli" in MODULES
    assert sys.version_info >= (3, 11)
