import re
import subprocess
import sys

import pytest

from ostinato.errors import ConfigError
from ostinato.train.config import TrainConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "lion"}, "optimizer is 'lion'; use one of adam, adamw, sgd"),
        ({"schedule": "step"}, "schedule is 'step'; use one of constant, cosine, plateau"),
        ({"epochs": 0}, "epochs is 0; use at least 1"),
        ({"patience": 0}, "patience is 0; use at least 1"),
        ({"plateau": 0}, "plateau is 0; use at least 1"),
        ({"checkpoint_every": 0}, "checkpoint_every is 0; use at least 1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; use a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; use a number above 0"),
        ({"clip_norm": -1.0}, "clip_norm is -1.0; use a number above 0"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0; use 0 or more"),
        ({"ema": 1.0}, "ema is 1.0; use a decay between 0 and 1, such as 0.99"),
        ({"seed": -1}, "seed is -1; use 0 or more, below 2**63"),
        ({"tbptt": (0, 4)}, "tbptt is (0, 4); k1 must be at least 1 and k2 a multiple of k1"),
        ({"tbptt": (4, 2)}, "tbptt is (4, 2); k1 must be at least 1 and k2 a multiple of k1"),
        ({"tbptt": (2, 5)}, "tbptt is (2, 5); k1 must be at least 1 and k2 a multiple of k1"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        TrainConfig(**settings)


def test_gradients_are_clipped_by_default():
    assert TrainConfig().clip_norm == 1.0


@pytest.mark.parametrize("module", ["config", "history", "files", "checkpoint"])
def test_settings_and_files_do_not_import_torch(module):
    code = f"import sys, ostinato.train.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
