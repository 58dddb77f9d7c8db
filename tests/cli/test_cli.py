"""The command as a process: start-up, help, exit codes, what it imports."""

import json
import os
import resource
import subprocess
import sys

import pytest

from ostinato.cli import main, parser


def ostinato(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "ostinato", *map(str, words)], capture_output=True, text=True, **options
    )


@pytest.mark.parametrize(
    "words", [["--help"], ["forecast", "--help"], ["inspect", "--help"], ["info", "--help"]]
)
def test_help_explains_and_exits_with_0(words, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 0
    assert "usage: ostinato" in capsys.readouterr().out


def test_every_option_is_explained():
    for command in parser()._subparsers._group_actions[0].choices.values():
        for action in command._actions:
            assert action.help, action


def test_an_unknown_option_exits_with_2(capsys):
    with pytest.raises(SystemExit) as left:
        main(["forecast", "x.csv", "--frobnicate"])
    assert left.value.code == 2
    assert capsys.readouterr().err == "ostinato: unrecognized arguments: --frobnicate; see ostinato --help\n"


def test_a_wrong_choice_is_one_sentence(capsys):
    with pytest.raises(SystemExit) as left:
        main(["forecast", "x.csv", "--cell", "transformer"])
    assert left.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("ostinato: argument --cell: invalid choice")
    assert err.endswith("see ostinato forecast --help\n")
    assert err.count("\n") == 1


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("ostinato 0.")


@pytest.mark.parametrize("words", [["--help"], ["inspect", "FILE"]])
def test_help_and_inspect_do_not_import_torch(words, milk_csv):
    words = [str(milk_csv) if word == "FILE" else word for word in words]
    code = (
        "import sys\nfrom ostinato.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit: pass\n"
        "print('torch' in sys.modules, 'matplotlib' in sys.modules, file=sys.stderr)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stderr.split() == ["False", "False"]


def test_help_imports_neither_pandas_nor_numpy():
    code = "import sys, ostinato.cli; ostinato.cli.parser(); print({'numpy', 'pandas'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


def test_help_is_quick():
    def seconds():
        """What the children of this process have taken of the processor, however busy the machine is."""
        taken = resource.getrusage(resource.RUSAGE_CHILDREN)
        return taken.ru_utime + taken.ru_stime

    # The promise is 0.3 s; on any machine only the distance to a bare interpreter can be held to it.
    started = seconds()
    subprocess.run([sys.executable, "-c", "import argparse, json"], check=True)
    bare = seconds()
    ostinato("--help", check=True)
    assert (seconds() - bare) - (bare - started) < 0.3


def test_inspect_says_what_a_file_holds(milk_csv, capsys):
    assert main(["inspect", str(milk_csv)]) == 0
    out = capsys.readouterr().out
    assert "Production" in out
    assert "MS" in out
    assert "12" in out


def test_inspect_json(milk_csv, capsys):
    assert main(["inspect", str(milk_csv), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["freq"] == "MS"


def test_info_names_versions_and_operators(capsys):
    assert main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"ostinato", "python", "torch", "numpy"} <= set(found)


def test_bad_input_from_a_process_is_one_line_without_a_traceback(tmp_path):
    done = ostinato("inspect", tmp_path / "none.csv")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("ostinato: ")
    assert done.stderr.count("\n") == 1


def test_debug_shows_where_an_error_came_from(tmp_path):
    done = ostinato("inspect", tmp_path / "none.csv", "--debug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_reader_that_leaves_early_is_no_error(milk_csv):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "ostinato", "inspect", str(milk_csv)], stdout=write, stderr=subprocess.PIPE
    )
    os.close(write)
    assert done.returncode == 0
    assert done.stderr == b""
