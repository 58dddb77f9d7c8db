"""Opening a fitted forecaster: one of its networks as a torch module, and what of its history to run through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ostinato.data.batch import Batch
    from ostinato.tasks.forecasting.trained import TrainedForecaster
    from ostinato.tasks.forecasting.zero_shot import ZeroShotForecaster
    from ostinato.tasks.pretrained.network import Member
    from ostinato.tasks.streaming.model import StreamingForecaster

ROWS = 64
"""Windows of a forecaster's history that are run through its network."""
USUAL_STEPS = 12
"""Steps ahead that pretrained networks are asked for where there is no season."""
SHORTEST = 24
"""Steps that a network which carries its state is shown at least."""
LEAST_PAST = 8
"""Steps of the past that they are shown at least."""


@dataclass(frozen=True)
class Opened:
    """A network of a forecaster, and what to run through it.

    Attributes:
        network: a torch module with a recurrent layer.
        batch: windows of the history.
        loss: `loss(network, batch) -> scalar`, the one that it was trained with.
        answer: `answer(network, inputs) -> (rows,)`, its forecast of the first step after the inputs of the batch.
        season_length: steps in a season.
        season_removed: whether the season is taken out before the network looks.
        covers: steps of the series that the network reads at once, from the last ones back; empty for one each.
    """

    network: nn.Module
    batch: Batch
    loss: Callable[[Any, Any], Tensor]
    answer: Callable[[Any, Tensor], Tensor]
    season_length: int
    season_removed: bool
    covers: tuple[int, ...] = ()


def open_forecaster(model: Any, frame: Any = None) -> Opened:
    """Open the first network of a fitted forecaster.

    Args:
        model: `Forecaster.model_`.
        frame: other series than those it was fitted on.

    Raises:
        ConfigError: the forecaster looks at covariates beside the other series, or has nothing to run.
        DataError: the frame cannot be used.
    """
    from ostinato.data import frames
    from ostinato.tasks.forecasting.combining import CombinedForecaster
    from ostinato.tasks.forecasting.trained import TrainedForecaster
    from ostinato.tasks.streaming.model import StreamingForecaster

    if isinstance(model, CombinedForecaster):
        model = model.trained  # those of its networks that know these series
    trained = isinstance(model, TrainedForecaster)
    if frame is not None:
        if trained and model.plan.channels:
            raise ConfigError(
                "this forecaster looks at covariates, which other series do not bring along here; diagnose it on its "
                "own history"
            )
        model = model.with_history(frames.regularise(frames.to_long(frame).frame, model.freq))
    if trained:
        return _open_trained(model)
    return _open_streaming(model) if isinstance(model, StreamingForecaster) else _open_pretrained(model)


def windows_of(trained: TrainedForecaster, rows: int = ROWS) -> Batch:
    """Windows of a forecaster's series, evenly over all of them.

    Raises:
        ConfigError: there is no window with a real value to forecast.
    """
    pool = trained.pool()
    share = pool.share
    batch = pool.batch(*share.places(share.spread(rows)))
    if not batch.real:
        raise _nothing()
    return batch


def own_loss(network: Any, batch: Batch) -> Any:
    """The loss that a forecaster's network was trained with."""
    return network.loss(batch)


