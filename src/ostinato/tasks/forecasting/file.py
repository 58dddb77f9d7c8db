"""A fitted Forecaster as a model file, and back. Nothing in a file is executed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.data import frames
from ostinato.data.statics import Statics
from ostinato.errors import ConfigError, ModelFileError
from ostinato.tasks.forecasting.combining import CombinedForecaster
from ostinato.tasks.forecasting.encoding import SeriesEncoding
from ostinato.tasks.forecasting.exogenous import Exogenous
from ostinato.tasks.forecasting.forecaster import Forecaster
from ostinato.tasks.forecasting.judging import Errors
from ostinato.tasks.forecasting.plan import Plan
from ostinato.tasks.forecasting.recipes import Recipe, find_recipe
from ostinato.tasks.forecasting.trained import TrainedForecaster
from ostinato.tasks.forecasting.zero_shot import ZeroShotForecaster
from ostinato.tasks.pretrained.forms import FORMS
from ostinato.tasks.pretrained.network import Member as PretrainedMember
from ostinato.tasks.pretrained.network import load_members, to_member, weight_files
from ostinato.tasks.stored import StoredMember
from ostinato.tasks.streaming.file import KIND as STREAMING
from ostinato.tasks.streaming.file import network_parts, read_network, read_stream, stream_parts
from ostinato.tasks.streaming.model import StreamingForecaster
from ostinato.tasks.streaming.stream import Model
from ostinato.train.checkpoint import ModelFile, load_model, save_model

Values = NDArray[np.float32]
TASK = "forecast"
BESIDE = "pretrained_"
VALUES, LENGTHS, COVARIATES = "history.y", "history.lengths", "history.covariates"


def save(forecaster: Forecaster, path: Path) -> None:
    """Write a fitted forecaster: its settings, networks, encodings, interval widths and history."""
    model = forecaster.model_
    sizes = model.frame.groupby("unique_id", sort=False, observed=True).size()
    starts = model.frame.drop_duplicates("unique_id")
    errors = forecaster.errors_
    config = {
        "task": TASK,
        "parameters": _parameters(forecaster),
        "seed": forecaster.seed_,
        "tuned": forecaster.tuned_,
        "freq": model.freq,
        "season_length": model.season_length,
        "series": [_plain(name) for name in starts["unique_id"]],
        "starts": [_plain(moment) for moment in starts["ds"]],
        "errors": None if errors is None else errors.to_dict(),
        "statics": forecaster.statics_.to_dict(),
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
    return Exogenous.of(forecaster).channels(Statics()).columns


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
    if isinstance(model, CombinedForecaster):
        return _combined_networks(model)
    return _networks(model) if isinstance(model, TrainedForecaster) else _pretrained_networks(model)


def _combined_networks(model: CombinedForecaster) -> Parts:
    """Config, weights and history of the trained network, and of the pretrained ones under other names."""
    config, weights, history = network_parts(model.trained)
    known, beside, _ = _pretrained_networks(model.pretrained)
    weights |= {f"{BESIDE}{name}": weight for name, weight in beside.items()}
    return {**config, "kind": "combined", BESIDE: known["members"]}, weights, history


def _networks(model: TrainedForecaster) -> Parts:
    """Config, weights and history of trained networks."""
    config = {
        "kind": "trained",
        "recipe": asdict(model.plan.recipe),
        "cell": model.plan.cell,
        "horizon": model.plan.horizon,
        "context": model.plan.context,
        "members": [member.seed for member in model.members],
        "encodings": [encoding.to_dict() for encoding in model.encodings],
    }
    weights = {
        f"member{number}.{name}": weight
        for number, member in enumerate(model.members)
        for name, weight in member.weights().items()
    }
    return config, weights, {f"member{number}": member.history for number, member in enumerate(model.members)}


def _pretrained_networks(model: ZeroShotForecaster) -> Parts:
    """Config and weights of pretrained networks: a later version of the package may bring others."""
    names = [file.stem for file in weight_files()]
    members = model.members or load_members()
    weights = {
        f"member{number}.{name}": weight
        for number, member in enumerate(members)
        for name, weight in state_of(member).items()
    }
    known = [
        {"name": name, "form": one.form.name, "plain": one.plain, "unseasonal": one.unseasonal}
        for name, one in zip_longest(names, members, fillvalue="network")
        if isinstance(one, PretrainedMember)
    ]
    return {"kind": "pretrained", "members": known}, weights, {}


def state_of(member: PretrainedMember) -> dict[str, Values]:
    """The weights of a pretrained network by the names that `to_member` reads."""
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    names = [f"lstm.{part}_l{layer}" for layer in range(len(member.lstm) // len(parts)) for part in parts]
    head = {name: np.ascontiguousarray(value.T) for name, value in member.head.items()}
    return {**dict(zip(names, member.lstm, strict=True)), **head}


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
    forecaster = Forecaster(**_without_lists(config["parameters"]))
    frame = _frame(config, file.weights)
    columns = _columns(forecaster)
    if columns:
        frame[list(columns)] = file.weights[COVARIATES]
    statics = config.get("statics")  # not in files of the first version
    forecaster.statics_ = Statics() if statics is None else Statics.from_dict(statics)
    forecaster.model_ = _model(file, forecaster, frame)
    forecaster.tuned_ = bool(config.get("tuned", False))  # not in files of the first version
    forecaster.freq_ = config["freq"]
    forecaster.season_length_ = int(config["season_length"])
    forecaster.seed_ = int(config["seed"])
    plain = frame[["unique_id", "ds", "y"]]
    forecaster.like_ = frames.to_long(plain)  # the kind of frame that came in is not known any more: pandas
    forecaster.errors_ = _errors(config)
    forecaster.backtest_ = None
    saved = config.get("stream")  # not in files that were never updated
    forecaster.stream_ = None if saved is None else read_stream(saved, file.weights, forecaster.model_)
    return forecaster


def _errors(config: dict[str, Any]) -> Errors | None:
    """How far forecasts err; files of the first versions hold the parts one by one."""
    saved = config.get("errors", config)
    if saved is None or saved.get("conformal") is None or saved.get("dependence") is None:
        return None
    return Errors.from_dict(saved)


def _model(file: ModelFile, forecaster: Forecaster, frame: pd.DataFrame) -> Model:
    """The networks at the end of the history; files of the first version do not name their kind."""
    config, recipe = file.config, find_recipe(forecaster.recipe)
    kind = config.get("kind", "trained" if recipe.trained else "pretrained")
    if recipe.carried or kind == STREAMING:
        return read_network(config, file.weights, file.history, frame)
    if kind == "trained":
        return _trained(file, forecaster, frame)
    freq, season = config["freq"], int(config["season_length"])
    if kind == "combined":
        trained = read_network(config, file.weights, file.history, frame)
        return CombinedForecaster(frame, freq, season, trained, _pretrained(file, BESIDE))
    return ZeroShotForecaster(frame, freq, season, _pretrained(file))


def _pretrained(file: ModelFile, prefix: str = "") -> tuple[PretrainedMember, ...]:
    """The pretrained networks of a file, whose names begin so."""
    return tuple(
        to_member(
            _state(file, number, prefix),
            str(saved["name"]),
            form=FORMS[saved.get("form", "direct" if saved.get("direct") else "mixed")],  # older files
            plain=bool(saved["plain"]),
            unseasonal=bool(saved.get("unseasonal", False)),
        )
        for number, saved in enumerate(file.config[prefix or "members"])
    )


def _recipe(config: dict[str, Any], forecaster: Forecaster) -> Recipe:
    """The settings that the networks were made with."""
    saved = config.get("recipe")
    if saved is None:
        return find_recipe(forecaster.recipe)
    return Recipe(**_without_lists(saved))


def _without_lists(saved: dict[str, Any]) -> dict[str, Any]:
    """Settings as they were before JSON made lists of tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in saved.items()}


def _trained(file: ModelFile, forecaster: Forecaster, frame: pd.DataFrame) -> TrainedForecaster:
    """Trained networks at the end of a history."""
    config = file.config
    plan = Plan(
        recipe=_recipe(config, forecaster),
        cell=str(config.get("cell", forecaster.cell)),
        context=int(config["context"]),
        horizon=int(config["horizon"]),
        seed=int(config["seed"]),
        season_length=int(config["season_length"]),
        channels=Exogenous.of(forecaster).channels(forecaster.statics_),
    )
    encodings = [SeriesEncoding.from_dict(saved) for saved in config["encodings"]]
    if len(encodings) != len(config["series"]):
        raise ValueError(f"{len(encodings)} encodings for {len(config['series'])} series")
    members = [
        StoredMember(plan, int(seed), dict(file.history[f"member{number}"]), _state(file, number))
        for number, seed in enumerate(config["members"])
    ]
    return TrainedForecaster(plan, members, encodings, frame, config["freq"], forecaster.statics_)


def _state(file: ModelFile, number: int, kind: str = "") -> dict[str, Any]:
    """The weights of one network by their own names."""
    prefix = f"{kind}member{number}."
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
