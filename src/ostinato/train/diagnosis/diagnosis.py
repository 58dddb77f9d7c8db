"""The diagnosis of a network: what was read, what is wrong, and what to change; as text and as plain values."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from ostinato.data.batch import Batch
from ostinato.train.config import TrainConfig
from ostinato.train.diagnosis.dependence import dependence_by_lag, strongest_lag
from ostinato.train.diagnosis.gradients import longest_memory
from ostinato.train.diagnosis.reading import Examples, LayerReading, Loss, read_model
from ostinato.train.diagnosis.rules import Evidence, Finding, find
from ostinato.train.diagnosis.watch import TrainingWatch, WatchSummary


@dataclass(frozen=True)
class Diagnosis:
    """What a network remembers and what is wrong with it.

    Attributes:
        layers: what was read of each recurrent layer and direction.
        findings: what is wrong, ordered by the effect to expect from mending it; empty where it is healthy.
        loss: of the batch that was read.
        season_length: steps in a season; None where unknown or none.
        season_removed: whether the season was taken out of the data before the network saw it.
        data_lag: the lag at which the targets depend most on the inputs; None where unknown or weak.
        truncation: steps that gradients go back in training; None for all.
        watch: what was seen of the training; None where it was not watched.
        covers: steps of the series that the network reads at once, from the last ones back; empty for one each.
    """

    layers: tuple[LayerReading, ...]
    findings: tuple[Finding, ...]
    loss: float
    season_length: int | None = None
    season_removed: bool = False
    data_lag: int | None = None
    truncation: int | None = None
    watch: WatchSummary | None = None
    covers: tuple[int, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def memory(self) -> int | None:
        """The effective memory: steps within which 90 % of the gradient lies, of the layer where that is longest."""
        return longest_memory(layer.gradients for layer in self.layers)

    @property
    def memory_sentence(self) -> str:
        """The effective memory beside what the data needs, as a sentence."""
        if self.memory is None:
            return "The loss depends on no state, so there is no memory to measure."
        text = f"The network remembers {_count(self.memory, 'step')}"
        if self.covers:
            reach = sum(self.covers[: self.memory])
            text = f"The network reads patches of several steps and remembers {_count(self.memory, 'patch', 'patches')}"
            text += f", {_count(reach, 'step')}"
        if self.season_length and self.season_removed:
            text += f"; your season of {self.season_length} is taken out before it looks"
        elif self.season_length:
            text += f"; your season is {self.season_length}"
        elif self.data_lag is not None:
            text += f"; your targets depend most on inputs {self.data_lag} steps before"
        return text + "."

    def to_text(self) -> list[str]:
        """The diagnosis as lines for people: memory, findings, then a line a layer."""
        lines = [self.memory_sentence]
        if self.healthy:
            lines.append("Nothing is wrong with its gradients, gates and units.")
        for number, finding in enumerate(self.findings, 1):
            where = "" if finding.layer is None else f" in {finding.layer}"
            lines += ["", f"{number}. {finding.name}{where}: {finding.evidence}."]
            lines += [f"   {finding.sentence}", f"   Try: {finding.change}"]
        return [*lines, "", *map(_layer_line, self.layers)]

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as plain values for JSON; numbers that JSON cannot hold are None."""
        values: dict[str, Any] = _plain(
            {
                "healthy": self.healthy,
                "memory": self.memory,
                "memory_sentence": self.memory_sentence,
                "findings": [asdict(finding) for finding in self.findings],
                "loss": self.loss,
                "season_length": self.season_length,
                "season_removed": self.season_removed,
                "data_lag": self.data_lag,
                "truncation": self.truncation,
                "watch": None if self.watch is None else asdict(self.watch),
                "covers": self.covers,
                "layers": [
                    asdict(layer) | {"memory": layer.gradients.memory, "factor": layer.gradients.factor}
                    for layer in self.layers
                ],
            }
        )
        return values


def diagnose_module(
    model: nn.Module,
    examples: Examples,
    loss: Loss | None = None,
    *,
    season_length: int | None = None,
    season_removed: bool = False,
    covers: tuple[int, ...] = (),
    config: TrainConfig | None = None,
    watch: TrainingWatch | None = None,
) -> Diagnosis:
    """Diagnose a torch module with recurrent layers.

    Args: as for `ostinato.diagnose`, and `season_removed`: whether the season was taken out of the data beforehand, so
        that the network need not remember it; `covers`: steps of the series that the network reads at once, from the
        last ones back, where it reads several.
    """
    reading = read_model(model, examples, loss)
    settings = config if config is not None else (None if watch is None else watch.config)
    truncation = None if settings is None or settings.tbptt is None else settings.tbptt[1]
    season = season_length if season_length is not None and season_length > 1 else None
    lag = None if season_removed else _data_lag(examples)
    reason = "" if lag is None else f"your targets depend most on inputs {lag} steps before"
    needed = lag
    if season is not None and not season_removed:
        needed, reason = season, f"your season is {season}"
    summary = None if watch is None else watch.summary()
    findings = find(Evidence(reading.layers, needed, reason, truncation, summary))
    return Diagnosis(
        reading.layers, findings, reading.loss, season, season_removed, lag, truncation, summary, covers
    )


def _data_lag(examples: Examples) -> int | None:
    """The lag at which one target a step depends most on the inputs."""
    if isinstance(examples, Tensor):
        return None
    inputs, targets, mask = (
        (examples.inputs, examples.targets, examples.mask)
        if isinstance(examples, Batch)
        else (*examples, None)
    )
    if inputs.dim() != 3 or targets.dim() < 2 or targets.shape[:2] != inputs.shape[:2]:
        return None
    return strongest_lag(dependence_by_lag(inputs, targets, mask))


def _count(number: int, singular: str, plural: str = "steps") -> str:
    return f"{number} {singular if number == 1 else plural}"


def _layer_line(layer: LayerReading) -> str:
    """One layer on one line."""
    parts = [f"{layer.name}: {layer.cell}({layer.hidden_size})"]
    if layer.gradients.memory is None:
        parts.append("no gradient arrives")
    else:
        parts.append(f"memory {layer.gradients.memory} of {layer.steps} steps")
        parts.append(f"gradient x{layer.gradients.factor:.3f} a step")
    parts.append(f"Lyapunov {layer.jacobians.lyapunov:+.3f}")
    parts += [f"{gate.name} gate {gate.mean:.2f}" for gate in layer.units.gates]
    if layer.units.dead > 0:
        parts.append(f"{layer.units.dead:.0%} dead")
    if layer.units.saturated > 0:
        parts.append(f"{layer.units.saturated:.0%} saturated")
    return ", ".join(parts)


def _plain(value: Any) -> Any:
    """Arrays as lists, and None for numbers that are not finite."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
