"""What inspection finds in files with one known flaw each."""

import json
import resource
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ostinato.data import inspection, tables

RNG_NOISE = np.random.default_rng(5).normal(size=120)


@pytest.fixture
def look(tmp_path):
    def write_and_inspect(y, ids=None, drop=(), twice=()):
        ds = pd.date_range("2010-01-01", periods=len(y), freq="MS")
        frame = pd.DataFrame({"date": ds, "sales": y})
        if ids is not None:
            frame = pd.concat([frame.assign(series=one) for one in ids])
        frame = pd.concat([frame.drop(index=list(drop)), frame.loc[list(twice)]])
        path = tmp_path / "sales.csv"
        frame.to_csv(path, index=False)
        return inspection.inspect(tables.read(path, lenient=True))

    return write_and_inspect


def kinds(found):
    return [finding.kind for finding in found.findings]


def seasonal(length=120):
    return 100 + 10 * np.sin(np.arange(length) * 2 * np.pi / 12) + RNG_NOISE[:length]


def test_sound_file_has_nothing_but_facts(look):
    found = look(seasonal())
    assert kinds(found) == ["columns", "frequency", "season"]
    assert found.problems == ()
    assert found.to_text()[0].endswith("sales.csv': 120 rows, 1 series, from 2010-01-01 to 2019-12-01")


@pytest.mark.parametrize("at", [0, 3, 60, 119])
def test_outlier_is_found_where_it_is(look, at):
    y = seasonal()
    y[at] += 100
    found = [finding for finding in look(y).findings if finding.kind == "outliers"]
    assert len(found) == 1
    assert str(pd.date_range("2010-01-01", periods=120, freq="MS")[at].date()) in found[0].where
    assert found[0].text.startswith("1 value far from the neighbours and the season")
    assert found[0].fix == "check them, and empty the cells that are mistakes"


def test_season_and_trend_are_no_outliers(look):
    y = np.exp(np.arange(120) / 60) * seasonal()
    assert "outliers" not in kinds(look(y))


def test_level_shift_is_found_where_it_is(look):
    y = seasonal()
    y[70:] += 80
    found = [finding for finding in look(y).findings if finding.kind == "level shifts"]
    assert len(found) == 1
    month = pd.Timestamp(found[0].where.split(" at ")[1])
    assert abs((month - pd.Timestamp("2015-11-01")).days) < 100
    assert "the level jumps up" in found[0].text


def test_trend_is_no_level_shift(look):
    assert "level shifts" not in kinds(look(seasonal() + 3.0 * np.arange(120)))


def test_negative_values_are_counted(look):
    y = seasonal()
    y[5] = -4
    finding = next(f for f in look(y).findings if f.kind == "negative values")
    assert finding.text == "1 value below zero, the first -4 in series 'sales' at 2010-06-01"
    assert finding.fix == "check them if the values cannot be negative"


def test_short_series_is_named(look):
    finding = next(f for f in look(seasonal(10)).findings if f.kind == "short series")
    assert finding.text == "1 series with fewer than 12 values: 'sales'"
    assert finding.fix


def test_gaps_and_duplicates_are_findings_and_not_failures(look):
    found = look(seasonal(), drop=[7], twice=[20])
    assert {"gaps", "duplicates", "order"} <= set(kinds(found))
    assert [problem.kind for problem in found.problems] == ["duplicates"]
    assert any(line.startswith("problem: ") and "twice" in line for line in found.to_text())


def test_only_a_sound_file_is_said_to_look_right(look):
    assert "nothing looks wrong" in look(seasonal()).to_text()
    assert "nothing looks wrong" not in look(seasonal(), drop=[5]).to_text()
    assert "nothing looks wrong" not in look(np.full(60, 7.0)).to_text()


def test_whatever_looks_wrong_comes_with_a_fix(look):
    unsorted = look([*seasonal(60)], drop=[5], twice=[])
    empty = look(np.where(np.arange(120) == 50, np.nan, seasonal()))
    constant = look(np.full(60, 7.0))
    for found, kind in ((unsorted, "gaps"), (empty, "missing values"), (constant, "constant series")):
        assert [finding.fix for finding in found.findings if finding.kind == kind] != [""]


def test_constant_series_is_found(look):
    assert "constant series" in kinds(look(np.full(60, 5.0)))


def test_dictionary_is_json(look):
    found = look(seasonal())
    read = json.loads(json.dumps(found.to_dict()))
    assert (read["rows"], read["series"], read["freq"], read["season_length"]) == (120, 1, "MS", 12)
    assert read["findings"][0]["kind"] == "columns"


def processor_seconds(*words):
    """What a Python program takes of the processor, however busy the machine is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", *words], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_inspecting_imports_no_torch_and_takes_at_most_a_second_more_than_importing_pandas(tmp_path):
    path = tmp_path / "sales.csv"
    pd.DataFrame({"date": pd.date_range("2010", periods=120, freq="MS"), "y": seasonal()}).to_csv(
        path, index=False
    )
    code = (
        "import sys\nfrom ostinato.data import inspection, tables\n"
        "inspection.inspect(tables.read(sys.argv[1], lenient=True)).to_text()\n"
        "heavy = {'torch', 'scipy', 'matplotlib', 'sklearn', 'polars', 'narwhals'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    assert processor_seconds(code, str(path)) < 1 + processor_seconds("import pandas")
