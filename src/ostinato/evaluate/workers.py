"""The fits of a backtest, one after the other or shared among processes, with the same results."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.errors import ConfigError, TrainingError
from ostinato.evaluate import blocks
from ostinato.evaluate.baselines import Forecaster, InformedForecaster, Make, MovableForecaster
from ostinato.evaluate.scores import level_columns

Values = NDArray[np.float64]
Found = dict[tuple[str, int], Values]
KEYS = ["unique_id", "ds"]
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
PULSE = 0.5
"""Seconds between two looks of a worker at whether its parent lives."""


@dataclass(frozen=True)
class Job:
    """All that a worker must know.

    Attributes:
        makers: for each model a function from a past to a forecaster.
        frame: unique_id, ds, y and covariates, all rows of the series that take part.
        h: steps to forecast from each origin.
        freq: pandas alias or integer step of the frame.
        offsets: for each origin, how many rows before the end of each series it lies.
        refit: make each model anew at each origin.
    """

    makers: dict[str, Make]
    frame: pd.DataFrame
    h: int
    freq: str | int
    offsets: tuple[int, ...]
    refit: bool


@dataclass(frozen=True)
class Unit:
    """A piece of work: one model at some origins (at one, or without refitting at all of them)."""

    name: str
    origins: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What came of a unit: the forecasts at each of its origins, and sentences about them."""

    unit: Unit
    forecasts: tuple[Values, ...]
    notes: tuple[str, ...]


def run(job: Job, n_jobs: int, progress: Callable[[int, int], None] | None) -> tuple[Found, list[str]]:
    """Make and ask every model at every origin.

    Args:
        job: the models, the rows and the origins.
        n_jobs: processes; cheap models are always fitted in this one.
        progress: called with (fits done, fits in all) after each.

    Returns:
        Forecasts by model and origin as `work` gives them, and the models' notes.

    Raises:
        ConfigError: the models cannot be moved or sent to another process.
        TrainingError: a forecaster left out forecasts, or a worker process died.
    """
    units = _units(job)
    far = [unit for unit in units if not _cheap(job, unit)] if n_jobs > 1 else []
    near = [unit for unit in units if unit not in far]
    answers: list[Answer] = []

    def keep(answer: Answer) -> None:
        answers.append(answer)
        if progress is not None:
            progress(len(answers), len(units))

    if far:
        _share(job, far, min(n_jobs, len(far)), keep)
    for unit in near:
        keep(work(job, unit))
    found = {
        (answer.unit.name, origin): forecast
        for answer in answers
        for origin, forecast in zip(answer.unit.origins, answer.forecasts, strict=True)
    }
    # Of the same sentence from several origins, one is enough.
    notes = dict.fromkeys(note for unit in units for note in _notes_of(answers, unit))
    return found, list(notes)


def work(job: Job, unit: Unit) -> Answer:
    """Make one model, and ask it, at each of a unit's origins.

    Args:
        job: the models, the rows and the origins.
        unit: the model and its origins.

    Returns:
        The forecasts, (rows, 1), or (rows, 10) with the quantiles behind them, as `target_rows` of each origin.
    """
    view = blocks.split(job.frame)
    forecaster: Forecaster | None = None
    forecasts: list[Values] = []
    notes: list[str] = []
    for origin in unit.origins:
        past = _seen(_past(view, job.offsets[origin]), job.makers[unit.name])
        first = forecaster is None
        forecaster = job.makers[unit.name](past) if first else _move(forecaster, past, unit.name)
        rows = target_rows(view, job.h, job.offsets[origin])
        forecasts.append(_aligned(_answer(forecaster, job, rows), job.frame.loc[rows, KEYS], unit.name))
        notes.extend(getattr(forecaster, "notes", ()))
    return Answer(unit, tuple(forecasts), tuple(notes))


def target_rows(view: blocks.Blocks, h: int, offset: int) -> blocks.Rows:
    """Rows of the `h` steps after the origin that lies `offset` rows before the end of each series."""
    return (view.ends[:, None] - offset + np.arange(h)).ravel()


def _past(view: blocks.Blocks, offset: int) -> pd.DataFrame:
    """The rows up to an origin, and nothing else."""
    before = view.ends[view.owner] - np.arange(len(view.owner)) > offset
    return view.frame[before].reset_index(drop=True)


def _seen(past: pd.DataFrame, make: Make) -> pd.DataFrame:
    """What a model is given of the past: covariates only where it takes them."""
    return past if getattr(make, "sees_covariates", False) else past[[*KEYS, "y"]]


def _answer(forecaster: Forecaster, job: Job, rows: blocks.Rows) -> pd.DataFrame:
    """The forecasts of some rows; of the rows themselves nothing is given but what is known in advance.

    A forecaster that has `predict_levels` gives its quantiles as well.
    """
    known = forecaster.known if isinstance(forecaster, InformedForecaster) else ()
    ahead = [job.frame.loc[rows, [*KEYS, *known]]] if known else []
    found: pd.DataFrame = getattr(forecaster, "predict_levels", forecaster.predict)(job.h, *ahead)
    return found


