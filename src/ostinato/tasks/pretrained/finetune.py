"""Goes on training the pretrained networks on the user's own series, and keeps what that improved."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ostinato.errors import ConfigError, DataError
from ostinato.tasks.pretrained import forecaster as pretrained
from ostinato.tasks.pretrained import inputs as pretrained_inputs
from ostinato.tasks.pretrained import network as pretrained_network
from ostinato.tasks.pretrained.forecaster import PretrainedForecaster
from ostinato.tasks.pretrained.network import Member
from ostinato.tasks.pretrained.windows import Windows, cut

POOL = 2048  # windows cut once, from which batches are drawn
BATCH = 256  # windows, or all of a smaller group
SCORED = 24  # steps of a longer horizon that are scored
LEAST_HISTORY = 8
LEAST_GAIN = 0.01  # of the loss on the steps kept apart
PART = 0.5  # of the way from the weights before to those after, where that was gained


def finetune(  # noqa: PLR0913 - what a training may need to be told
    frame: pd.DataFrame,
    h: int,
    *,
    season_length: int,
    freq: str | int,
    long_season: int | None = None,
    updates: int = 150,
    rate: float = 3e-4,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> PretrainedForecaster:
    """Trains the pretrained networks further on past windows of the given series.

    The last h steps of every series are kept apart; a network whose loss there did not fall by a
    hundredth stays as it was. The others end half-way between the weights before and after, which keeps
    most of the gain and forgets little of what they knew (Wortsman et al., 2022).

    Args:
        frame: `unique_id, ds, y` sorted by series and time on a regular grid, NaN where missing.
        h: steps that will be forecast.
        season_length: steps of the season, 1 for none.
        freq: a pandas alias or an integer step.
        long_season: steps of a second season; None to take it from the frequency.
        updates: steps of the optimiser, with a rate that falls to zero.
        rate: learning rate at the start.
        seed: of the windows that are drawn.
        progress: called with (updates done, updates in all), before the first of each network as well.

    Returns:
        A forecaster at the end of the frame.

    Raises:
        ConfigError: the horizon or the number of updates is below 1.
        DataError: no series is long enough to cut windows from.
    """
    if min(h, updates) < 1:
        raise ConfigError(f"h is {h} and updates {updates}; both must be at least 1")
    second = pretrained.long_season_of(season_length, freq) if long_season is None else long_season
    series = _long_series(frame, h)
    rng = np.random.default_rng(seed)
    steps = np.unique(np.linspace(1, h, min(h, SCORED)).astype(np.int64))
    seasons = (season_length, second)
    before = _origins(series, h, rng)
    last = [(row, len(series[row]) - h) for row in rng.permutation(len(series))[:POOL].tolist()]
    members = []
    files = pretrained_network.weight_files()
    read = tuple(pretrained_network.read_member(path) for path in files)
    used = pretrained_network.serving(read, *seasons)
    for number, (path, member) in enumerate(zip(files, read, strict=True)):

        def update(done: int, before: int = number * updates) -> None:
            if progress is not None:
                progress(before + done, len(files) * updates)

        update(0)  # cutting the windows takes a while as well
        serves = any(member is one for one in used)
        windows = _cut_at(series, before, steps, seasons, member) if serves else []
        apart = _cut_at(series, last, steps, seasons, member) if windows else []
        if apart:
            tuned = _tune(path, member, windows, apart, updates=updates, rate=rate, seed=seed, update=update)
            members.append(tuned)
        else:
            members.append(member)
    return PretrainedForecaster(frame, season_length, freq, long_season, tuple(members))


def _long_series(frame: pd.DataFrame, h: int) -> list[npt.NDArray[np.float32]]:
    """The series that are long enough to cut windows from, with h steps kept apart."""
    ends = pretrained.series_ends(frame)
    series = np.split(frame["y"].to_numpy(dtype=np.float32), ends[:-1])
    least = LEAST_HISTORY + 2 * h
    known = [values for values in series if len(values) >= least]
    if not known:
        raise DataError(
            f"the longest series has {max(map(len, series))} steps; "
            f"use one of at least {least} for a horizon of {h}"
        )
    return known


def _origins(
    series: list[npt.NDArray[np.float32]], h: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Random series and origins in them whose windows end before the last h steps."""
    room = np.array([len(values) - 2 * h - LEAST_HISTORY + 1 for values in series])
    rows = rng.choice(len(series), POOL, p=room / room.sum())
    origins = LEAST_HISTORY + (rng.random(POOL) * room[rows]).astype(np.int64)
    return sorted(set(zip(rows.tolist(), origins.tolist(), strict=True)))


