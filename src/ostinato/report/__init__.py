"""Judged results as files: tables, a picture, one page of HTML, and a summary for programs."""

from ostinato.report.content import ReportContent, TrainingCurve, summary
from ostinato.report.files import prepare_folder, results_folder, write, write_summary
from ostinato.report.parts import Curve, Curves, HeatMap, MarkedText, MarkedTexts, Part, TablePart, Texts
from ostinato.report.task import TaskReport, task_page, task_summary, write_task, write_task_summary

__all__ = [
    "Curve",
    "Curves",
    "HeatMap",
    "MarkedText",
    "MarkedTexts",
    "Part",
    "ReportContent",
    "TablePart",
    "TaskReport",
    "Texts",
    "TrainingCurve",
    "prepare_folder",
    "results_folder",
    "summary",
    "task_page",
    "task_summary",
    "write",
    "write_summary",
    "write_task",
    "write_task_summary",
]
