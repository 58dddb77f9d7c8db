"""Training the networks of a forecaster: windows of all series, a few networks that differ by their seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ostinato.data.windows import Share
from ostinato.errors import DataError
from ostinato.tasks.forecasting.plan import Plan
from ostinato.tasks.forecasting.pool import MOST_WINDOWS, Pool
from ostinato.tasks.forecasting.recipes import Recipe

if TYPE_CHECKING:
    from ostinato.data.batch import Batch
    from ostinato.tasks.forecasting.network import ForecastNetwork
    from ostinato.train.config import TrainConfig

Values = NDArray[np.float64]
Features = NDArray[np.float32]
Progress = Callable[[int, int], None]


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

    def weights(self) -> Mapping[str, Any]:
        """Its weights by name."""
        return self.network.state_dict()

    def answer(self, features: Features, ahead: Features | None) -> Values:
        """What the network answers to windows; see `answer`."""
        import torch

        inputs = torch.from_numpy(np.ascontiguousarray(features))
        known = None if ahead is None else torch.from_numpy(np.ascontiguousarray(ahead))
        with one_thread(), torch.inference_mode():
            answers: Values = self.network(inputs, known).double().numpy()
        return answers[..., None] if answers.ndim == 2 else answers


class Trained(Protocol):
    """What a trained network is, whether it was trained just now (`Member`) or read from a file (`StoredMember`)."""

    @property
    def network(self) -> ForecastNetwork:
        """The network, ready to predict."""
        ...

    @property
    def seed(self) -> int:
        """What it was trained with."""
        ...

    @property
    def history(self) -> dict[str, Any]:
        """What the training went through."""
        ...

    def weights(self) -> Mapping[str, Any]:
        """Its weights by name."""
        ...

    def answer(self, features: Features, ahead: Features | None) -> Values:
        """What the network answers to windows; see `answer`."""
        ...


def fit_members(
    pool: Pool, *, checkpoint: Path | None = None, progress: Progress | None = None
) -> list[Member]:
    """Train the networks of an ensemble on the windows of all series.

    With early stopping, a first network is trained without the latest windows of each series and tells how many
    epochs are best on them; the members are then trained on all windows for that long.

    Args:
        pool: the encoded series and what to do.
        checkpoint: folder in which an interrupted training leaves its state and finds it again.
        progress: called with (epochs done, epochs in all).

    Returns:
        The members.

    Raises:
        DataError: no series has a window with a real past and future.
        TrainingError: the loss became NaN.
    """
    plan, recipe = pool.plan, pool.plan.recipe
    _check_windows(pool)
    stay, latest = pool.share.split(recipe.validation)
    epochs = _epochs(min(pool.share.total, MOST_WINDOWS), plan)
    work = _Work(pool, checkpoint, progress, total=epochs[1] * (recipe.members + recipe.stop_early))
    held_out = held_out_batch(pool, latest)
    if not recipe.stop_early:
        return [work.train(stay, epochs[1], number, held_out) for number in range(recipe.members)]
    scout = work.train(stay, epochs[1], recipe.members, held_out, patience=max(epochs[0] // 2, 1))
    best = _best_epoch(scout.history, epochs)
    members = [work.train(pool.share, best, number, None) for number in range(recipe.members)]
    return [replace(members[0], history={**scout.history, "chosen_epochs": best}), *members[1:]]


def held_out_batch(pool: Pool, latest: Share) -> Batch | None:
    """The latest windows, evenly thinned where they are many; None where they have nothing to judge by."""
    if latest.total == 0:
        return None
    batch = pool.batch(*latest.places(latest.spread(MOST_WINDOWS // 5)))
    return batch if batch.real else None


class _Work:
    """The trainings of one fit, one after the other, with one progress over all."""

    def __init__(self, pool: Pool, checkpoint: Path | None, progress: Progress | None, *, total: int) -> None:
        self.pool = pool
        self.checkpoint = checkpoint
        self.progress = progress
        self.total = total
        self.done = 0

    def train(
        self,
        share: Share,
        epochs: int,
        number: int,
        held_out: Batch | None,
        *,
        patience: int | None = None,
    ) -> Member:
        """Train one network from its first weights."""
        import torch

        from ostinato.data.batch import Batches
        from ostinato.tasks.forecasting.network import ForecastNetwork
        from ostinato.train.loop import fit

        plan, recipe = self.pool.plan, self.pool.plan.recipe
        seed = plan.seed + number
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = ForecastNetwork(plan)
        config = training_config(recipe, epochs, patience, seed)
        with one_thread():
            history = fit(
                network,
                self.pool.source(share, batch_size=recipe.batch_size, seed=seed),
                loss=lambda batch, _: (network.loss(batch), None),
                config=config,
                validation=None if held_out is None else Batches(held_out, batch_size=512, shuffle=False),
                checkpoint=self._file(share, number),
                resume=self.checkpoint is not None,
                progress=self._report,
            )
        self.done += epochs
        return Member(network, seed, history.to_dict())

    def _file(self, share: Share, number: int) -> Path | None:
        """The checkpoint of one training; another plan or other data have another name."""
        if self.checkpoint is None:
            return None
        self.checkpoint.mkdir(parents=True, exist_ok=True)
        return self.checkpoint / f"{self.pool.digest(share)}-{number}.safetensors"

    def _report(self, done: int, _epochs: int, _losses: dict[str, float]) -> None:
        if self.progress is not None:
            self.progress(self.done + done, self.total)


def answer(members: Sequence[Trained], features: Features, ahead: Features | None = None) -> Values:
    """What the ensemble answers to windows: the median of its networks.

    Args:
        members: the networks.
        features: (windows, context, features).
        ahead: (windows, horizon, features) what is known of the steps ahead.

    Returns:
        (windows, horizon, levels): rising quantiles, or one number where networks give no quantiles.
    """
    answers = [member.answer(features, ahead) for member in members]
    return np.asarray(np.median(answers, axis=0), dtype=np.float64)


def training_config(recipe: Recipe, epochs: int, patience: int | None, seed: int) -> TrainConfig:
    """How the networks of a recipe are trained.

    Args:
        recipe: learning rate, decay, clipping and averaging.
        epochs: at most.
        patience: epochs without a better one before a training stops; None for no stop.
        seed: of the dropout.
    """
    from ostinato.train.config import TrainConfig

    return TrainConfig(
        epochs=epochs,
        learning_rate=recipe.learning_rate,
        optimizer="adamw" if recipe.weight_decay else "adam",
        weight_decay=recipe.weight_decay,
        clip_norm=recipe.clip_norm,
        ema=recipe.average,
        patience=patience,
        seed=seed,
    )


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


def _check_windows(pool: Pool) -> None:
    """Refuse series in which no window has a real value before its origin and one after it.

    Raises:
        DataError: with the rows that are needed.
    """
    plan, store = pool.plan, pool.store
    before = np.append(0, np.cumsum(~np.isnan(store.values)))  # real values up to each row
    starts, ends = (np.repeat(at, store.lengths) for at in (store.starts, store.starts + store.lengths))
    rows = np.arange(len(store.values))
    past = before[rows] - before[np.maximum(rows - plan.context, starts)]
    future = before[np.minimum(rows + plan.horizon, ends)] - before[rows]
    inside = (rows - starts >= plan.least) & (ends - rows >= plan.horizon)
    if not (inside & (past > 0) & (future > 0)).any():
        raise DataError(
            f"no series has {plan.least + plan.horizon} rows with real values, which a horizon of {plan.horizon} "
            "needs; use a smaller horizon"
        )


def _epochs(count: int, plan: Plan) -> tuple[int, int]:
    """Fewest and most epochs for so many windows: more steps for more windows, but not in proportion."""
    if plan.recipe.epochs is not None:
        return plan.recipe.epochs, plan.recipe.epochs
    steps_an_epoch = math.ceil(count / plan.recipe.batch_size)
    growth = max(1.0, math.sqrt(count / 200))
    fewest, most = (math.ceil(steps * growth / steps_an_epoch) for steps in plan.steps)
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
