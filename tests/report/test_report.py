"""The report: which files, what they say, that nothing breaks them, and that none is half written."""

import dataclasses
import json
import re
import stat
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ostinato import report
from ostinato.errors import ConfigError
from ostinato.evaluate import baselines, scores, verdict
from ostinato.evaluate.backtest import backtest
from ostinato.evaluate.conformal import Conformal
from ostinato.report import files
from ostinato.report.page import page
from ostinato.report.picture import picture

FILES = {
    "forecast": "forecast.csv",
    "backtest": "backtest.csv",
    "leaderboard": "leaderboard.csv",
    "picture": "forecast.png",
    "report": "report.html",
    "summary": "report.json",
}


def make_content(
    names: tuple[str, ...] = ("milk",), *, dated: bool = True, h: int = 4
) -> report.ReportContent:
    random = np.random.default_rng(0)
    rows = 60
    ds = pd.date_range("2018-01-01", periods=rows, freq="MS") if dated else np.arange(rows)
    parts = [
        pd.DataFrame({"unique_id": n, "ds": ds, "y": random.normal(0, 1, rows).cumsum() + 50}) for n in names
    ]
    frame = pd.concat(parts, ignore_index=True)
    freq = "MS" if dated else 1
    cv = backtest(baselines.makers(4, freq, extra=False), frame, h=h, freq=freq, n_windows=5)
    cv = cv.assign(LSTM=cv["Naive"] + 0.5)
    forecast = baselines.Naive(freq).fit(frame).predict(h)
    forecast = Conformal.from_backtest(cv, frame, 4, model="Naive").apply(forecast).assign(model="Naive")
    return report.ReportContent(
        title="Forecast of milk",
        file="milk.csv",
        rows=len(frame),
        freq=freq,
        season_length=4,
        h=h,
        levels=(80.0, 95.0),
        recipe="default",
        cell="lstm",
        seed=3,
        model="LSTM",
        history=frame,
        forecast=forecast,
        backtest=cv,
        leaderboard=scores.leaderboard(cv, frame, 4),
        verdict=verdict.judge(cv, frame, 4, model="LSTM"),
        notes=("the column 'Date' holds the times",),
        command="ostinato forecast milk.csv --seed 3",
        versions={"ostinato": "0.1.0", "torch": "2.13.0"},
        seconds={"backtest": 1.25},
        training=(report.TrainingCurve("LSTM, seed 3", (1.0, 0.5, 0.4), (1.1, 0.7, 0.6)),),
        value_label="Production",
    )


