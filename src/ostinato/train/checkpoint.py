"""The model file: all that is needed to predict again. No pickle, and nothing in it is ever executed.

A folder, or a zip where the path ends in `.zip`, with three files: `config.json`, `weights.safetensors` and
`history.json`. `docs/training.md` describes them.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import struct
import sys
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from ostinato import __version__
from ostinato.errors import ModelFileError
from ostinato.train.files import temporary_sibling, write_atomically, write_durably

FORMAT = 1
CONFIG, WEIGHTS, HISTORY = "config.json", "weights.safetensors", "history.json"
RESULT = "model.zip"
"""The name of the model file in a folder of a command's results."""
LIMITS = {CONFIG: 64 * 2**20, WEIGHTS: 16 * 2**30, HISTORY: 64 * 2**20}  # bytes
_MOST_SHRUNK = 200  # a zip entry may unfold to this many times its size and no more
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
    LookupError,
)


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds.

    Args:
        config: What the task saved to make itself again.
        weights: Arrays by name.
        history: What happened during training.
    """

    config: dict[str, Any]
    weights: dict[str, npt.NDArray[Any]]
    history: dict[str, Any]


def save_model(
    path: str | Path, *, config: Mapping[str, Any], weights: Mapping[str, Any], history: Mapping[str, Any]
) -> None:
    """Write a model file, whole or not at all.

    Args:
        path: A folder, or a zip file where it ends in `.zip`; a model file already there is replaced.
        config: Plain values for JSON: all a task needs to make itself again.
        weights: Torch tensors or NumPy arrays by name.
        history: Plain values for JSON.

    Raises:
        ModelFileError: If something that is no model file is in the way, or the path cannot be written, or a
            value is not one for JSON.
    """
    path = Path(path)
    files = {WEIGHTS: save_tensors(_arrays(weights)), HISTORY: _encode(dict(history), HISTORY)}
    head: dict[str, Any] = {
        "format": FORMAT,
        "versions": _versions(),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "config": dict(config),
    }
    head = json.loads(_encode(head, CONFIG))  # as it will be read: pairs are lists, keys are texts
    head["checksum"] = _checksum(head)
    files = {CONFIG: _encode(head, CONFIG), **files}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".zip":
            _write_zip(path, files)
        else:
            _write_folder(path, files)
    except OSError as error:
        raise ModelFileError(
            f"cannot write the model file {path}: {error.strerror}; choose another path"
        ) from error


def load_model(path: str | Path) -> ModelFile:
    """Read a model file; nothing in it is executed, and torch is not imported.

    Args:
        path: A folder, a zip file, or the folder of a command's results, which holds `model.zip`.

    Returns:
        Its three parts, the weights as NumPy arrays.

    Raises:
        ModelFileError: If it is missing, cut off, altered, or made by a newer version.
    """
    path = Path(path)
    if (path / RESULT).is_file() and not (path / CONFIG).is_file():
        path = path / RESULT
    files = _read_folder(path) if path.is_dir() else _read_zip(path)
    head = _checked_head(_decode(files[CONFIG], path, CONFIG), path)
    for name in (WEIGHTS, HISTORY):
        if hashlib.sha256(files[name]).hexdigest() != head["sha256"].get(name):
            raise ModelFileError(
                f"{name} of {path} was cut off or altered after it was saved; save the model again"
            )
    try:
        weights = load_tensors(files[WEIGHTS])
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        raise ModelFileError(f"{WEIGHTS} of {path} cannot be read ({error}); save the model again") from error
    return ModelFile(head["config"], weights, _decode(files[HISTORY], path, HISTORY))


def _versions() -> dict[str, str]:
    """Return the versions that made a file; torch's only where it is loaded."""
    versions = {"ostinato": __version__, "python": platform.python_version(), "numpy": np.__version__}
    if "torch" in sys.modules:
        versions["torch"] = str(sys.modules["torch"].__version__)
    return versions


