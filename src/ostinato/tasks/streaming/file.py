"""What a stream and a network of the streaming recipe are in a model file: plain values, and arrays by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ostinato.evaluate.adaptive import Adaptive
from ostinato.tasks.forecasting.combining import CombinedForecaster
from ostinato.tasks.forecasting.trained import TrainedForecaster
from ostinato.tasks.forecasting.zero_shot import ZeroShotForecaster
from ostinato.tasks.streaming.encoding import Running, Start
from ostinato.tasks.streaming.model import StreamingForecaster
from ostinato.tasks.streaming.network import Carried, Weights
from ostinato.tasks.streaming.pair import Pair
from ostinato.tasks.streaming.stream import Engine, Model, Stream
from ostinato.tasks.streaming.window import Window

Arrays = dict[str, NDArray[Any]]

KIND = "streaming"
NETWORK, END, STREAM, ERRORS = "streaming.", "streaming.end.", "stream.", "stream.errors."


def network_parts(model: StreamingForecaster) -> tuple[dict[str, Any], Arrays, dict[str, Any]]:
    """Config, arrays and history of a network of the streaming recipe, and where it stands."""
    weights = model.weights
    config = {
        "kind": KIND,
        "cell": weights.cell,
        "horizon": weights.horizon,
        "log": [start.log for start in model.starts],
        "floor": [start.floor for start in model.starts],
    }
    arrays = {f"{NETWORK}recurrent.{number}": array for number, array in enumerate(weights.recurrent)}
    arrays |= {f"{NETWORK}head.{number}": array for number, array in enumerate(weights.head)}
    arrays[f"{NETWORK}season"] = np.stack([start.indices for start in model.starts])
    return config, arrays | _carried_arrays(model.carried, END), {"streaming": weights.history}


def read_network(
    config: Mapping[str, Any], arrays: Arrays, history: Mapping[str, Any], frame: pd.DataFrame
) -> StreamingForecaster:
    """The network that `network_parts` described, at the end of its history; torch is not imported.

    Raises:
        KeyError, ValueError, ConfigError: a part is missing or does not fit the others.
    """
    recurrent = tuple(array for _, array in _numbered(arrays, f"{NETWORK}recurrent."))
    weights = Weights(
        str(config.get("cell", config["parameters"]["cell"])),  # not in files of the first versions
        recurrent,
        (arrays[f"{NETWORK}head.0"], arrays[f"{NETWORK}head.1"]),
        dict(history["streaming"]),
    )
    starts = tuple(
        Start(bool(log), float(floor), np.asarray(indices, dtype=np.float64))
        for log, floor, indices in zip(
            config["log"], config["floor"], arrays[f"{NETWORK}season"], strict=True
        )
    )
    if len(starts) != len(config["series"]):
        raise ValueError(f"{len(starts)} scales for {len(config['series'])} series")
    end = _read_carried(weights, arrays, END)
    return StreamingForecaster(frame, config["freq"], int(config["season_length"]), weights, starts, end)


def stream_parts(stream: Stream) -> tuple[dict[str, Any], Arrays]:
    """Config and arrays of a stream."""
    arrays: Arrays = {f"{ERRORS}{name}": array for name, array in stream.tracker.arrays.items()}
    arrays[f"{STREAM}last"] = stream.last
    engine = stream.engine
    for part in (engine.window, engine.carried) if isinstance(engine, Pair) else (engine,):
        if isinstance(part, Carried):
            arrays |= _carried_arrays(part, STREAM)
        elif isinstance(part, Window):
            arrays |= {f"{STREAM}{name}": getattr(part, name) for name in ("values", "counts", "starts")}
    return {"levels": list(stream.tracker.levels)}, arrays


def read_stream(config: Mapping[str, Any], arrays: Arrays, model: Model) -> Stream:
    """The stream that `stream_parts` described, of a forecaster.

    Raises:
        KeyError, ValueError, ConfigError: a part is missing or does not fit the others.
        ModelFileError: what is kept of the errors is damaged.
    """
    first = ~model.frame["unique_id"].duplicated().to_numpy()
    names = model.frame["unique_id"][first].tolist()
    engine: Engine
    if isinstance(model, StreamingForecaster):
        engine = _read_carried(model.weights, arrays, STREAM)
    elif isinstance(model, CombinedForecaster):
        carried = _read_carried(model.trained.weights, arrays, STREAM)
        engine = Pair(_read_window(model.pretrained, arrays, names), carried)
    else:
        engine = _read_window(model, arrays, names)
    tracker = Adaptive.from_arrays(config["levels"], dict(_named(arrays, ERRORS)))
    last = np.array(arrays[f"{STREAM}last"], dtype=np.int64)
    if len(last) != len(names) or len(tracker.arrays["told"]) != len(names):
        raise ValueError(f"the stream has {len(last)} series and the model {len(names)}")
    return Stream(engine, tracker, names, last, model.freq)


def _read_window(model: TrainedForecaster | ZeroShotForecaster, arrays: Arrays, names: list[Any]) -> Window:
    """A window as it was kept."""
    values, counts, starts = (np.array(arrays[f"{STREAM}{name}"]) for name in ("values", "counts", "starts"))
    return Window(model, values, counts, starts, names)


def _carried_arrays(carried: Carried, prefix: str) -> Arrays:
    """Where a network stands."""
    arrays: Arrays = {f"{prefix}running.{name}": array for name, array in carried.running.arrays.items()}
    return arrays | {f"{prefix}state.{number}": part.copy() for number, part in enumerate(carried.state)}


def _read_carried(weights: Weights, arrays: Arrays, prefix: str) -> Carried:
    """A network where it stood."""
    running = Running(dict(_named(arrays, f"{prefix}running.")))
    return Carried(weights, running, [part for _, part in _numbered(arrays, f"{prefix}state.")])


def _named(arrays: Arrays, prefix: str) -> list[tuple[str, NDArray[Any]]]:
    """The arrays whose names begin so, by the rest of their names."""
    return [(name.removeprefix(prefix), array) for name, array in arrays.items() if name.startswith(prefix)]


def _numbered(arrays: Arrays, prefix: str) -> list[tuple[int, NDArray[Any]]]:
    """The arrays whose names end with a number, in its order."""
    return sorted(((int(name), array) for name, array in _named(arrays, prefix)), key=lambda pair: pair[0])
