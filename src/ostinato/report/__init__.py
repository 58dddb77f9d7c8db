"""A judged forecast as files: tables, a picture, one page of HTML, and a summary for programs."""

from ostinato.report.content import ReportContent, TrainingCurve, summary
from ostinato.report.files import prepare_folder, results_folder, write, write_summary

__all__ = [
    "ReportContent",
    "TrainingCurve",
    "prepare_folder",
    "results_folder",
    "summary",
    "write",
    "write_summary",
]