def _arrays(weights: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Return tensors of any kind as arrays in one piece."""
    plain = {
        name: value.detach().cpu() if hasattr(value, "detach") else value for name, value in weights.items()
    }
    try:
        return {name: np.asarray(value, order="C") for name, value in plain.items()}
    except TypeError as error:
        raise ModelFileError(f"{WEIGHTS} cannot be written: {error}; use float32 or float64") from error


def _encode(value: dict[str, Any], name: str) -> bytes:
    """Return plain values as JSON, refusing what JSON cannot hold."""
    try:
        return json.dumps(value, indent=1, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{name} cannot be written: {error}; use plain values only") from error


def _decode(content: bytes, path: Path, name: str) -> dict[str, Any]:
    """Return the JSON object in a file."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{name} of {path} is not JSON ({error}); save the model again") from error
    if not isinstance(value, dict):
        raise ModelFileError(f"{name} of {path} is not a JSON object; save the model again")
    return value


def _checksum(head: Mapping[str, Any]) -> str:
    """Return the hash of everything in `config.json` but the hash itself."""
    rest = {name: value for name, value in head.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _checked_head(head: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the content of `config.json` if this version can use it."""
    number = head.get("format")
    if type(number) is not int or number < 1:
        raise ModelFileError(f"{CONFIG} of {path} has no format number; it is not a model file of ostinato")
    if number > FORMAT:
        raise ModelFileError(
            f"{path} has model format {number} and this version reads up to {FORMAT}; upgrade ostinato"
        )
    try:
        whole = head.get("checksum") == _checksum(head)
    except RecursionError:
        whole = False
    if not whole:
        raise ModelFileError(f"{CONFIG} of {path} was altered after it was saved; save the model again")
    if not isinstance(head.get("sha256"), dict) or not isinstance(head.get("config"), dict):
        raise ModelFileError(f"{CONFIG} of {path} lacks its parts sha256 and config; save the model again")
    return head


def _write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write the files as a zip, stored as they are."""
    if path.is_dir() or (path.exists() and not zipfile.is_zipfile(path)):
        raise ModelFileError(f"{path} is there and is not a model file; remove it or choose another path")
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # ZipInfo without a date: same model, same bytes
    write_atomically(path, buffer.getvalue())


def _write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write the files to a folder beside the path and rename it into place."""
    replaced = path.exists()
    if replaced and not ((path / CONFIG).is_file() or (path.is_dir() and not any(path.iterdir()))):
        raise ModelFileError(f"{path} is there and is not a model file; remove it or choose another path")
    fresh, old = temporary_sibling(path), temporary_sibling(path)
    fresh.mkdir()
    try:
        for name, content in files.items():
            write_durably(fresh / name, content)
        if replaced:
            path.rename(old)
        try:
            fresh.rename(path)
        except OSError:
            if replaced:
                old.rename(path)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _read_folder(path: Path) -> dict[str, bytes]:
    """Return the three known files of a folder."""
    files = {}
    for name, limit in LIMITS.items():
        file = path / name
        if not file.is_file():
            raise ModelFileError(f"{path} has no {name}; it is not a whole model file, save the model again")
        if file.stat().st_size > limit:
            raise ModelFileError(
                f"{name} of {path} is larger than {limit} bytes; it is not a model file of ostinato"
            )
        try:
            files[name] = file.read_bytes()
        except OSError as error:
            raise ModelFileError(
                f"cannot read {name} of {path}: {error.strerror}; check its permissions"
            ) from error
    return files


def _read_zip(path: Path) -> dict[str, bytes]:
    """Return the three known files of a zip; other entries are never looked at."""
    if not path.exists():
        raise ModelFileError(f"there is no model file {path}; check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _read_entry(archive, name, limit, path) for name, limit in LIMITS.items()}
    except _ZIP_ERRORS as error:
        raise ModelFileError(f"{path} is not a whole zip file ({error}); save the model again") from error


def _read_entry(archive: zipfile.ZipFile, name: str, limit: int, path: Path) -> bytes:
    """Return one file of a zip, after a look at the sizes it claims; zipfile never reads beyond them."""
    entries = [entry for entry in archive.infolist() if entry.filename == name]
    if len(entries) != 1:
        raise ModelFileError(
            f"{path} has {len(entries)} files {name} and should have 1; save the model again"
        )
    (entry,) = entries
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelFileError(
            f"{name} of {path} is packed in an unknown way; store it or pack it with deflate"
        )
    packed = min(entry.compress_size, path.stat().st_size)
    if entry.file_size > min(limit, _MOST_SHRUNK * (packed + 1024)):
        raise ModelFileError(
            f"{name} of {path} would unfold to {entry.file_size} bytes; it is not a model file"
        )
    return archive.read(entry)
