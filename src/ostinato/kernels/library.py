"""The compiled kernels: one shared library per instruction set; the best for this processor is loaded."""

from __future__ import annotations

import ctypes
import functools
import os
from dataclasses import dataclass
from pathlib import Path

from ostinato.errors import ConfigError

# `OSTINATO_LIBRARIES` names another folder, for kernels built in another way, such as with a sanitizer.
FOLDER = Path(os.environ.get("OSTINATO_LIBRARIES", "") or Path(__file__).parent.parent / "lib")
ABI = 3
# From best to worst; a library for a worse set runs on every processor that has a better one.
INSTRUCTION_SETS = ("avx512", "avx2", "neon", "baseline")
TORCH = "torch"


@dataclass(frozen=True)
class Library:
    """One loaded library of kernels.

    Args:
        isa: The instruction set that it was compiled for.
        path: Where it is.
        handle: Its functions, with their types declared.
    """

    isa: str
    path: Path
    handle: ctypes.CDLL


def load() -> Library | None:
    """Return the best library for this processor, or None where torch's own operators are to be used.

    The environment variable `OSTINATO_ISA` forces an instruction set by name; `torch` asks for torch's
    operators.

    Raises:
        ConfigError: if `OSTINATO_ISA` names a set that was not built or that this processor does not have.
    """
    return _load(os.environ.get("OSTINATO_ISA", ""))


@functools.cache
def _load(forced: str) -> Library | None:
    if forced == TORCH:
        return None
    usable = available()
    if not forced:
        return open_library(usable[0]) if usable else None
    if forced not in usable:
        raise ConfigError(
            f"OSTINATO_ISA is {forced!r}, which is not built or not supported by this processor; "
            f"use one of {', '.join([*usable, TORCH])}"
        )
    return open_library(forced)


@functools.cache
def available() -> tuple[str, ...]:
    """Name the instruction sets that were built and that this processor has, best first."""
    probe = FOLDER / "probe.so"
    if not probe.is_file():
        return ()
    best_isa = ctypes.CDLL(str(probe)).ostinato_best_isa
    best_isa.restype = ctypes.c_char_p
    best = best_isa().decode()
    supported = INSTRUCTION_SETS[INSTRUCTION_SETS.index(best) :]
    if best != "neon":
        supported = tuple(isa for isa in supported if isa != "neon")
    return tuple(isa for isa in supported if (FOLDER / f"{isa}.so").is_file())


@functools.cache
def open_library(isa: str) -> Library | None:
    """Load the library for an instruction set; None if it is of another version of this package."""
    path = FOLDER / f"{isa}.so"
    handle = ctypes.CDLL(str(path))
    number, pointer = ctypes.c_int64, ctypes.c_void_p
    handle.ostinato_abi.restype = number
    if handle.ostinato_abi() != ABI:
        return None
    signatures: dict[str, tuple[type | None, list[type]]] = {
        "ostinato_share_threads": (None, [pointer, pointer]),
        "ostinato_pack_size": (number, [pointer, number]),
        "ostinato_saved_size": (number, [pointer]),
        "ostinato_pack": (None, [pointer, pointer, number, pointer]),
        "ostinato_fingerprint": (ctypes.c_uint64, [pointer, pointer]),
        "ostinato_forward": (number, [pointer, pointer]),
        "ostinato_backward": (number, [pointer, pointer]),
        "ostinato_dropout_mask": (None, [pointer, number, pointer]),
        "ostinato_recurrent_mask": (None, [pointer, number, pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(handle, name)
        function.restype = result
        function.argtypes = arguments
    return Library(isa, path, handle)


@functools.cache
def share_threads(library: Library) -> bool:
    """Let the kernels use the threads of the OpenMP runtime that torch runs on; say whether there are such.

    Those threads go on looking for work for a while after each of torch's operators. On the same processors,
    threads of our own would have to compete with them.

    Args:
        library: The kernels. Torch has been imported.
    """
    import torch

    path = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    if not path.is_file():
        return False
    # Looks into what torch was linked with, so that this is torch's runtime even where there are several.
    runtime = ctypes.CDLL(str(path))
    try:
        functions = runtime.GOMP_parallel, runtime.omp_get_max_threads
    except AttributeError:
        return False
    library.handle.ostinato_share_threads(*(ctypes.cast(each, ctypes.c_void_p) for each in functions))
    return True


_threads: list[int] = []


def set_num_threads(count: int | None) -> None:
    """Set how many threads the kernels may use, apart from torch's own threads.

    On a busy machine torch's threads wait for each other at every small operation, while those of the kernels do
    not: a training loop may do well with one thread of torch's and several of the kernels'.

    Args:
        count: At least 1; None for as many as torch uses.

    Raises:
        ConfigError: if the count is below 1.
    """
    if count is not None and count < 1:
        raise ConfigError(f"count is {count}; use at least 1 thread, or None for as many as torch uses")
    _threads[:] = [] if count is None else [count]


def threads_wanted(default: int) -> int:
    """Return how many threads to use: `OSTINATO_NUM_THREADS`, else what was set, else the default.

    Raises:
        ConfigError: if `OSTINATO_NUM_THREADS` is not a whole number above 0.
    """
    text = os.environ.get("OSTINATO_NUM_THREADS", "")
    if not text:
        return _threads[0] if _threads else default
    if not text.isdigit() or int(text) < 1:
        raise ConfigError(f"OSTINATO_NUM_THREADS is {text!r}; use a whole number of at least 1")
    return int(text)


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
