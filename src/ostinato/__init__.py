"""Recurrent networks for sequences that people can trust.

Importing this package is cheap: PyTorch is loaded only when a network is first needed.
"""

from importlib import import_module
from typing import Any

from ostinato.errors import ConfigError, DataError, ModelFileError, OstinatoError, TrainingError

__version__ = "0.1.0"

_LAZY = {
    "Forecaster": "ostinato.tasks.forecasting.forecaster:Forecaster",
    "SequenceClassifier": "ostinato.tasks.classify.classifier:SequenceClassifier",
    "SequenceCaptioner": "ostinato.tasks.caption.captioner:SequenceCaptioner",
    "SequenceGenerator": "ostinato.tasks.generate.generator:SequenceGenerator",
    "SequenceTagger": "ostinato.tasks.tag.tagger:SequenceTagger",
    "SequenceTranslator": "ostinato.tasks.translate.translator:SequenceTranslator",
    "TrainingWatch": "ostinato.train.diagnosis.watch:TrainingWatch",
    "accelerate": "ostinato.nn.accelerate:accelerate",
    "audit_leakage": "ostinato.evaluate.audit:audit_leakage",
    "diagnose": "ostinato.tasks.doctor:diagnose",
    "load": "ostinato.tasks.model_file:load",
    "nn": "ostinato.nn",
    "restore": "ostinato.nn.accelerate:restore",
    "synthetic": "ostinato.synthetic",
    "tune": "ostinato.tasks.forecasting.tuning:tune",
}

__all__ = ["ConfigError", "DataError", "ModelFileError", "OstinatoError", "TrainingError", *_LAZY]


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'ostinato' has no attribute {name!r}")
    module, _, attribute = _LAZY[name].partition(":")
    loaded = import_module(module)
    return getattr(loaded, attribute) if attribute else loaded


def __dir__() -> list[str]:
    return sorted(__all__)
