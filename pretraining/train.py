"""Trains the pretrained forecaster from nothing on synthetic series; stops and goes on at any moment.

    python pretraining/train.py runs/one --minutes 90 --hidden-size 128 --seed 1

The folder holds checkpoint.pt, log.jsonl and weights.safetensors (float16, averaged over time). The learning
rate follows the share of the given minutes (or windows) that was spent, so that a run always ends fully
annealed. Several runs of different seeds are members of one ensemble. A GPU is used where there is one, with
bfloat16, and draws the series as well.
"""

import argparse
import copy
import json
import logging
import math
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file
from windows import GROUP, Kind, Pool, draw

from ostinato.tasks.pretrained.forms import DIRECT, FORMS, MIXED
from ostinato.tasks.pretrained.training import Network, quantile_loss
from ostinato.tasks.pretrained.windows import Windows

BATCH = 512
WARM_UP = 300  # updates, or a twentieth of the training where that is less
VALIDATION_SEED = 2**31
LOG = logging.getLogger("pretrain")


def main() -> None:
    """Reads the options and trains."""
    parser = argparse.ArgumentParser(description="Train the pretrained forecaster on synthetic series.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=90.0, help="training time over all sittings")
    parser.add_argument(
        "--windows", type=int, default=None, help="windows to learn from, in place of minutes"
    )
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="leave out the logarithm of positive series")
    parser.add_argument(
        "--form",
        choices=tuple(FORMS),
        default=MIXED.name,
        help="beside classical forecasts, or values alone, of short histories or of seasonal ones of any length",
    )
    parser.add_argument(
        "--unseasonal", action="store_true", help="direct, and series told of no season alone"
    )
    parser.add_argument("--start", type=Path, default=None, help="weights to start from, of another run")
    options = parser.parse_args()
    options.form = DIRECT.name if options.unseasonal else options.form
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    Trainer(options).run()


class Trainer:
    """One training run with all it needs to stop and go on."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Makes the network and goes on from the folder's checkpoint where there is one."""
        self.options = options
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(options.seed)
        self.kind = Kind(FORMS[options.form], plain=options.plain, unseasonal=options.unseasonal)
        self.network = Network(options.hidden_size, options.width, self.kind.form.sizes).to(self.device)
        if options.start is not None:
            weights = {name: value.float() for name, value in load_file(options.start).items()}
            self.network.load_state_dict(weights)
        self.averaged = copy.deepcopy(self.network)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=options.rate, weight_decay=1e-2)
        self.updates, self.windows, self.seconds, self.sitting = 0, 0, 0.0, 0
        self.checkpoint = options.folder / "checkpoint.pt"
        if self.checkpoint.exists():
            self._load()
        drawn_on = "cuda" if self.device.type == "cuda" else None
        self.pool = Pool(1000 * options.seed + self.sitting, self.kind, device=drawn_on)
        rng = np.random.default_rng(VALIDATION_SEED)
        self.validation = [
            draw(bucket, rng, 512, self.kind) for bucket in self.kind.buckets for _ in range(4)
        ]

    def run(self) -> None:
        """Trains until the minutes, or the windows, are spent."""
        for _ in range(16 * self.pool.ahead):
            self.pool.refill()
        saved = logged = begun = time.monotonic()
        before, losses = self.seconds, []
        while self._share() < 1:
            number = self.pool.refill()
            for _ in range(self.kind.reuse * GROUP // BATCH):
                losses.append(self._update(self.pool.batch(number, BATCH)))
            now = time.monotonic()
            self.seconds = before + now - begun
            if now - logged > 120:
                self._log(float(torch.stack(losses).mean()))
                logged, losses = time.monotonic(), []
            if now - saved > 60:
                self._save()
                saved = time.monotonic()
        self._log(float(torch.stack(losses).mean()) if losses else math.nan)
        self._save()

    def _share(self) -> float:
        """The share of the training that is done."""
        if self.options.windows:
            return float(self.windows / self.options.windows)
        return float(self.seconds / (60 * self.options.minutes))

    def _update(self, windows: Windows) -> torch.Tensor:
        """One step of the optimiser."""
        share = min(self._share(), 1.0)
        fading = 0.01 + 0.99 * math.cos(math.pi / 2 * share) ** 2
        rate = self.options.rate * min(1.0, max((self.updates + 1) / WARM_UP, 20 * share)) * fading
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = self._loss(self.network, windows)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.updates += 1
        self.windows += len(windows.target)
        decay = min(0.999, self.updates / (self.updates + 10))
        with torch.no_grad():
            for mean, value in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
        return loss.detach()

    def _loss(self, network: Network, windows: Windows) -> torch.Tensor:
        """The loss of one batch."""
        tensors = {name: torch.from_numpy(array).to(self.device) for name, array in vars(windows).items()}
        target, weight = tensors.pop("target"), tensors.pop("weight")
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            quantiles = network(**tensors)
        return quantile_loss(quantiles, target, weight)

    def _log(self, loss: float) -> None:
        """Scores the averaged network on series that are never trained on, and writes a line."""
        with torch.no_grad():
            scores = [float(self._loss(self.averaged, windows)) for windows in self.validation]
            naive = [_naive_loss(windows) for windows in self.validation]
        relative = float(np.exp(np.mean(np.log(np.array(scores) / np.array(naive)))))
        line = {
            "minutes": round(self.seconds / 60, 2),
            "updates": self.updates,
            "windows": self.windows,
            "loss": round(loss, 5),
            "validation": round(float(np.mean(scores)), 5),
            "of_seasonal_naive": round(relative, 5),
        }
        LOG.info("%s", line)
        with (self.options.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _save(self) -> None:
        """Writes the checkpoint and the averaged weights, each in one move."""
        state = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "counts": (self.updates, self.windows, self.seconds, self.sitting + 1),
        }
        torch.save(state, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").replace(self.checkpoint)
        weights = {
            name: value.cpu().numpy().astype(np.float16) for name, value in self.averaged.state_dict().items()
        }
        facts = {
            "form": self.kind.form.name,
            "plain": "yes" if self.kind.plain else "no",
            "unseasonal": "yes" if self.kind.unseasonal else "no",
            "windows": str(self.windows),
            "buckets": json.dumps([asdict(bucket) for bucket in self.kind.buckets]),
        }
        target = self.options.folder / "weights.safetensors"
        save_file(weights, target.with_suffix(".new"), metadata=facts)
        target.with_suffix(".new").replace(target)

    def _load(self) -> None:
        """Goes on from the checkpoint."""
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.updates, self.windows, self.seconds, self.sitting = state["counts"]


def _naive_loss(windows: Windows) -> float:
    """The same loss with seasonal naive at every level."""
    quantiles = torch.from_numpy(windows.experts[..., :1]).expand(-1, -1, 9)
    return float(quantile_loss(quantiles, torch.from_numpy(windows.target), torch.from_numpy(windows.weight)))


if __name__ == "__main__":
    main()
