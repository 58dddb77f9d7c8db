"""A fitted Forecaster as a model file, and back. Nothing in a file is executed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ostinato.data import frames
from ostinato.data.statics import Statics
from ostinato.errors import ConfigError, ModelFileError
from ostinato.evaluate.conformal import Conformal
from ostinato.evaluate.paths import Dependence
from ostinato.tasks.encoding import SeriesEncoding
from ostinato.tasks.fitting import Member
from ostinato.tasks.forecast import Forecaster
from ostinato.tasks.plan import Plan
from ostinato.tasks.pretrained_network import read_member, to_member, weight_files
from ostinato.tasks.recipes import find_recipe
from ostinato.tasks.streaming import Model
from ostinato.tasks.streaming_file import network_parts, read_network, read_stream, stream_parts
from ostinato.tasks.streaming_model import StreamingForecaster
from ostinato.tasks.trained import TrainedForecaster
from ostinato.tasks.zero_shot import ZeroShotForecaster
from ostinato.train.checkpoint import ModelFile, load_model, save_model

TASK = "forecast"
VALUES, LENGTHS, COVARIATES = "history.y", "history.lengths", "history.covariates"


def save(forecaster: Forecaster, path: Path) -> None:
    """Write a fitted forecaster: its settings, networks, encodings, interval widths and history."""
    model = forecaster.model_
    sizes = model.frame.groupby("unique_id", sort=False, observed=True).size()
    starts = model.frame.drop_duplicates("unique_id")
    conformal, dependence = forecaster.conformal_, forecaster.dependence_
    config = {
        "task": TASK,
        "parameters": _parameters(forecaster),
        "seed": forecaster.seed_,
        "freq": model.freq,
        "season_length": model.season_length,
        "series": [_plain(name) for name in starts["unique_id"]],
        "starts": [_plain(moment) for moment in starts["ds"]],
        "conformal": None if conformal is None else conformal.to_dict(),
        "statics": forecaster.statics_.to_dict(),
        "dependence": None if dependence is None else dependence.to_dict(),
    }
    networks, weights, history = _parts(model)
    if forecaster.stream_ is not None:
        config["stream"], arrays = stream_parts(forecaster.stream_)
        weights |= arrays
    weights[VALUES] = model.frame["y"].to_numpy(dtype=np.float64)
    weights[LENGTHS] = sizes.to_numpy(dtype=np.int64)
    columns = _columns(forecaster)
    if columns:
        weights[COVARIATES] = model.frame[list(columns)].to_numpy(dtype=np.float64)
    save_model(path, config={**config, **networks}, weights=weights, history=history)


def _columns(forecaster: Forecaster) -> tuple[str, ...]:
    """The covariates that stand beside the history, in the order of the file."""
    return forecaster.exogenous().channels(Statics()).columns


def _parameters(forecaster: Forecaster) -> dict[str, Any]:
    """The parameters as JSON can hold them."""
    lists = {
        name: [one if isinstance(one, str) else str(pd.Timestamp(one).date()) for one in value]
        for name, value in forecaster.get_params().items()
        if isinstance(value, Sequence) and not isinstance(value, str)
    }
    return {**forecaster.get_params(), **lists}


Parts = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]


def _parts(model: Model) -> Parts:
    """Config, weights and history of the networks."""
    if isinstance(model, StreamingForecaster):
        return network_parts(model)
    return _networks(model) if isinstance(model, TrainedForecaster) else _pretrained_networks()


def _networks(model: TrainedForecaster) -> Parts:
    """Config, weights and history of trained networks."""
    config = {
        "horizon": model.plan.horizon,
        "context": model.plan.context,
        "members": [member.seed for member in model.members],
        "encodings": [encoding.to_dict() for encoding in model.encodings],
    }
    weights = {
        f"member{number}.{name}": weight
        for number, member in enumerate(model.members)
        for name, weight in member.network.state_dict().items()
    }
    return config, weights, {f"member{number}": member.history for number, member in enumerate(model.members)}


def _pretrained_networks() -> Parts:
    """Config and weights of the networks of this package: a later version may bring others."""
    from safetensors.numpy import load_file

    files = weight_files()
    weights = {
        f"member{number}.{name}": weight
        for number, file in enumerate(files)
        for name, weight in load_file(file).items()
    }
    read = [(file.stem, read_member(file)) for file in files]
    members = [{"name": name, "plain": one.plain, "direct": one.direct} for name, one in read]
    return {"members": members}, weights, {}


def load(path: str | Path) -> Forecaster:
    """Read a fitted Forecaster from a model file.

    Args:
        path: the folder or zip file that `save` wrote.

    Returns:
        A forecaster that gives the forecasts the saved one gave.

    Raises:
        ModelFileError: the file is missing, damaged, altered, of another task or of a newer version.
    """
    file = load_model(path)
    if file.config.get("task") != TASK:
        raise ModelFileError(
            f"{path} holds a model for the task {file.config.get('task')!r}, not a forecaster"
        )
    try:
        return _rebuild(file)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError, ConfigError) as error:
        raise ModelFileError(f"{path} does not fit together ({error}); save the model again") from error


def _rebuild(file: ModelFile) -> Forecaster:
    config = file.config
    saved = config["parameters"].items()
    forecaster = Forecaster(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in saved}
    )
    frame = _frame(config, file.weights)
    columns = _columns(forecaster)
    if columns:
        frame[list(columns)] = file.weights[COVARIATES]
    statics = config.get("statics")  # not in files of the first version
    forecaster.statics_ = Statics() if statics is None else Statics.from_dict(statics)
    if find_recipe(forecaster.recipe).carried:
        forecaster.model_ = read_network(config, file.weights, file.history, frame)
    elif find_recipe(forecaster.recipe).trained:
        forecaster.model_ = _trained(file, forecaster, frame)
    else:
        members = tuple(
            to_member(
                _state(file, number),
                str(saved["name"]),
                plain=bool(saved["plain"]),
                direct=bool(saved.get("direct", False)),  # not in files of the first version
            )
            for number, saved in enumerate(config["members"])
        )
        forecaster.model_ = ZeroShotForecaster(frame, config["freq"], int(config["season_length"]), members)
    forecaster.freq_ = config["freq"]
    forecaster.season_length_ = int(config["season_length"])
    forecaster.seed_ = int(config["seed"])
    plain = frame[["unique_id", "ds", "y"]]
    forecaster.like_ = frames.to_long(plain)  # the kind of frame that came in is not known any more: pandas
    saved = config["conformal"]
    forecaster.conformal_ = None if saved is None else Conformal.from_dict(saved)
    saved = config.get("dependence")  # not in files of the first version
    forecaster.dependence_ = None if saved is None else Dependence.from_dict(saved)
    forecaster.backtest_ = None
    saved = config.get("stream")  # not in files that were never updated
    forecaster.stream_ = None if saved is None else read_stream(saved, file.weights, forecaster.model_)
    return forecaster


def _trained(file: ModelFile, forecaster: Forecaster, frame: pd.DataFrame) -> TrainedForecaster:
    """Trained networks at the end of a history."""
    config = file.config
    plan = Plan(
        recipe=find_recipe(forecaster.recipe),
        cell=forecaster.cell,
        context=int(config["context"]),
        horizon=int(config["horizon"]),
        seed=int(config["seed"]),
        season_length=int(config["season_length"]),
        channels=forecaster.exogenous().channels(forecaster.statics_),
    )
    encodings = [SeriesEncoding.from_dict(saved) for saved in config["encodings"]]
    if len(encodings) != len(config["series"]):
        raise ValueError(f"{len(encodings)} encodings for {len(config['series'])} series")
    members = [_member(file, plan, number, seed) for number, seed in enumerate(config["members"])]
    return TrainedForecaster(plan, members, encodings, frame, config["freq"], forecaster.statics_)


def _member(file: ModelFile, plan: Plan, number: int, seed: int) -> Member:
    import torch

    from ostinato.tasks.network import ForecastNetwork

    state = {name: torch.from_numpy(np.array(array)) for name, array in _state(file, number).items()}
    network = ForecastNetwork(plan)
    network.load_state_dict(state)
    return Member(network.eval(), int(seed), dict(file.history[f"member{number}"]))


def _state(file: ModelFile, number: int) -> dict[str, Any]:
    """The weights of one network by their own names."""
    prefix = f"member{number}."
    return {
        name.removeprefix(prefix): weight for name, weight in file.weights.items() if name.startswith(prefix)
    }


def _frame(config: dict[str, Any], weights: dict[str, Any]) -> pd.DataFrame:
    """The history on its grid: only the first time of each series is stored."""
    lengths = weights[LENGTHS].tolist()
    dated = isinstance(config["starts"][0], str)
    starts = [pd.Timestamp(moment) if dated else int(moment) for moment in config["starts"]]
    first = pd.DataFrame({"unique_id": config["series"], "ds": starts})
    if len(lengths) != len(first) or sum(lengths) != len(weights[VALUES]):
        raise ValueError("the history is not as long as it says")
    rows = frames.future(first, config["freq"], max(lengths))  # each start is followed by this many steps
    whole = pd.concat([first, rows]).reset_index(drop=True)
    place = whole.groupby("unique_id", sort=False, observed=True).cumcount()
    kept = whole[place < whole["unique_id"].map(dict(zip(config["series"], lengths, strict=True)))]
    order = pd.Categorical(kept["unique_id"], categories=config["series"], ordered=True).codes
    kept = kept.iloc[np.lexsort((kept["ds"].to_numpy(), order))].reset_index(drop=True)
    return kept.assign(y=weights[VALUES])


def _plain(value: Any) -> Any:
    """A name or a time as JSON can hold it."""
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value
