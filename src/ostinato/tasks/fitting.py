"""Training the networks of a forecaster: windows of all series, a few networks that differ by their seed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.windows import Windows, windows
from ostinato.errors import DataError
from ostinato.tasks.encoding import SeriesEncoding, encode_all, show
from ostinato.tasks.recipes import Recipe

if TYPE_CHECKING:
    from ostinato.data.batch import Batch
    from ostinato.tasks.network import ForecastNetwork

Values = NDArray[np.float64]
Progress = Callable[[int, int], None]

MOST_WINDOWS = 20_000
"""Windows that one fit draws at most."""

SHORTEST_CONTEXT = 4
"""Real steps that the shortest window must look back."""


@dataclass(frozen=True)
class Plan:
    """What a fit will do, decided before it starts.

    Attributes:
        recipe: the settings.
        cell: "rnn", "lstm" or "gru".
        context: steps a window looks back.
        horizon: steps the network answers at once.
        seed: of the first network; the others count up from it.
        season_length: steps in a season.
    """

    recipe: Recipe
    cell: str
    context: int
    horizon: int
    seed: int
    season_length: int

    @classmethod
    def make(cls, recipe: Recipe, *, cell: str, h: int, season_length: int, seed: int) -> Plan:
        """The plan for a horizon of `h` steps."""
        context = recipe.context or int(np.clip(2 * season_length, 24, 128))
        return cls(recipe, cell, context, h if recipe.direct else 1, seed, season_length)

    @property
    def shortest(self) -> int:
        """Rows that at least one series must have."""
        look_back = SHORTEST_CONTEXT if self.recipe.relative else self.context
        return look_back + self.horizon + (1 if self.recipe.relative else 9)

    @property
    def features(self) -> int:
        """Features a step."""
        return 2 if self.recipe.relative else 1


@dataclass(frozen=True)
class Member:
    """One trained network.

    Attributes:
        network: the network, ready to predict.
        seed: what it was trained with.
        history: what the training went through: losses by epoch, seconds.
    """

    network: ForecastNetwork
    seed: int
    history: dict[str, Any]


def fit_members(
    encodings: Sequence[SeriesEncoding],
    pasts: Sequence[Values],
    plan: Plan,
    *,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> list[Member]:
    """Train the networks of an ensemble on all windows of all series.

    With early stopping, a first network is trained without the latest windows of each series and tells how many
    epochs are best on them; the members are then trained on all windows for that long.

    Args:
        encodings: of each series.
        pasts: (time,) values of each series in its own unit; NaN where missing.
        plan: what to do.
        checkpoint: folder in which an interrupted training leaves its state and finds it again.
        progress: called with (epochs done, epochs in all).

    Returns:
        The members.

    Raises:
        DataError: no series has a window with a real past and future.
        TrainingError: the loss became NaN.
    """
    cut = _cut(encodings, pasts, plan)
    latest = cut.latest(plan.recipe.validation)
    typical = np.array([encoding.typical for encoding in encodings])
    epochs = _epochs(len(cut), plan.recipe)
    work = _Work(plan, checkpoint, progress, total=epochs[1] * (plan.recipe.members + plan.recipe.stop_early))
    training = _batch(cut.select(~latest), typical, plan)
    held_out = _batch(cut.select(latest), typical, plan) if latest.any() else None
    if held_out is not None and held_out.real == 0:  # constant windows have nothing to judge by
        held_out = None
    if not plan.recipe.stop_early:
        return [work.train(training, epochs[1], number, held_out) for number in range(plan.recipe.members)]
    scout = work.train(training, epochs[1], plan.recipe.members, held_out, patience=max(epochs[0] // 2, 1))
    best = _best_epoch(scout.history, epochs)
    everything = _batch(cut, typical, plan)
    members = [work.train(everything, best, number, None) for number in range(plan.recipe.members)]
    return [replace(members[0], history={**scout.history, "chosen_epochs": best}), *members[1:]]


class _Work:
    """The trainings of one fit, one after the other, with one progress over all."""

    def __init__(self, plan: Plan, checkpoint: Path | None, progress: Progress | None, *, total: int) -> None:
        self.plan = plan
        self.checkpoint = checkpoint
        self.progress = progress
        self.total = total
        self.done = 0

    def train(
        self,
        data: Batch,
        epochs: int,
        number: int,
        held_out: Batch | None,
        *,
        patience: int | None = None,
    ) -> Member:
        """Train one network from its first weights."""
        import torch

        from ostinato.data.batch import Batches
        from ostinato.tasks.network import ForecastNetwork
        from ostinato.train.config import TrainConfig
        from ostinato.train.loop import fit

        plan, recipe = self.plan, self.plan.recipe
        seed = plan.seed + number
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = ForecastNetwork(recipe, cell=plan.cell, features=plan.features, horizon=plan.horizon)
        config = TrainConfig(
            epochs=epochs,
            learning_rate=recipe.learning_rate,
            optimizer="adamw" if recipe.weight_decay else "adam",
            weight_decay=recipe.weight_decay,
            clip_norm=recipe.clip_norm,
            ema=recipe.average,
            patience=patience,
            seed=seed,
        )
        with one_thread():
            history = fit(
                network,
                Batches(data, batch_size=recipe.batch_size, seed=seed),
                loss=lambda batch, _: (
                    network.head.loss(network(batch.inputs), batch.targets, batch.mask),
                    None,
                ),
                config=config,
                validation=None if held_out is None else Batches(held_out, batch_size=512, shuffle=False),
                checkpoint=self._file(data, number),
                resume=self.checkpoint is not None,
                progress=self._report,
            )
        self.done += epochs
        return Member(network, seed, history.to_dict())

    def _file(self, data: Batch, number: int) -> Path | None:
        """The checkpoint of one training; another plan or other data have another name."""
        if self.checkpoint is None:
            return None
        self.checkpoint.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(repr(self.plan).encode())
        for tensor in (data.inputs, data.targets):
            digest.update(tensor.numpy().tobytes())
        return self.checkpoint / f"{digest.hexdigest()[:16]}-{number}.safetensors"

    def _report(self, done: int, _epochs: int, _losses: dict[str, float]) -> None:
        if self.progress is not None:
            self.progress(self.done + done, self.total)


def answer(members: Sequence[Member], features: NDArray[np.float32]) -> Values:
    """What the ensemble answers to windows: the median of its networks.

    Args:
        members: the networks.
        features: (windows, context, features).

    Returns:
        (windows, horizon).
    """
    import torch

    inputs = torch.from_numpy(np.ascontiguousarray(features))
    with one_thread(), torch.inference_mode():
        answers = [
            torch.cat([member.network(chunk) for chunk in torch.split(inputs, 4096)]).double().numpy()
            for member in members
        ]
    return np.asarray(np.median(answers, axis=0), dtype=np.float64)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread: networks this small lose more by sharing a step than they gain."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cut(encodings: Sequence[SeriesEncoding], pasts: Sequence[Values], plan: Plan) -> Windows:
    """All windows of all series; at most `MOST_WINDOWS`, thinned evenly."""
    encoded = encode_all(encodings, pasts)
    least = SHORTEST_CONTEXT if plan.recipe.relative else plan.context
    count = sum(max(0, len(values) - least - plan.horizon + 1) for values in encoded)
    cut = windows(
        encoded,
        context=plan.context,
        horizon=plan.horizon,
        stride=max(1, math.ceil(count / MOST_WINDOWS)),
        min_context=min(least, plan.context),
    )
    if len(cut) == 0:
        raise DataError(
            f"no series has {least + plan.horizon} rows with real values, which a horizon of {plan.horizon} needs; "
            "use a smaller horizon"
        )
    return cut


def _batch(cut: Windows, typical: Values, plan: Plan) -> Batch:
    """Windows as tensors; a target without a scale, or missing, is masked."""
    import torch

    from ostinato.data.batch import Batch

    shown = show(cut.inputs, cut.observed, typical[cut.series], plan.recipe)
    targets = shown.targets(cut.targets)
    real = cut.mask & np.isfinite(targets)
    return Batch(
        inputs=torch.from_numpy(shown.features),
        targets=torch.from_numpy(np.where(real, targets, 0.0).astype(np.float32)),
        mask=torch.from_numpy(real),
    )


def _epochs(count: int, recipe: Recipe) -> tuple[int, int]:
    """Fewest and most epochs for so many windows: more steps for more windows, but not in proportion."""
    if recipe.epochs is not None:
        return recipe.epochs, recipe.epochs
    steps_an_epoch = math.ceil(count / recipe.batch_size)
    growth = max(1.0, math.sqrt(count / 200))
    fewest, most = (math.ceil(steps * growth / steps_an_epoch) for steps in recipe.steps)
    return max(1, fewest), max(1, most)


def _best_epoch(history: dict[str, Any], epochs: tuple[int, int]) -> int:
    """The epoch after which the held-out windows were forecast best, from the usual number on.

    The last one where the scout gave up before: the held-out windows are few, and their best is often the first epoch.
    """
    losses = history["validation"]
    if not losses:
        return epochs[0]
    start = min(epochs[0], len(losses)) - 1
    return start + 1 + int(np.argmin(losses[start:]))
