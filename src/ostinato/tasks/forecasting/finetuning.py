"""Going on to train networks that were trained before, on other series; they are never left worse than they were.

The latest windows of every series are kept apart. A network whose error there did not fall stays as it was.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from ostinato.errors import ConfigError, DataError, TrainingError
from ostinato.tasks.forecasting.combining import CombinedForecaster
from ostinato.tasks.forecasting.fitting import Member, Progress, Trained, held_out_batch, one_thread
from ostinato.tasks.forecasting.order import Order
from ostinato.tasks.forecasting.pool import MOST_WINDOWS, Pool
from ostinato.tasks.forecasting.trained import TrainedForecaster, check_values, season_of, split_values
from ostinato.tasks.forecasting.zero_shot import ZeroShotForecaster
from ostinato.tasks.pretrained.finetune import finetune as finetune_pretrained

if TYPE_CHECKING:
    from ostinato.data.batch import Batch
    from ostinato.tasks.forecasting.network import ForecastNetwork
    from ostinato.tasks.streaming.stream import Model

SLOWER = 5.0
"""How much smaller the learning rate is than that of the first training."""
HELD_OUT = 0.2
"""Share of the windows of each series, the latest, that a network is judged on."""
UPDATES = 300
"""Optimiser steps at most; a third of them without a better forecast end the training."""


def finetune_trained(
    model: TrainedForecaster, frame: pd.DataFrame, *, progress: Progress | None = None
) -> TrainedForecaster:
    """Go on training networks on the series of a frame, and stand at its end.

    Args:
        model: the networks.
        frame: unique_id, ds, y and the covariates that the networks know; regular.
        progress: called with (epochs done, epochs in all).

    Returns:
        Networks of which none forecasts the latest windows worse than before.
    """
    check_values(frame, split_values(frame))
    moved = model.with_history(frame)
    pool = moved.pool()
    stay, latest = pool.share.split(HELD_OUT)
    apart = held_out_batch(pool, latest)
    if apart is None:
        return moved
    epochs = max(1, UPDATES * model.plan.recipe.batch_size // max(min(stay.total, MOST_WINDOWS), 1))
    members: list[Trained] = []
    for number, member in enumerate(moved.members):
        done = number * epochs

        def report(epoch: int, _: int, done: int = done) -> None:
            if progress is not None:
                progress(done + epoch, epochs * len(moved.members))

        members.append(_continue(member, pool, apart, epochs=epochs, progress=report))
    return replace(moved, members=members)


def _continue(member: Trained, pool: Pool, apart: Batch, *, epochs: int, progress: Progress) -> Trained:
    """One network, trained on; as it was where that did not help, or failed."""
    import torch

    network = copy.deepcopy(member.network)

    def error() -> float:
        with one_thread(), torch.inference_mode():
            return float(network.loss(apart))

    before = error()
    try:
        history = _train(network, member.seed, pool, apart, epochs=epochs, progress=progress)
    except TrainingError:  # the loss became NaN
        return member
    after = error()
    facts = {**history, "error_before": before, "error_after": min(before, after)}
    return Member(network if after < before else member.network, member.seed, facts)


def _train(
    network: ForecastNetwork, seed: int, pool: Pool, apart: Batch, *, epochs: int, progress: Progress
) -> dict[str, Any]:
    """Train with small steps, up to the epoch that is best on the windows kept apart; return the history."""
    from ostinato.data.batch import Batches
    from ostinato.train.config import TrainConfig
    from ostinato.train.loop import fit

    recipe = pool.plan.recipe
    stay, _ = pool.share.split(HELD_OUT)
    with one_thread():
        history = fit(
            network,
            pool.source(stay, batch_size=recipe.batch_size, seed=seed),
            loss=lambda batch, _: (network.loss(batch), None),
            config=TrainConfig(
                epochs=epochs,
                learning_rate=recipe.learning_rate / SLOWER,
                optimizer="adamw" if recipe.weight_decay else "adam",
                weight_decay=recipe.weight_decay,
                clip_norm=recipe.clip_norm,
                ema=recipe.average,
                patience=max(1, epochs // 3),
                seed=seed,
            ),
            validation=Batches(apart, batch_size=512, shuffle=False),
            progress=lambda done, total, _: progress(done, total),
        )
    return history.to_dict()


def continued(
    model: Model, frame: pd.DataFrame, order: Order, *, progress: Progress | None = None
) -> tuple[Model, bool]:
    """A model, trained on on the series of a frame.

    Args:
        model: networks of any recipe but `streaming`; of `combined` ones the pretrained are trained on.
        frame: unique_id, ds, y and covariates; regular.
        order: frequency, horizon, season, seed, and what describes the series.
        progress: called with (epochs done, epochs in all).

    Returns:
        The model, and whether its networks are the pretrained ones, trained on.

    Raises:
        ConfigError: the frequency is another one, or the network carries its state.
    """
    if order.freq != model.freq:
        raise ConfigError(
            f"the frequency is {order.freq!r} but the networks were fitted to {model.freq!r}; fit another forecaster"
        )
    if isinstance(model, TrainedForecaster):
        return finetune_trained(replace(model, statics=order.statics), frame, progress=progress), False
    if isinstance(model, ZeroShotForecaster):
        season = order.season_length or season_of(frame, order.freq)
        start = replace(model, frame=frame[["unique_id", "ds", "y"]], season_length=season)
        return finetune_zero_shot(start, order.h, seed=order.seed, progress=progress), True
    if isinstance(model, CombinedForecaster):
        moved = model.with_history(frame[["unique_id", "ds", "y"]])
        tuned = finetune_zero_shot(moved.pretrained, order.h, seed=order.seed, progress=progress)
        return replace(moved, members=tuned.members), False
    raise ConfigError("a streaming forecaster takes new values by update; to train it anew use fit")


@dataclass(frozen=True)
class MakeFineTuned:
    """A function from a past to the pretrained networks, fine-tuned on it; it can be pickled.

    Attributes:
        freq: pandas alias or integer step.
        season_length: steps in a season; found in each past when None.
        h: steps to forecast.
        seed: of the windows that are drawn.
    """

    freq: str | int
    season_length: int | None
    h: int
    seed: int

    def __call__(self, past: pd.DataFrame) -> ZeroShotForecaster:
        """Fine-tune on the past."""
        return self.train(past)

    def train(self, past: pd.DataFrame, *, progress: Progress | None = None) -> ZeroShotForecaster:
        """Fine-tune on the past; networks that did not gain, or had too little to learn from, stay as they were."""
        check_values(past, split_values(past))
        start = ZeroShotForecaster(past, self.freq, self.season(past))
        return finetune_zero_shot(start, self.h, seed=self.seed, progress=progress)

    def season(self, past: pd.DataFrame) -> int:
        """Steps in a season of this past."""
        return season_of(past, self.freq) if self.season_length is None else self.season_length

    def shortest(self, past: pd.DataFrame) -> int:  # noqa: ARG002 - as the others have it
        """Rows that a past must have."""
        return 2


def finetune_zero_shot(
    model: ZeroShotForecaster, h: int, *, seed: int, progress: Progress | None = None
) -> ZeroShotForecaster:
    """The pretrained networks, trained on windows of the history they stand at the end of.

    Args:
        model: the networks and the history.
        h: steps to forecast.
        seed: of the windows that are drawn.
        progress: called with (updates done, updates in all).
    """
    known = model.frame.groupby("unique_id", sort=False, observed=True)["y"].transform("count") > 0
    past = model.frame.loc[known, ["unique_id", "ds", "y"]].reset_index(drop=True)
    try:
        with one_thread():
            tuned = finetune_pretrained(
                past,
                h,
                season_length=model.season_length,
                freq=model.freq,
                seed=seed,
                progress=progress,
            )
    except DataError:  # too short to cut windows from: the networks stay as they were
        return model
    return replace(model, members=tuned.members)
