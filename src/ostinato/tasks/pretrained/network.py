"""The pretrained network in NumPy: float16 weights from the package, quantiles for any horizon."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ostinato import kernels
from ostinato.errors import ModelFileError
from ostinato.evaluate.knots import LEVELS
from ostinato.tasks.pretrained.forms import FORMS, LONG, MIXED, Form
from ostinato.tasks.pretrained.inputs import Inputs
from ostinato.tasks.pretrained.scaling import Array

SHAPES = len(LEVELS) - 1
LAYERS = 2
PACKAGE = "ostinato.weights"


@dataclass(frozen=True)
class Member:
    """The weights of one network, float32.

    Attributes:
        lstm: both LSTM layers as torch lays them out, for the fused kernels.
        input_weights: the same to multiply from the right, one (inputs, 4 * hidden) a layer; gates i, f, g, o,
            of which i, f, o are halved.
        state_weights: one (hidden, 4 * hidden) for each LSTM layer.
        biases: one (4 * hidden,) for each LSTM layer.
        head: the four layers of the head by name.
        form: how it reads a past.
        plain: whether it reads plain values of positive series, not their logarithms.
        unseasonal: whether it learnt from series that are told no season alone, and forecasts only those.
    """

    lstm: tuple[Array, ...]
    input_weights: tuple[Array, ...]
    state_weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    head: dict[str, Array]
    form: Form = MIXED
    plain: bool = False
    unseasonal: bool = False


@lru_cache(maxsize=1)
def load_members() -> tuple[Member, ...]:
    """Reads the networks that come with the package, once."""
    return tuple(read_member(path) for path in weight_files())


def serving(members: tuple[Member, ...], season_length: int, long_season: int = 0) -> tuple[Member, ...]:
    """Those of some networks that forecast series of given seasons: all, where none is meant for them.

    Args:
        members: networks to choose from.
        season_length: steps of the season, 1 for none.
        long_season: steps of a second season, 0 for none.

    Returns:
        With a season, those not made for series without one; without, where such are given, these and the mixed ones.
        The long ones only where the short season is told.
    """
    told = season_length > 1 or long_season > 1
    alone = not told and any(member.unseasonal for member in members)

    def serves(member: Member) -> bool:
        if member.form is LONG:
            return season_length > 1
        return member.unseasonal or member.form is MIXED if alone else not (told and member.unseasonal)

    return tuple(member for member in members if serves(member)) or members


def weight_files() -> list[Path]:
    """The files of the networks that come with the package."""
    folder = Path(str(resources.files(PACKAGE)))
    return sorted(folder.glob("*.safetensors"))


def read_member(path: Path) -> Member:
    """Reads one network.

    Args:
        path: a .safetensors file as the training script writes it.

    Returns:
        The network.

    Raises:
        ModelFileError: the file does not hold such a network.
    """
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        facts = file.metadata() or {}
        values = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    form = facts.get("form", MIXED.name)
    if form not in FORMS:
        raise ModelFileError(
            f"{path.name} holds a network of the form '{form}'; use one of {', '.join(FORMS)}"
        )
    kind = {name: facts.get(name) == "yes" for name in ("plain", "unseasonal")}
    return to_member(values, path.name, form=FORMS[form], **kind)


def to_member(
    values: Mapping[str, npt.NDArray[np.floating]],
    source: str,
    *,
    form: Form = MIXED,
    plain: bool = False,
    unseasonal: bool = False,
) -> Member:
    """Readies weights in torch's layout to be multiplied from the right.

    Args:
        values: the state of a network by name.
        source: where they come from, for the error.
        form: how the network reads a past.
        plain: whether the network reads plain values of positive series.
        unseasonal: whether it forecasts series without a season alone.

    Returns:
        The network.

    Raises:
        ModelFileError: they are not those of such a network.
    """
    weights = {name: value.astype(np.float32) for name, value in values.items()}
    expected = {
        "series.weight": form.sizes.statistics,
        "step.weight": form.sizes.step,
        "lstm.weight_ih_l0": form.sizes.patch,
    }
    for name, width in expected.items():
        found = weights[name].shape[1] if name in weights else 0
        hidden = weights["lstm.weight_hh_l0"].shape[1] if name == "series.weight" and found else 0
        if found != width + hidden:
            raise ModelFileError(
                f"{source} has {name} of width {found}, not {width + hidden}; train it again"
            )
    halves = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], dtype=np.float32), weights["lstm.bias_ih_l0"].size // 4)
    layers = range(LAYERS)
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return Member(
        form=form,
        plain=plain,
        unseasonal=unseasonal,
        lstm=tuple(weights[f"lstm.{part}_l{layer}"] for layer in layers for part in parts),
        input_weights=tuple(_columns(weights[f"lstm.weight_ih_l{layer}"], halves) for layer in layers),
        state_weights=tuple(_columns(weights[f"lstm.weight_hh_l{layer}"], halves) for layer in layers),
        biases=tuple(
            (weights[f"lstm.bias_ih_l{layer}"] + weights[f"lstm.bias_hh_l{layer}"]) * halves
            for layer in layers
        ),
        head={
            name: np.ascontiguousarray(value.T)
            for name, value in weights.items()
            if not name.startswith("lstm")
        },
    )


def quantiles(member: Member, inputs: Inputs) -> Array:
    """Runs one network.

    Args:
        member: its weights.
        inputs: what it reads.

    Returns:
        (batch, steps, 9), increasing along the last axis, in units of the past.
    """
    state = _last_state(member, inputs.patches)  # (batch, hidden)
    head = member.head
    known = np.concatenate([state, inputs.statistics], axis=1) @ head["series.weight"] + head["series.bias"]
    batch, steps, _ = inputs.steps.shape
    hidden = (inputs.steps.reshape(batch * steps, -1) @ head["step.weight"]).reshape(batch, steps, -1)
    hidden += known[:, None]
    np.maximum(hidden, 0, out=hidden)
    hidden = hidden.reshape(batch * steps, -1) @ head["mix.weight"] + head["mix.bias"]
    np.maximum(hidden, 0, out=hidden)
    flat = hidden @ head["out.weight"] + head["out.bias"]
    out = np.asarray(flat, dtype=np.float32).reshape(batch, steps, flat.shape[1])
    count = inputs.experts.shape[2]
    out[..., :count] += (inputs.statistics[:, -count:] * head["trial"])[:, None]
    return _read_out(out, inputs.experts)


def _read_out(out: Array, experts: Array) -> Array:
    """From the last layer to quantiles: seasonal naive, moved to a mean of the experts, shifted, spread."""
    count = experts.shape[2]
    logits = out[..., :count]
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    mixed = (shares * experts).sum(axis=-1) / shares.sum(axis=-1)
    gate, shift, size = (out[..., count + column] for column in range(3))
    width = np.exp(np.clip(size, -5, 5))
    naive = experts[..., 0]
    centre = naive + np.tanh(gate) * (mixed - naive) + shift * width
    raw = out[..., count + 3 :]
    distance = (np.maximum(raw, 0) + np.log1p(np.exp(-np.abs(raw)))) * width[..., None]  # softplus
    half = SHAPES // 2
    result = np.empty((*centre.shape, SHAPES + 1), dtype=np.float32)
    result[..., half] = centre
    result[..., half - 1 :: -1] = centre[..., None] - distance[..., :half].cumsum(axis=-1)
    result[..., half + 1 :] = centre[..., None] + distance[..., half:].cumsum(axis=-1)
    return result


def _last_state(member: Member, patches: Array) -> Array:
    """The top LSTM layer's output after the last patch: (batch, hidden)."""
    if kernels.library.load() is not None:
        output, _ = kernels.forward_numpy("lstm", patches, member.lstm, num_layers=LAYERS)
        return np.asarray(output[:, -1])
    sequence = np.ascontiguousarray(patches.transpose(1, 0, 2))  # (patches, batch, width)
    for layer in range(LAYERS):
        sequence = _lstm(
            sequence, member.input_weights[layer], member.state_weights[layer], member.biases[layer]
        )
    return np.asarray(sequence[-1])


def _lstm(inputs: Array, input_weights: Array, state_weights: Array, bias: Array) -> Array:
    """One LSTM layer with zero initial state; a sigmoid is a halved tanh: (patches, batch, hidden)."""
    steps, batch, width = inputs.shape
    hidden = len(state_weights)
    gates = (inputs.reshape(steps * batch, width) @ input_weights + bias).reshape(steps, batch, 4 * hidden)
    output = np.empty((steps, batch, hidden), dtype=np.float32)
    cell = np.zeros((batch, hidden), dtype=np.float32)
    for step in range(steps):
        gate = gates[step]
        if step:
            gate += output[step - 1] @ state_weights
        np.tanh(gate, out=gate)
        enter, keep, new, show = (gate[:, part * hidden : (part + 1) * hidden] for part in range(4))
        for sigmoid in (enter, keep, show):
            sigmoid *= 0.5
            sigmoid += 0.5
        cell *= keep
        cell += enter * new
        np.multiply(show, np.tanh(cell), out=output[step])
    return output


def _columns(weight: Array, factor: Array) -> Array:
    """A weight of torch's layout, its rows scaled, ready to multiply from the right."""
    return np.ascontiguousarray((weight * factor[:, None]).T)