class Reader(HTMLParser):
    """Checks that tags are closed in order, and gathers texts, tags and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.texts, self.links = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_all_files_are_written(tmp_path):
    outputs = report.write(make_content(), tmp_path / "new" / "folder")
    report.write_summary(make_content(), outputs)
    assert {name: path.name for name, path in outputs.items()} == FILES
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == sorted(FILES.values())


def test_without_pictures_neither_picture_nor_page_is_written(tmp_path):
    outputs = report.write(make_content(), tmp_path, pictures=False)
    assert set(outputs) == set(FILES) - {"picture", "report"}
    assert not (tmp_path / "report.html").exists()


def test_a_run_without_pictures_removes_those_of_an_earlier_run(tmp_path):
    report.write(make_content(), tmp_path)
    report.write(make_content(), tmp_path, pictures=False)
    assert not (tmp_path / "report.html").exists()
    assert not (tmp_path / "forecast.png").exists()


def test_true_values_are_written_to_the_last_digit(tmp_path):
    content = make_content()
    true = np.resize([12345678901234.0, 0.1 + 0.2, -5.0, np.nan, 1e300], len(content.backtest))
    content = dataclasses.replace(content, backtest=content.backtest.assign(y=true))
    found = pd.read_csv(report.write(content, tmp_path, pictures=False)["backtest"], dtype=str)["y"]
    np.testing.assert_array_equal([float(text) for text in found], true)


def test_a_failure_takes_an_empty_new_folder_away(tmp_path):
    with pytest.raises(ValueError, match="no"), report.results_folder(tmp_path / "new"):
        raise ValueError("no")
    assert not (tmp_path / "new").exists()


def test_a_failure_leaves_an_older_folder(tmp_path):
    with pytest.raises(ValueError, match="no"), report.results_folder(tmp_path):
        raise ValueError("no")
    assert tmp_path.exists()


def test_tables_read_back_as_they_were(tmp_path):
    content = make_content()
    outputs = report.write(content, tmp_path, pictures=False)
    for name in ("forecast", "backtest", "leaderboard"):
        expected = getattr(content, name)
        times = [column for column in ("ds", "cutoff") if column in expected]
        found = pd.read_csv(outputs[name], parse_dates=times)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-9)
    assert list(pd.read_csv(outputs["forecast"], nrows=0)) == [
        "unique_id",
        "ds",
        "forecast",
        "forecast-lo-80",
        "forecast-hi-80",
        "forecast-lo-95",
        "forecast-hi-95",
        "model",
    ]


def test_summary_has_the_promised_keys(tmp_path):
    content = make_content()
    outputs = report.write(content, tmp_path)
    report.write_summary(content, outputs)
    found = json.loads(outputs["summary"].read_text())
    assert found == report.summary(content, outputs)
    assert list(found) == [
        *("file", "series", "rows", "freq", "season_length", "h", "recipe", "cell", "seed"),
        *("backtest", "verdict", "outputs", "seconds", "versions", "notes"),
    ]
    assert found["backtest"]["origins"] == 5
    assert set(found["backtest"]["scores"]["LSTM"]) == {"mae", "rmse", "mase", "smape"}
    assert list(found["verdict"]) == ["best", "beats_seasonal_naive", "improvement", "interval", "text"]
    assert found["outputs"]["report"] == str(tmp_path / "report.html")


def test_unknown_numbers_are_null_in_the_summary():
    content = make_content()
    unknown = verdict.judge(content.backtest.iloc[:0], content.history, 4, model="LSTM")
    board = content.leaderboard.assign(mase=np.nan, mae=np.inf)
    found = report.summary(dataclasses.replace(content, verdict=unknown, leaderboard=board), {})
    json.dumps(found, allow_nan=False)
    assert found["verdict"]["interval"] is None
    assert found["verdict"]["improvement"] is None
    assert found["verdict"]["beats_seasonal_naive"] is None
    assert found["backtest"]["scores"]["LSTM"]["mase"] is None


def test_page_is_one_well_formed_file_that_loads_nothing():
    text = page(make_content())
    found = Reader(text)
    assert found.links == []
    assert "script" not in found.tags
    assert not re.search(r"url\(|@import|https?://", text)


def test_page_says_everything_verdict_first():
    content = make_content()
    text = " ".join(Reader(page(content)).texts)
    order = [
        content.verdict.text,
        "Leaderboard",
        "Backtest against what came true",
        "Training",
        "What was found in the file",
        "the column 'Date' holds the times",
        "How to get this again",
        "ostinato forecast milk.csv --seed 3",
        "torch 2.13.0",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    for model in ("LSTM", "Naive", "SeasonalNaive", "Drift"):
        assert model in text


def kept(validation, **facts) -> str:
    """What the page says below the losses of a training with these held-out losses."""
    history = {"train": [1.0] * len(validation), "validation": validation, "best_epoch": None, **facts}
    curve = report.TrainingCurve.of("network 1", history)
    return page(dataclasses.replace(make_content(), training=(curve,)))


def test_the_page_says_which_epoch_early_stopping_kept():
    text = kept([0.9, 0.4, 0.6], best_epoch=1)
    assert "The weights after epoch 2 of 3 were kept, where the validation loss was least." in text


def test_the_page_says_that_a_scout_told_how_long_to_train():
    text = kept([0.4, 0.6, 0.9, 0.8], best_epoch=0, chosen_epochs=4)
    assert (
        "it was least after epoch 1 of 4. The networks that forecast were then trained on all windows" in text
    )
    assert "for 4 epochs, no fewer than usual" in text
    assert "for 2 epochs." in kept([0.6, 0.4, 0.9], chosen_epochs=2)


def test_the_page_says_that_the_last_epoch_is_kept_without_early_stopping():
    assert "The weights after epoch 3 of 3 were kept" in kept([0.9, 0.4, 0.6], best_epoch=2)


def test_page_counts_the_steps_of_the_backtest_and_not_of_the_forecast():
    content = make_content()
    first = content.backtest.groupby(["unique_id", "cutoff"]).head(1)
    assert "origins of 1 step, lower is better" in page(dataclasses.replace(content, backtest=first))


def test_every_text_is_escaped():
    evil = "<script>alert('&')</script>"
    content = dataclasses.replace(
        make_content((evil, "b")),
        title=evil,
        file=evil,
        notes=(evil,),
        command=evil,
        versions={evil: evil},
        recipe=evil,
        cell=evil,
        value_label=evil,
        training=(report.TrainingCurve(evil, (1.0,), ()),),
        verdict=dataclasses.replace(make_content().verdict, text=evil, best=evil),
    )
    content = dataclasses.replace(
        content,
        forecast=content.forecast.assign(model=evil),
        leaderboard=content.leaderboard.assign(model=evil),
        backtest=content.backtest.rename(columns={"Naive": evil}),
        test=content.history.iloc[:9].assign(**{evil: 1.0}),
        model=evil,
    )
    found = Reader(page(content))
    assert "script" not in found.tags
    assert picture(content).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("names", "dated", "h"),
    [
        (("a",), False, 4),
        (("a", "b", "c"), True, 1),
        (tuple("abcdefgh"), True, 3),
        (("$x_{$", "牛乳" * 40), False, 1),
    ],
)
def test_any_shape_of_result_can_be_shown(names, dated, h, tmp_path):
    outputs = report.write(make_content(names, dated=dated, h=h), tmp_path)
    assert outputs["picture"].read_bytes().startswith(b"\x89PNG")
    text = outputs["report"].read_text()
    Reader(text)
    assert "nan" not in re.sub(r"unique_id|<title>.*</title>", "", text).split("<main>")[1]
    assert text.count("<polygon") == min(len(names), 6) * 2 * (h > 1)
    assert ("the first 6 of 8 series" in text) == (len(names) > 6)


def test_a_run_without_backtest_can_be_shown(tmp_path):
    content = make_content()
    none = content.backtest.iloc[:0]
    content = dataclasses.replace(
        content,
        backtest=none,
        leaderboard=content.leaderboard.iloc[:0],
        forecast=content.forecast[["unique_id", "ds", "forecast", "model"]],
        verdict=verdict.judge(none, content.history, 4, model="LSTM"),
        training=(),
        notes=(),
    )
    outputs = report.write(content, tmp_path)
    text = outputs["report"].read_text()
    assert "There was too little history for a backtest." in text
    assert "Training" not in text


def test_missing_and_constant_values_can_be_shown(tmp_path):
    content = make_content()
    history = content.history.assign(y=5.0)
    history.loc[[3, 57, 59], "y"] = np.nan
    outputs = report.write(dataclasses.replace(content, history=history), tmp_path)
    assert "NaN" not in outputs["report"].read_text()


def test_the_textbooks_test_is_shown_with_its_errors(tmp_path):
    content = make_content()
    test = content.history.iloc[-20:].assign(LSTM=lambda d: d["y"] + 3, SeasonalNaive=lambda d: d["y"] - 4)
    content = dataclasses.replace(content, test=test)
    text = page(content)
    assert "Test: one step ahead from the true past" in text
    assert "<td>LSTM</td><td>3.00</td>" in text
    assert "<td>SeasonalNaive</td><td>4.00</td>" in text
    assert len(picture(content)) > len(picture(make_content()))


def test_charts_stay_inside_their_frame():
    for number in re.findall(r'points="([^"]*)"', page(make_content(("a", "b")))):
        places = np.array([[float(part) for part in pair.split(",")] for pair in number.split()])
        assert (places >= 0).all()
        assert (places[:, 0] <= 720).all()
        assert (places[:, 1] <= 260).all()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ConfigError, match=r"cannot write to .*file.* \(.+\); choose another folder with --out"
    ):
        report.prepare_folder(tmp_path / "file" / "folder")
    with pytest.raises(ConfigError, match="cannot write to"):
        report.write(make_content(), tmp_path / "file")


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    def refuse(self, content):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(ConfigError, match=r"cannot write to .* \(permission denied\); choose another folder"):
        report.prepare_folder(tmp_path)


def test_a_full_disk_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    (tmp_path / "forecast.csv").write_text("old")
    whole = Path.write_bytes

    def fill_up(self, content):
        if "forecast" in self.name:
            whole(self, content[: len(content) // 2])
            raise OSError(28, "No space left on device")
        return whole(self, content)

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(ConfigError, match=r"cannot write to .*forecast.csv \(no space left on device\)"):
        report.write(make_content(), tmp_path)
    assert (tmp_path / "forecast.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["forecast.csv"]


def test_preparing_a_folder_leaves_nothing_in_it(tmp_path):
    assert list(report.prepare_folder(tmp_path / "a").iterdir()) == []
    assert stat.S_ISDIR((tmp_path / "a").stat().st_mode)


def test_importing_the_report_imports_neither_torch_nor_matplotlib():
    code = "import sys, ostinato.report; print({'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_drawing_touches_no_state_of_pyplot():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_report import make_content, picture;"
        "picture(make_content()); print('matplotlib.pyplot' in sys.modules)"
    )
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", code, here], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_writing_takes_little_processor_time(tmp_path):
    content = make_content()
    report.write(content, tmp_path)
    began = time.thread_time()
    files.write(content, tmp_path)
    assert time.thread_time() - began < 1.2  # 0.12 s; the rest is for slower machines
