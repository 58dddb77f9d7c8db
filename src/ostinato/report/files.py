"""The files of a report, each written beside its place and then moved there, so none is ever half done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pandas as pd

from ostinato.errors import ConfigError
from ostinato.report.content import ReportContent, summary

PICTURES = ("forecast.png", "report.html")


def prepare_folder(folder: str | Path) -> Path:
    """Make sure that a folder exists and can be written to, before any work is done.

    Args:
        folder: made if it does not exist, with its parents.

    Returns:
        The folder.

    Raises:
        ConfigError: it cannot be made or written to.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".probe-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise _cannot_write(path, error) from error
    return path


@contextmanager
def results_folder(folder: str | Path) -> Iterator[Path]:
    """A folder for results, made as by `prepare_folder`; a failure before the first result takes it away again.

    Args:
        folder: made if it does not exist, with its parents.

    Raises:
        ConfigError: it cannot be made or written to.
    """
    existed = Path(folder).exists()
    path = prepare_folder(folder)
    try:
        yield path
    except BaseException:
        if not existed:
            with suppress(OSError):
                path.rmdir()  # refused where something is in it
        raise


def write(
    content: ReportContent,
    out_dir: str | Path,
    *,
    pictures: bool = True,
    others: Mapping[str, Path] | None = None,
) -> dict[str, Path]:
    """Write the tables, the picture and the page; `write_summary` comes last, when the time taken is known.

    Args:
        content: what the report says.
        out_dir: folder to write to; made if it does not exist.
        pictures: also write forecast.png and report.html; without, those of an earlier run are removed, as
            they would show another forecast.
        others: files written before, by name, that the summary names as well.

    Returns:
        Paths by name: forecast, backtest, leaderboard, picture, report (these two with `pictures`
        only), the others, and summary, which is yet to be written.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    folder = prepare_folder(out_dir)
    parts: dict[str, tuple[str, Callable[[], bytes]]] = {
        "forecast": ("forecast.csv", lambda: to_csv(content.forecast)),
        "backtest": ("backtest.csv", lambda: to_csv(content.backtest)),
        "leaderboard": ("leaderboard.csv", lambda: to_csv(content.leaderboard)),
    }
    if pictures:
        from ostinato.report.page import page
        from ostinato.report.picture import picture

        parts["picture"] = ("forecast.png", lambda: picture(content))
        parts["report"] = ("report.html", lambda: page(content).encode())
    else:
        for file in PICTURES:
            (folder / file).unlink(missing_ok=True)
    outputs = {name: folder / file for name, (file, _) in parts.items()}
    for name, (_, make) in parts.items():
        replace(outputs[name], make())
    return {**outputs, "summary": folder / "report.json", **(others or {})}


def write_summary(content: ReportContent, outputs: Mapping[str, Path]) -> None:
    """Write report.json.

    Args:
        content: what the report says.
        outputs: what `write` returned.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    text = json.dumps(summary(content, outputs), indent=2, allow_nan=False) + "\n"
    replace(outputs["summary"], text.encode())


def to_csv(table: pd.DataFrame) -> bytes:
    """A table as CSV: true values to the last digit, computed ones to twelve."""
    if "y" in table:
        table = table.assign(y=[_exact(value) for value in table["y"]])
    return table.to_csv(index=False, float_format="%.12g", lineterminator="\n").encode()


def _exact(value: float) -> str:
    """A number as text that reads back as the same number, whole ones without a point."""
    if value != value:  # NaN
        return ""
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else repr(float(value))


def replace(path: Path, content: bytes) -> None:
    """Write a file under another name and move it to its own."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> ConfigError:
    """The sentence about a place that cannot be written to."""
    reason = (error.strerror or str(error)).lower()
    return ConfigError(f"cannot write to {path} ({reason}); choose another folder with --out")