def _cut_at(
    series: list[npt.NDArray[np.float32]],
    origins: list[tuple[int, int]],
    steps: npt.NDArray[np.int64],
    seasons: tuple[int, int],
    member: Member,
) -> list[Windows]:
    """Windows at given origins that a network may be asked to read, a group for each number of patches."""
    groups: list[Windows] = []
    longest = 4 * max(*seasons, pretrained_inputs.CONTEXT // 4)
    for above, upto, patches in _groups(member):
        chosen = []
        for row, end in origins:
            past = series[row][max(0, end - longest) : end]
            fits = above < end <= upto and np.isfinite(past).any()
            if fits and member.form.suits(past):
                chosen.append((past, series[row][end + steps - 1]))
        if chosen:
            width = max(len(past) for past, _ in chosen)
            history = np.full((len(chosen), width), np.nan, dtype=np.float32)
            for place, (past, _) in enumerate(chosen):
                history[place, width - len(past) :] = past
            future = np.stack([future for _, future in chosen])
            group = cut(
                history, future, seasons, steps, patches=patches, form=member.form, plain=member.plain
            )
            groups.append(group)
    return groups


def _groups(member: Member) -> list[tuple[float, float, int]]:
    """Histories that a network reads alike: above and up to which length, and how many patches."""
    limits = [
        (float(length), member.form.read_for(length))
        if length
        else (np.inf, member.form.read_for(pretrained_inputs.CONTEXT))
        for length in member.form.lengths
    ]
    above = [float(member.form.above), *(upto for upto, _ in limits[:-1])]
    return [(low, upto, read) for low, (upto, read) in zip(above, limits, strict=True)]


def _tune(
    path: Path,
    was: Member,
    windows: list[Windows],
    apart: list[Windows],
    *,
    updates: int,
    rate: float,
    seed: int,
    update: Callable[[int], None],
) -> Member:
    """Trains one network further; gives the one it was where that did not help."""
    import torch
    from safetensors.numpy import load_file

    from ostinato.tasks.pretrained.training import Network, quantile_loss

    state = {name: torch.from_numpy(value.astype(np.float32)) for name, value in load_file(path).items()}
    network = Network(state["lstm.weight_hh_l0"].shape[1], state["mix.weight"].shape[0], was.form.sizes)
    network.load_state_dict(state)

    def loss_of(part: Windows) -> torch.Tensor:
        tensors = {name: torch.from_numpy(array) for name, array in vars(part).items()}
        target, weight = tensors.pop("target"), tensors.pop("weight")
        return quantile_loss(network(**tensors), target, weight)

    def score() -> float:
        with torch.no_grad():
            return float(sum(loss_of(part) * len(part.target) for part in apart))

    before = score()
    rng = np.random.default_rng(seed)
    sizes = np.array([len(group.target) for group in windows])
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, updates)
    for done in range(updates):
        group = windows[int(rng.choice(len(windows), p=sizes / sizes.sum()))]
        rows = rng.integers(0, len(group.target), min(BATCH, len(group.target)))
        loss = loss_of(group.take(rows))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        update(done + 1)
    if score() >= (1 - LEAST_GAIN) * before:
        return was
    with torch.no_grad():
        tuned = {
            name: torch.lerp(state[name], value, PART).numpy() for name, value in network.state_dict().items()
        }
    return pretrained_network.to_member(
        tuned, "the fine-tuned network", form=was.form, plain=was.plain, unseasonal=was.unseasonal
    )
