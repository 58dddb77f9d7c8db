"""The results of a sequence task as files: predictions, leaderboard, one page of HTML, and a summary for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ostinato.report.blocks import document, losses, reproduce, section, sentences, table, verdict
from ostinato.report.content import TrainingCurve, json_safe
from ostinato.report.files import prepare_folder, replace, to_csv
from ostinato.report.parts import Part


@dataclass(frozen=True)
class TaskReport:
    """All that the report of a sequence task shows.

    Attributes:
        title: heading, such as "Classification of reviews".
        task: name of the task, such as "classify".
        file: name of the source file.
        verdict: the sentence that matters.
        known: short facts by name, shown under the verdict.
        leaderboard: first column `model`, then scores; no rows if there was nothing to judge by.
        forms: format of each score shown, such as `{"accuracy": ".3f"}`.
        best: the model whose row stands out.
        parts: what else is shown, in order.
        notes: one sentence per thing found in the file or decided on the way.
        command: the exact command line to get this again.
        settings: settings by name, shown at the end.
        versions: version of each package by name.
        seconds: time taken by each part; a dictionary that may still grow until `task_summary` is called.
        training: losses of the training.
        loss_label: what a loss is, with its unit.
        results: further results for programs: plain values.
    """

    title: str
    task: str
    file: str
    verdict: str
    known: Mapping[str, str]
    leaderboard: pd.DataFrame
    forms: Mapping[str, str]
    best: str | None = None
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()
    command: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    training: tuple[TrainingCurve, ...] = ()
    loss_label: str = "loss"
    results: Mapping[str, Any] = field(default_factory=dict)


def task_page(report: TaskReport) -> str:
    """The page as HTML with its style and drawings inside; all texts are escaped."""
    return document(
        report.title,
        [
            verdict(report.verdict, report.known),
            section("Leaderboard", table(report.leaderboard, report.forms, report.best)),
            *(part.html() for part in report.parts),
            section("Training", losses(report.training, report.loss_label)),
            section("What was found in the file", sentences(report.notes)),
            section(
                "How to get this again",
                reproduce(
                    report.command, {"File": report.file, **report.settings}, report.versions, report.seconds
                ),
            ),
        ],
    )


def write_task(
    report: TaskReport,
    out_dir: str | Path,
    *,
    tables: Mapping[str, pd.DataFrame],
    page: bool = True,
    others: Mapping[str, Path] | None = None,
) -> dict[str, Path]:
    """Write the tables and the page; `write_task_summary` comes last, when the time taken is known.

    Args:
        report: what the report says.
        out_dir: folder to write to; made if it does not exist.
        tables: frames by name, such as predictions, each written to `NAME.csv`.
        page: also write report.html; without, that of an earlier run is removed, as it would show other results.
        others: files written before, by name, that the summary names as well.

    Returns:
        Paths by name: the tables, leaderboard where there is one, report, the others, and summary, which is yet to be
        written.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    folder = prepare_folder(out_dir)
    frames = dict(tables) | ({} if report.leaderboard.empty else {"leaderboard": report.leaderboard})
    parts: dict[str, tuple[str, Callable[[], bytes]]] = {
        name: (f"{name}.csv", lambda frame=frame: to_csv(frame))  # type: ignore[misc]  # bound now
        for name, frame in frames.items()
    }
    if page:
        parts["report"] = ("report.html", lambda: task_page(report).encode())
    else:
        (folder / "report.html").unlink(missing_ok=True)
    outputs = {name: folder / file for name, (file, _) in parts.items()}
    for name, (_, make) in parts.items():
        replace(outputs[name], make())
    return {**outputs, **(others or {}), "summary": folder / "report.json"}


def task_summary(report: TaskReport, outputs: Mapping[str, Path]) -> dict[str, Any]:
    """The report as one dictionary that is safe for JSON: unknown numbers are None.

    Args:
        report: what the report says.
        outputs: paths of the written files by name.

    Returns:
        task, file, verdict, scores (one dictionary a model), the results, outputs, seconds, versions, notes.
    """
    plain = {
        "task": report.task,
        "file": report.file,
        "verdict": report.verdict,
        "scores": report.leaderboard.to_dict("records"),
        **report.results,
        "outputs": {name: str(path) for name, path in outputs.items()},
        "seconds": {name: round(float(value), 3) for name, value in report.seconds.items()},
        "versions": dict(report.versions),
        "notes": list(report.notes),
    }
    cleaned: dict[str, Any] = json_safe(plain)
    return cleaned


def write_task_summary(report: TaskReport, outputs: Mapping[str, Path]) -> None:
    """Write report.json.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    text = json.dumps(task_summary(report, outputs), indent=2, allow_nan=False) + "\n"
    replace(outputs["summary"], text.encode())