def _units(job: Job) -> list[Unit]:
    """The pieces of work, those that take longest first: costly models, then long pasts."""
    origins = range(len(job.offsets))
    parts = [(origin,) for origin in reversed(origins)] if job.refit else [tuple(origins)]
    units = [Unit(name, part) for part in parts for name in job.makers]
    return sorted(units, key=lambda unit: _cheap(job, unit))


def _cheap(job: Job, unit: Unit) -> bool:
    """Whether a model costs less to make than to send to another process."""
    return bool(getattr(job.makers[unit.name], "cheap", False))


def _notes_of(answers: list[Answer], unit: Unit) -> tuple[str, ...]:
    """The notes of the answer to a unit."""
    return next(answer.notes for answer in answers if answer.unit == unit)


def _move(forecaster: Forecaster | None, past: pd.DataFrame, name: str) -> Forecaster:
    """The forecaster at a later origin, not fitted again."""
    if not isinstance(forecaster, MovableForecaster):
        raise ConfigError(
            f"model {name!r} has no with_history and cannot be moved to a later origin; use refit=True"
        )
    return forecaster.with_history(past)


def _aligned(answer: pd.DataFrame, wanted: pd.DataFrame, name: str) -> Values:
    """The forecasts, and quantiles where there are any, at the wanted series and times: (rows, 1 or 10)."""
    keys = KEYS
    if len(answer) != len(wanted) or any(
        (answer[key].to_numpy() != wanted[key].to_numpy()).any() for key in keys
    ):
        answer = wanted.merge(answer, on=keys, how="left", indicator=True, validate="one_to_one")
        lost = answer[answer["_merge"] == "left_only"]
        if len(lost):
            series, time = lost.iloc[0][keys]
            raise TrainingError(
                f"model {name!r} gave no forecast for series {str(series)!r} at {time}; "
                "a forecaster must answer every series and step of its history's future"
            )
    columns = ["forecast", *level_columns("forecast")]
    return answer[[name for name in columns if name in answer]].to_numpy(dtype=np.float64)


def _share(job: Job, units: list[Unit], n_jobs: int, keep: Callable[[Answer], None]) -> None:
    """Do the units in worker processes."""
    try:
        packed = pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"the models cannot be sent to worker processes ({error}); "
            "define them at the top of a module or use n_jobs=1"
        ) from error
    context = multiprocessing.get_context(_start_method())
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(n_jobs, mp_context=context, initializer=_prepare, initargs=(packed,))
    finished = False
    try:
        for future in as_completed(_submit(pool, units)):
            keep(future.result())
        finished = True
    except BrokenProcessPool as error:
        raise TrainingError(
            "a worker process of the backtest died, most often for lack of memory; run it again with n_jobs=1"
        ) from error
    finally:
        if not finished:  # also after Ctrl-C: no fit is waited for, no process stays behind
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
        pool.shutdown(wait=finished, cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, units: list[Unit]) -> list[Future[Answer]]:
    """Hand in all units; forking a process with numpy's sleeping threads is no cause for a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning
        )
        return [pool.submit(_work_packed, unit) for unit in units]


THREADED = frozenset({"torch", "polars", "jax", "tensorflow"})  # packages with threads of their own
_IDLE: set[str] = set()  # those of them that were imported here and have computed nothing yet


def import_idle(module: str) -> None:
    """Import a module that the next workers need, so that each of them need not do it again.

    What it brings of packages with threads has computed nothing yet, so these workers may still be forked; nothing
    may be computed with it before they start.

    Args:
        module: the name of a module that is slow to import.
    """
    before = THREADED & set(sys.modules)
    import_module(module)
    _IDLE.update((THREADED & set(sys.modules)) - before)


def _start_method() -> str:
    """Fork where that is safe (it starts at once), else spawn."""
    threaded = (THREADED & set(sys.modules)) - _IDLE
    _IDLE.clear()
    safe = sys.platform == "linux" and not threaded and threading.active_count() == 1
    return "fork" if safe else "spawn"


_JOBS: list[Job] = []  # in a worker: the one job it was started for


def _prepare(packed: bytes) -> None:
    """Start a worker: one thread each, Ctrl-C left to the parent, and only then the models' modules."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(dict.fromkeys(THREADS, "1"))
    _JOBS[:] = [pickle.loads(packed)]
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this worker when its parent is gone: killed outright, it can tell nobody, and the pool waits forever."""
    while os.getppid() == parent:
        time.sleep(PULSE)
    os._exit(1)


def _work_packed(unit: Unit) -> Answer:
    """Do one unit of this worker's job."""
    return work(_JOBS[0], unit)