def _open_trained(trained: TrainedForecaster) -> Opened:
    """The first of the networks trained on windows."""
    batch = windows_of(trained)
    ahead = batch.rows.get("ahead")

    def first_step(network: Any, inputs: Tensor) -> Tensor:
        # (rows,), or (rows, levels) with the median in the middle
        answer: Tensor = network(inputs, ahead)[:, 0]
        return answer if answer.dim() == 1 else answer[:, answer.size(1) // 2]

    return Opened(
        trained.members[0].network,
        batch,
        own_loss,
        first_step,
        trained.season_length,
        trained.plan.recipe.adjust,
    )


def _open_streaming(model: StreamingForecaster) -> Opened:
    """The network that carries its state, over stretches of the history."""
    import torch

    from ostinato.data.batch import Batch
    from ostinato.tasks.forecasting.recipes import find_recipe
    from ostinato.tasks.forecasting.trained import split_values
    from ostinato.tasks.streaming.network import as_module, learning_rows

    network = as_module(model.weights, find_recipe("streaming").loss)
    batch, _ = learning_rows(split_values(model.frame), model.starts, model.weights.horizon, 0.0)
    if not batch.real or batch.mask is None:
        raise _nothing()
    # As long as the windows of other recipes: over hundreds of steps the gradient of any network fades.
    steps = max(SHORTEST, 2 * max(model.season_length, model.weights.horizon))
    inputs, targets, mask = (part[:, -steps:] for part in (batch.inputs, batch.targets, batch.mask))
    kept = torch.nonzero(mask.flatten(1).any(dim=1)).squeeze(1)
    kept = kept[torch.from_numpy(_spread(len(kept)))]
    batch = Batch(inputs, targets, mask).select(kept)
    return Opened(
        network,
        batch,
        lambda network, batch: network["head"].loss(
            network["head"](network["recurrent"](batch.inputs)[0]), batch.targets, batch.mask
        ),
        lambda network, inputs: network["head"](network["recurrent"](inputs)[0][:, -1])[:, 0],
        model.season_length,
        season_removed=True,
    )


def _open_pretrained(model: ZeroShotForecaster) -> Opened:
    """A pretrained network in torch, over windows of the history."""
    from ostinato.tasks.pretrained.training import network_of, quantile_loss

    member = _usual_member(model)
    batch = _pretrained_windows(model, member)

    def quantiles(network: Any, inputs: Tensor, batch: Batch = batch) -> Tensor:
        found: Tensor = network(inputs, *(batch.rows[name] for name in ("statistics", "steps", "experts")))
        return found

    return Opened(
        network_of(member),
        batch,
        lambda network, batch: quantile_loss(
            quantiles(network, batch.inputs, batch), batch.targets, batch.rows["weight"]
        ),
        lambda network, inputs: quantiles(network, inputs)[:, 0, 4],
        model.season_length,
        season_removed=True,
        covers=_steps_read(member, batch.inputs.size(1)),
    )


def _usual_member(model: ZeroShotForecaster) -> Member:
    """The first pretrained network that reads series of all kinds."""
    from ostinato.tasks.pretrained.network import load_members

    members = load_members() if model.members is None else model.members
    return next((each for each in members if each.form.name == "mixed"), members[0])


def _pretrained_windows(model: ZeroShotForecaster, member: Member) -> Batch:
    """Windows of a history as a pretrained network reads it, and what followed them; the usual number of patches."""
    import torch

    from ostinato.data.batch import Batch
    from ostinato.tasks.forecasting.trained import split_values
    from ostinato.tasks.pretrained import inputs
    from ostinato.tasks.pretrained.forecaster import long_season_of
    from ostinato.tasks.pretrained.windows import cut

    h = model.season_length if model.season_length > 1 else USUAL_STEPS
    read_for = member.form.read_for
    long_season = long_season_of(model.season_length, model.freq)
    longest = 4 * max(model.season_length, long_season, inputs.CONTEXT // 4)
    pieces = [
        (past[max(0, end - longest) : end], past[end : end + h])
        for past in split_values(model.frame)
        for end in range(LEAST_PAST, len(past) - h + 1)
    ]
    pieces = [piece for piece in pieces if np.isfinite(piece[0]).any() and np.isfinite(piece[1]).any()]
    if not pieces:
        raise _nothing()
    (read, _), *_ = Counter(read_for(len(past)) for past, _ in pieces).most_common(1)
    pieces = [piece for piece in pieces if read_for(len(piece[0])) == read]
    pieces = [pieces[place] for place in _spread(len(pieces)).tolist()]
    width = max(len(past) for past, _ in pieces)
    history = np.full((len(pieces), width), np.nan, dtype=np.float32)
    for row, (past, _) in zip(history, pieces, strict=True):
        row[width - len(past) :] = past
    windows = cut(
        history,
        np.stack([future for _, future in pieces]).astype(np.float32),
        (model.season_length, long_season),
        np.arange(1, h + 1),
        patches=read,
        form=member.form,
        plain=member.plain,
    )
    tensors = {name: torch.from_numpy(array) for name, array in vars(windows).items()}
    patches, target = tensors.pop("patches"), tensors.pop("target")
    return Batch(patches, target, tensors["weight"] > 0, rows=tensors)


def _steps_read(member: Member, patches: int) -> tuple[int, ...]:
    """Steps of the series in each patch, from the last one back; empty for single steps."""
    from ostinato.tasks.pretrained import inputs, long

    if member.form.name == "direct":
        return ()
    if member.form.name == "long":
        return (long.PATCH,) * patches
    fine = min(patches, inputs.FINE_STEPS // inputs.FINE_PATCH)
    return (inputs.FINE_PATCH,) * fine + (inputs.COARSE_PATCH,) * (patches - fine)


def _spread(count: int) -> NDArray[np.int64]:
    """At most so many of some rows, evenly over them."""
    return np.unique(np.linspace(0, count - 1, min(count, ROWS)).astype(np.int64))


def _nothing() -> ConfigError:
    return ConfigError("no window of these series has a value to forecast; give a longer history")
