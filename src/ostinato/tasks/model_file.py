"""Fitted estimators as model files, and back. Nothing in a file is executed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError, DataError, ModelFileError
from ostinato.train.checkpoint import load_model, save_model

if TYPE_CHECKING:
    from torch import Tensor

LOADERS = {
    "forecast": "ostinato.tasks.forecasting.file:load",
    "classify": "ostinato.tasks.classify.classifier:SequenceClassifier._from_file",
    "tag": "ostinato.tasks.tag.tagger:SequenceTagger._from_file",
    "generate": "ostinato.tasks.generate.generator:SequenceGenerator._from_file",
    "caption": "ostinato.tasks.caption.captioner:SequenceCaptioner._from_file",
    "translate": "ostinato.tasks.translate.translator:SequenceTranslator._from_file",
}
"""What rebuilds the estimator of each task from the path of its model file."""

Loaded = tuple[dict[str, Any], dict[str, Any], "dict[str, Tensor]", dict[str, Any]]
Read = tuple[dict[str, Any], dict[str, Any], dict[str, NDArray[Any]], dict[str, Any]]


def load(path: str | Path) -> Any:
    """Read a fitted estimator of any task from a model file.

    Args:
        path: the folder or zip file that `save` wrote.

    Returns:
        An estimator that answers as the saved one did.

    Raises:
        ModelFileError: the file is missing, damaged, altered, of an unknown task or of a newer version.
    """
    task = load_model(path).config.get("task")
    if task not in LOADERS:
        raise ModelFileError(
            f"{path} holds a model for the task {task!r}; this version knows {', '.join(LOADERS)}"
        )
    module, _, name = LOADERS[task].partition(":")
    return attrgetter(name)(import_module(module))(path)


def save_estimator(
    path: str | Path,
    *,
    task: str,
    parameters: Mapping[str, Any],
    extra: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    history: Mapping[str, Any],
) -> None:
    """Write a fitted estimator, whole or not at all.

    Args:
        path: a folder, or a zip file where it ends in `.zip`; a model file already there is replaced.
        task: a name in `LOADERS`.
        parameters: what `get_params` gave: plain values for JSON.
        extra: what else makes the estimator again, such as its vocabulary and classes: plain values for JSON.
        weights: tensors or NumPy arrays by name.
        history: what happened during training: plain values for JSON.

    Raises:
        ModelFileError: the path cannot be written, or a value is not one for JSON.
    """
    config = {"task": task, "parameters": dict(parameters), "extra": dict(extra)}
    save_model(path, config=config, weights=weights, history=history)


def load_estimator(path: str | Path, *, task: str) -> Loaded:
    """Read the parts of a fitted estimator.

    Args:
        path: the folder or zip file that `save_estimator` wrote.
        task: the task it must be of.

    Returns:
        Parameters, extra, weights as torch tensors, history.

    Raises:
        ModelFileError: the file is missing, damaged, altered, of another task or of a newer version.
    """
    import torch

    parameters, extra, arrays, history = read_estimator(path, task=task)
    weights = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    return parameters, extra, weights, history


def read_estimator(path: str | Path, *, task: str) -> Read:
    """Read the parts of a fitted estimator without torch: as `load_estimator`, with weights as NumPy arrays."""
    file = load_model(path)
    if file.config.get("task") != task:
        raise ModelFileError(
            f"{path} holds a model for the task {file.config.get('task')!r}, not {task!r}; load it with ostinato.load"
        )
    parameters, extra = file.config.get("parameters"), file.config.get("extra")
    if not isinstance(parameters, dict) or not isinstance(extra, dict):
        raise ModelFileError(f"{path} lacks its parts parameters and extra; save the model again")
    return parameters, extra, file.weights, file.history


@contextmanager
def rebuilding(path: str | Path) -> Iterator[None]:
    """Turn errors of rebuilding an estimator from its parts into one sentence about the file.

    Raises:
        ModelFileError: the parts do not fit together.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError, ConfigError, DataError) as error:
        raise ModelFileError(f"{path} does not fit together ({error}); save the model again") from error
