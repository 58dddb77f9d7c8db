import json

import numpy as np
import pandas as pd

from ostinato.report import (
    Curve,
    Curves,
    HeatMap,
    MarkedText,
    MarkedTexts,
    TablePart,
    TaskReport,
    Texts,
    TrainingCurve,
    task_page,
    task_summary,
    write_task,
    write_task_summary,
)

BOARD = pd.DataFrame({"model": ["net", "<b>"], "accuracy": [0.9, float("nan")]})
PARTS = (
    TablePart("Errors", BOARD, {"accuracy": ".2f"}, "what to know"),
    HeatMap("Confusion", np.array([[3.0, 1.0], [0.0, 4.0]]), ("a", "b"), ("a", "b"), "true", by_row=True),
    MarkedTexts("Attention", (MarkedText("first", ("good", "<film>"), (1.0, 0.25)),)),
    Curves("Confidence", (("case 1", (Curve("net", np.array([0.2, 0.9])),)),), "step", "probability"),
    Texts("Samples", (("warm", "to be & not"),)),
)


def report(**changes):
    usual = {
        "title": "Classes of a & b",
        "task": "classify",
        "file": "a.csv",
        "verdict": "net is right.",
        "known": {"Classes": "2"},
        "leaderboard": BOARD,
        "forms": {"accuracy": ".3f"},
        "best": "net",
        "parts": PARTS,
        "notes": ("a note",),
        "training": (TrainingCurve("network 1", (1.0, 0.5), (1.1, 0.7)),),
        "results": {"classes": ["a", "b"], "gap": float("nan")},
    }
    return TaskReport(**{**usual, **changes})


def test_texts_in_a_table_stand_to_the_left_and_numbers_to_the_right():
    frame = pd.DataFrame({"name": ["line 2"], "truth": ["good"], "confidence": [0.91]})
    page = TablePart("Errors", frame, {"truth": "", "confidence": ".2f"}).html()
    assert '<th>name</th><th class="words">truth</th><th>confidence</th>' in page
    assert '<td>line 2</td><td class="words">good</td><td>0.91</td>' in page


def test_every_part_is_on_the_page_and_escaped():
    page = task_page(report())
    for text in (
        "Classes of a &amp; b",
        "&lt;b&gt;",
        "&lt;film&gt;",
        "to be &amp; not",
        "what to know",
        "a note",
    ):
        assert text in page
    for heading in ("Leaderboard", "Errors", "Confusion", "Attention", "Confidence", "Samples", "Training"):
        assert f"<h2>{heading}</h2>" in page


def test_parts_without_content_are_left_out():
    parts = (
        TablePart("None", BOARD.iloc[:0], {"accuracy": ""}),
        HeatMap("None", np.zeros((0, 0)), (), ()),
        MarkedTexts("None", ()),
        Curves("None", ()),
        Texts("None"),
    )
    assert "None" not in task_page(report(parts=parts, leaderboard=BOARD.iloc[:0]))


def test_colours_of_a_heat_map_are_shares():
    by_row = PARTS[1].html()
    assert [f"--share:{share}%" in by_row for share in (75, 25, 0, 100)] == [True] * 4
    whole = HeatMap("Confusion", np.array([[3.0, 1.0], [0.0, 4.0]]), ("a", "b"), ("a", "b")).html()
    assert "--share:75%" in whole
    assert "--share:100%" in whole


def test_a_heat_map_without_numbers_shows_them_on_pointing():
    assert 'title="3.00"' in HeatMap("Attention", np.array([[3.0]]), ("a",), ("b",), form=None).html()


def test_files_are_written_and_named(tmp_path):
    outputs = write_task(
        report(), tmp_path, tables={"predictions": BOARD}, others={"model": tmp_path / "m.zip"}
    )
    write_task_summary(report(), outputs)
    assert set(outputs) == {"predictions", "leaderboard", "report", "model", "summary"}
    assert pd.read_csv(outputs["predictions"])["model"].tolist() == ["net", "<b>"]
    summary = json.loads(outputs["summary"].read_text())
    assert summary["scores"][1] == {"model": "<b>", "accuracy": None}
    assert (summary["gap"], summary["classes"]) == (None, ["a", "b"])


def test_without_a_page_that_of_an_earlier_run_is_removed(tmp_path):
    write_task(report(), tmp_path, tables={})
    outputs = write_task(report(), tmp_path, tables={}, page=False)
    assert not (tmp_path / "report.html").exists()
    assert "report" not in task_summary(report(), outputs)["outputs"]
