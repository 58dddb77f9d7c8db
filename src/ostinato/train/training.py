"""A training run at one moment: weights, optimizer, random numbers, history; saved and restored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from ostinato.data.batch import Batch
from ostinato.errors import ConfigError, ModelFileError
from ostinato.train.config import TrainConfig
from ostinato.train.files import write_atomically
from ostinato.train.history import History
from ostinato.train.optimizers import Average, make_optimizer

FORMAT = 1


@dataclass(frozen=True)
class Step:
    """One update, as a watcher sees it.

    Args:
        epoch: The epoch, from 0.
        update: Updates made before this one.
        loss: The loss.
        batch: The batch, or the chunk of it, that the loss was taken from.
    """

    epoch: int
    update: int
    loss: float
    batch: Batch


class Training:
    """A training run at one moment.

    Args:
        model: The network.
        config: The settings.
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        self.model = model
        self.config = config
        self.parameters = [weight for weight in model.parameters() if weight.requires_grad]
        if not self.parameters:
            raise ConfigError("the model has no weights to train; set requires_grad on some")
        self.device = self.parameters[0].device
        self.optimizer = make_optimizer(self.parameters, config)
        self.average = None if config.ema is None else Average(self.parameters, config.ema)
        self.history = History()
        self.updates = 0
        self.norms: list[Tensor] = []
        self.best: dict[str, Tensor] = {}

    @property
    def finished(self) -> bool:
        """Whether every epoch is done or patience has run out."""
        return len(self.history) >= self.config.epochs or self.history.stopped_early

    def place(self, batch: Batch) -> Batch:
        """Return a batch on the device of the model."""
        return batch if batch.inputs.device == self.device else batch.to(self.device)

    def start_epoch(self, rate: float) -> None:
        """Set the learning rate of an epoch."""
        self.norms.clear()
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def step(self) -> None:
        """Update the weights and their average from the gradients."""
        self.optimizer.step()
        self.updates += 1
        if self.average is not None:
            self.average.update(self.updates)

    def end_epoch(self, train: float, validation: float | None, seconds: float) -> None:
        """Note what an epoch gave, keep its weights if they are the best, stop if patience has run out."""
        history, patience = self.history, self.config.patience
        history.train.append(train)
        if validation is not None:
            history.validation.append(validation)
        history.learning_rate.append(float(self.optimizer.param_groups[0]["lr"]))
        history.gradient_norm.append(torch.stack(self.norms).max().item())
        history.seconds.append(seconds)
        epoch, judged = len(history) - 1, history.judged
        if patience is None:
            history.best_epoch = epoch
        elif history.best_epoch is None or judged[epoch] < judged[history.best_epoch]:
            history.best_epoch = epoch
            with self.averaged():
                self.best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        elif epoch - history.best_epoch >= patience:
            history.stopped_early = True

    def keep_best(self) -> None:
        """Leave the model with the weights to keep: the best, the averaged or the last ones."""
        if self.best:
            self.model.load_state_dict(self.best)
        elif self.average is not None:
            self.average.swap()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Put the averaged weights in place for a while, where there is an average."""
        if self.average is not None:
            self.average.swap()
        try:
            yield
        finally:
            if self.average is not None:
                self.average.swap()

    @contextmanager
    def own_random_numbers(self) -> Iterator[None]:
        """Draw random numbers from the seed of the settings, and leave those outside as they were."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.default_generator.manual_seed(self.config.seed)
            if devices:
                with torch.cuda.device(self.device):
                    torch.cuda.manual_seed(self.config.seed)
            yield

    def save(self, file: Path) -> None:
        """Write a checkpoint, whole or not at all.

        Raises:
            ModelFileError: If it cannot be written.
        """
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for number, weight in enumerate(self.parameters):
            parts = self.optimizer.state[weight].items()
            tensors |= {
                f"optimizer.{number}.{name}": part for name, part in parts if isinstance(part, Tensor)
            }
        if self.average is not None:
            tensors |= {f"average.{number}": value for number, value in enumerate(self.average.values)}
        tensors["random.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(self.device)
        head = {
            "format": FORMAT,
            "config": asdict(self.config),
            "history": self.history.to_dict(),
            "updates": self.updates,
        }
        plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, save_tensors(plain, {"ostinato": json.dumps(head)}))
        except OSError as error:
            raise ModelFileError(
                f"cannot write the checkpoint {file}: {error.strerror}; use another path"
            ) from error

    def load(self, file: Path) -> None:
        """Go back to the moment of a checkpoint.

        Raises:
            ConfigError: If it is of a run with other settings or another model.
            ModelFileError: If it is damaged, or made by a newer version.
        """
        head, tensors = _read(file)
        self._check_same_run(head, tensors, file)
        groups: dict[str, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            kind, _, rest = name.partition(".")
            groups.setdefault(kind, {})[rest] = value.to(self.device) if kind != "random" else value
        self.model.load_state_dict(groups["model"])
        self.best = groups.get("best", {})
        for name, value in groups.get("optimizer", {}).items():
            number, _, part = name.partition(".")
            self.optimizer.state[self.parameters[int(number)]][part] = value
        if self.average is not None:
            self.average.values = [groups["average"][str(number)] for number in range(len(self.parameters))]
        torch.set_rng_state(groups["random"]["cpu"])
        if self.device.type == "cuda" and "cuda" in groups["random"]:
            torch.cuda.set_rng_state(groups["random"]["cuda"], self.device)
        self.history = History.from_dict(head["history"])
        self.updates = head["updates"]

    def _check_same_run(self, head: dict[str, Any], tensors: dict[str, Tensor], file: Path) -> None:
        """Refuse a checkpoint of other settings (more epochs are welcome) or of another model."""
        # Through JSON, as the saved settings went: a pair comes back as a list.
        own = json.loads(json.dumps(asdict(self.config)))
        for name in own:
            if name not in ("epochs", "checkpoint_every") and own[name] != head["config"].get(name):
                raise ConfigError(
                    f"the checkpoint {file} was made with {name}={head['config'].get(name)} and this run has "
                    f"{own[name]}; use the same settings, or delete it to start again"
                )
        shapes = {name: tuple(value.shape) for name, value in self.model.state_dict().items()}
        saved = {name[6:]: tuple(value.shape) for name, value in tensors.items() if name.startswith("model.")}
        if shapes != saved:
            raise ConfigError(f"the checkpoint {file} is of another model; delete it to start again")


def _read(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the two halves of a checkpoint, the tensors in memory of their own."""
    try:
        with safe_open(file, framework="pt") as opened:
            head = json.loads((opened.metadata() or {}).get("ostinato", "null"))
            tensors = {name: opened.get_tensor(name).clone() for name in opened.keys()}  # noqa: SIM118  # no mapping
    except (SafetensorError, ValueError, OSError) as error:
        raise ModelFileError(
            f"the checkpoint {file} cannot be read ({error}); delete it to start again"
        ) from error
    if not isinstance(head, dict) or "random.cpu" not in tensors:
        raise ModelFileError(f"{file} is not a checkpoint of ostinato; use another path")
    if head.get("format") != FORMAT:
        raise ModelFileError(
            f"the checkpoint {file} has format {head.get('format')} and this version reads {FORMAT}; upgrade "
            "ostinato, or delete it to start again"
        )
    return head, tensors
