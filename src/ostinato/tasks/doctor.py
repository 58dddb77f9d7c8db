"""The gradient doctor for networks and estimators: what to run through them, and the diagnosis."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ostinato.errors import ConfigError
from ostinato.tasks.checks import check_horizon, check_seed
from ostinato.tasks.opening import open_forecaster, own_loss, windows_of

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from ostinato.tasks.forecasting.plan import Plan
    from ostinato.tasks.forecasting.trained import TrainedForecaster
    from ostinato.train.config import TrainConfig
    from ostinato.train.diagnosis.diagnosis import Diagnosis
    from ostinato.train.diagnosis.reading import Loss
    from ostinato.train.diagnosis.watch import TrainingWatch, Writer

UPDATES = 100
"""Updates of the training that a data file is diagnosed by."""

Progress = Callable[[int, int], None]


def diagnose(
    model: Any,
    examples: Any = None,
    loss: Loss | None = None,
    *,
    season_length: int | None = None,
    config: TrainConfig | None = None,
    watch: TrainingWatch | None = None,
) -> Diagnosis:
    """Say how far back a network remembers, what is wrong with it, and what to change.

    Args:
        model: a torch module with recurrent layers, ours or torch's; a fitted `Forecaster`; or another estimator
            that holds one, with its examples and its loss; of several networks the first is opened.
        examples: what the model takes: inputs, a pair of inputs and targets, or a `Batch`. For a Forecaster a frame of
            other series, or nothing for windows of the history it was fitted on.
        loss: `loss(model, examples) -> scalar`. Without one: the mean squared error, or the cross-entropy where the
            targets are whole numbers; for inputs alone half the mean square of the output; for a Forecaster its own.
        season_length: steps in a season of the data, to set the memory beside; a Forecaster knows its own.
        config: the settings of the training, for its truncation.
        watch: what watched the training, for the size of updates and clipping.

    Returns:
        The diagnosis. The model is left as it was: weights, gradients, modes, random numbers.

    Raises:
        ConfigError: there is no recurrent layer, or the loss cannot be followed back to one.
        DataError: the frame cannot be used.

    Examples:
        >>> import torch
        >>> network = torch.nn.RNN(2, 8, batch_first=True)
        >>> with torch.no_grad():
        ...     _ = torch.nn.init.orthogonal_(network.weight_hh_l0).mul_(0.5)
        >>> [finding.name for finding in diagnose(network, torch.randn(4, 30, 2)).findings]
        ['vanishing']
    """
    from torch import nn

    from ostinato.train.diagnosis.diagnosis import diagnose_module

    trained = getattr(model, "model_", None)
    if trained is not None:
        opened = open_forecaster(trained, examples)
        return diagnose_module(
            opened.network,
            opened.batch,
            loss or opened.loss,
            season_length=opened.season_length if season_length is None else season_length,
            season_removed=opened.season_removed,
            covers=opened.covers,
            config=config,
            watch=watch,
        )
    members = getattr(model, "members_", None)
    network = members[0].network if members else getattr(model, "network_", model)
    if not isinstance(network, nn.Module):
        raise ConfigError(
            f"the doctor cannot look into {type(model).__name__}; give a torch module with recurrent layers, or a "
            "fitted estimator"
        )
    if examples is None:
        raise ConfigError(
            f"there is nothing to run through {type(model).__name__}; give inputs, a pair of inputs and targets, or a "
            "Batch"
        )
    return diagnose_module(network, examples, loss, season_length=season_length, config=config, watch=watch)


def diagnose_series(
    frame: pd.DataFrame,
    freq: str | int,
    *,
    season_length: int,
    h: int | None = None,
    cell: str = "lstm",
    seed: int = 0,
    progress: Progress | None = None,
    writer: Writer | None = None,
) -> Diagnosis:
    """Train the default network on series for a moment, watch it, and diagnose it.

    Args:
        frame: unique_id, ds, y; regular.
        freq: pandas alias or integer step.
        season_length: steps in a season; 1 for none.
        h: steps to forecast; one season, or 12 without one, when None.
        cell: the recurrent cell.
        seed: of the first weights and the order of the windows.
        progress: called with (epochs done, epochs in all).
        writer: takes what the watch sees as it comes, such as TensorBoard's.

    Returns:
        The diagnosis.

    Raises:
        ConfigError: an argument cannot be used.
        DataError: the series are too short.
        TrainingError: the loss became NaN.
    """
    from ostinato.tasks.forecasting.encoding import SeriesEncoding
    from ostinato.tasks.forecasting.plan import Plan
    from ostinato.tasks.forecasting.recipes import find_recipe
    from ostinato.tasks.forecasting.trained import TrainedForecaster, check_lengths, split_values
    from ostinato.train.diagnosis.diagnosis import diagnose_module

    steps = check_horizon((season_length if season_length > 1 else 12) if h is None else h)
    plan = Plan.make(
        find_recipe("default"), cell=cell, h=steps, season_length=season_length, seed=check_seed(seed)
    )
    pasts = split_values(frame)
    check_lengths(frame, pasts, plan)
    encodings = [SeriesEncoding.fit(past, season_length, plan.recipe) for past in pasts]
    untrained = TrainedForecaster(plan, [], encodings, frame, freq)
    network, watch = _train(untrained, plan, progress, writer)
    return diagnose_module(
        network,
        windows_of(untrained),
        own_loss,
        season_length=season_length,
        season_removed=plan.recipe.adjust,
        watch=watch,
    )


def _train(
    untrained: TrainedForecaster, plan: Plan, progress: Progress | None, writer: Writer | None
) -> tuple[nn.Module, TrainingWatch]:
    """A network after a short training, and what was seen of it."""
    import torch

    from ostinato.tasks.forecasting.fitting import one_thread
    from ostinato.tasks.forecasting.network import ForecastNetwork
    from ostinato.train.config import TrainConfig
    from ostinato.train.diagnosis.watch import TrainingWatch
    from ostinato.train.loop import fit

    recipe, pool = plan.recipe, untrained.pool()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        network = ForecastNetwork(plan)
    an_epoch = max(1, -(-pool.share.total // recipe.batch_size))
    config = TrainConfig(
        epochs=max(1, UPDATES // an_epoch),
        learning_rate=recipe.learning_rate,
        optimizer="adamw" if recipe.weight_decay else "adam",
        weight_decay=recipe.weight_decay,
        clip_norm=recipe.clip_norm,
        seed=plan.seed,
    )
    watch = TrainingWatch(config, every=2, loss=own_loss, writer=writer)
    with one_thread():
        fit(
            network,
            pool.source(pool.share, batch_size=recipe.batch_size, seed=plan.seed),
            loss=lambda batch, _: (network.loss(batch), None),
            config=config,
            watchers=[watch],
            progress=None if progress is None else lambda done, total, _: progress(done, total),
        )
    return network, watch
