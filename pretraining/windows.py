"""Training windows drawn without end from synthetic series: inputs, targets and weights."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ostinato.synthetic import FAMILIES, down_sample, generate
from ostinato.tasks.pretrained import direct as pretrained_direct
from ostinato.tasks.pretrained.forms import DIRECT, LONG, MIXED, Form
from ostinato.tasks.pretrained.windows import Windows, cut

Array = npt.NDArray[np.float32]
GROUP = 2048  # windows learnt from together; they share season and steps
AHEAD = 8  # groups drawn at once on a device, which is slow to start and draws many as fast as few
STEPS = 16  # steps ahead that are scored in one window
SEASONS = (1, 4, 12, 7, 24)
SEASON_SHARES = (0.3, 0.15, 0.25, 0.08, 0.12)
MIDDLE_SHARES = (0.0, 0.2, 0.35, 0.2, 0.1)  # of long networks
LONG_SHARES = (0.0, 0.05, 0.25, 0.25, 0.35)  # of the same over long histories
WEEKS = 192  # steps of history above which hours have a week as well
OTHER_SEASONS = (2, 3, 5, 6, 8, 10, 13, 18, 26, 30, 36, 48, 52, 60, 96)
SHORT_FAMILIES = (
    *("economic",) * 4,
    *("seasonal_arima",) * 2,
    "trend_season",
    "exponential_smoothing",
    "local_level",
    "local_trend",
    "gaussian_process",
)
LONG_FAMILIES = (
    *("seasonal_arima",) * 3,
    *("trend_season",) * 3,
    *("exponential_smoothing",) * 2,
    *("regime_switching",) * 2,
    *("economic",) * 2,
    "local_level",
    "local_trend",
    "gaussian_process",
    "steps_and_spikes",
    "chaos_and_growth",
)
UNSEASONAL_FAMILIES = (
    *("steady_growth",) * 4,
    *("economic",) * 3,
    "local_trend",
    "local_level",
    "exponential_smoothing",
    "trend_season",
    "seasonal_arima",
    "gaussian_process",
)


@dataclass(frozen=True)
class Bucket:
    """Histories of similar length, which are read in the same number of patches."""

    shortest: int
    longest: int
    horizon: int
    share: float


@dataclass(frozen=True)
class Kind:
    """What one kind of network learns from.

    Attributes:
        form: how it reads a past.
        plain: whether to leave out the logarithm of positive series.
        unseasonal: whether it is told of no season, where it is direct.
    """

    form: Form = MIXED
    plain: bool = False
    unseasonal: bool = False

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """The lengths of its histories."""
        return {DIRECT: SHORT_BUCKETS, LONG: LONG_BUCKETS}.get(self.form, BUCKETS)

    @property
    def reuse(self) -> int:
        """How often a window is seen; those without classical forecasts are cut faster than learnt from."""
        return 4 if self.form is MIXED else 1

    @property
    def families(self) -> tuple[str, ...]:
        """The families of its series."""
        if self.unseasonal:
            return UNSEASONAL_FAMILIES
        return {DIRECT: SHORT_FAMILIES, LONG: LONG_FAMILIES}.get(self.form, tuple(FAMILIES))


BUCKETS = (
    Bucket(5, 32, 24, 0.3),
    Bucket(33, 64, 40, 0.25),
    Bucket(65, 192, 64, 0.25),
    Bucket(193, 512, 128, 0.2),
)
SHORT_BUCKETS = (
    Bucket(5, 16, 20, 0.2),
    Bucket(17, 32, 24, 0.3),
    Bucket(33, 64, 36, 0.3),
    Bucket(65, pretrained_direct.LONGEST, 48, 0.2),
)
LONG_BUCKETS = (
    Bucket(17, 48, 32, 0.15),
    Bucket(49, 96, 48, 0.25),
    Bucket(97, 192, 64, 0.25),
    Bucket(193, 672, 128, 0.35),
)


def draw(
    bucket: Bucket, rng: np.random.Generator, count: int, kind: Kind, *, device: str | None = None
) -> Windows:
    """Draws windows of one bucket.

    Args:
        bucket: the lengths of the histories.
        rng: the source of chance.
        count: windows to draw; those without any value are left out.
        kind: of the network that will read them.
        device: where torch draws the series; None for NumPy.

    Returns:
        The windows.
    """
    season, long = (1, 0) if kind.unseasonal else _seasons(bucket, rng, kind.form)
    steps = _steps(bucket.horizon, rng)
    size = (count, bucket.longest + bucket.horizon)
    series = _series(size, (season, long), rng, kind.families, device)
    history, future = series[:, : bucket.longest], series[:, bucket.longest + steps - 1]
    spread = np.log(bucket.longest / bucket.shortest) * rng.random(count)
    length = np.minimum(np.ceil(bucket.shortest * np.exp(spread)), bucket.longest)
    history = np.where(
        np.arange(bucket.longest) >= bucket.longest - length[:, None], history, np.float32(np.nan)
    )
    filled = np.isfinite(history).any(axis=1)
    return cut(
        history[filled],
        future[filled],
        (season, long),
        steps,
        patches=kind.form.read_for(bucket.longest),
        form=kind.form,
        plain=kind.plain,
    )


def _seasons(bucket: Bucket, rng: np.random.Generator, form: Form) -> tuple[int, int]:
    """The season told to the network, short and long; long networks are always told one."""
    drawn = rng.random()
    shares = SEASON_SHARES if form is not LONG else LONG_SHARES if bucket.longest > WEEKS else MIDDLE_SHARES
    position = int(np.searchsorted(np.cumsum(shares), drawn))
    season = SEASONS[position] if position < len(SEASONS) else int(rng.choice(OTHER_SEASONS))
    if season == 1 and bucket.longest >= WEEKS and rng.random() < 0.4:
        return 1, 52
    if season == 24 and bucket.longest > WEEKS and rng.random() < 0.7:
        return 24, 168
    return season, 0


def _steps(horizon: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Steps ahead to score: half among the next, half spread out to the horizon."""
    near = rng.choice(np.arange(1, 19), STEPS // 2, replace=False)
    far = rng.permutation(np.setdiff1d(np.unique(np.geomspace(1, horizon, 48).astype(np.int64)), near))
    return np.sort(np.concatenate([near, far[: STEPS - STEPS // 2]]))


def _series(
    size: tuple[int, int],
    seasons: tuple[int, int],
    rng: np.random.Generator,
    families: tuple[str, ...],
    device: str | None,
) -> Array:
    """Series (count, length) whose true season is mostly, but not always, the one told."""
    count, length = size
    told = seasons[1] if seasons[0] == 1 and seasons[1] else seasons[0]
    drawn = rng.random()
    true = told if drawn < 0.8 else 1 if drawn < 0.92 else int(rng.choice(OTHER_SEASONS))
    factor = int(rng.integers(2, 5)) if rng.random() < 0.15 else 1
    if true * factor >= 200:
        factor = 1
    season = true * factor if true > 1 else 1
    series = generate(
        count, length * factor, season_length=season, seed=rng, families=families, device=device
    )
    if factor > 1:
        series = down_sample(series, factor=factor, mean=bool(rng.random() < 0.7))
    return series if device is None else series.cpu().numpy()


class Pool:
    """The last groups of every bucket, from which batches are drawn at random."""

    def __init__(self, seed: int, kind: Kind, *, groups: int = 24, device: str | None = None) -> None:
        """Starts empty.

        Args:
            seed: of all that is drawn.
            kind: of the network that will read the windows.
            groups: groups kept of each bucket, or on a device as many times `AHEAD`.
            device: where torch draws the series; None for NumPy.
        """
        self.rng = np.random.default_rng(seed)
        self.kind = kind
        self.ahead = 1 if device is None else AHEAD
        self._device = device
        self._kept: list[deque[Windows]] = [deque(maxlen=groups * self.ahead) for _ in kind.buckets]
        self._waiting: list[list[Windows]] = [[] for _ in kind.buckets]

    def refill(self) -> int:
        """Adds one more group of a random bucket, drawn now or before, and gives the bucket's number."""
        buckets = self.kind.buckets
        number = int(self.rng.choice(len(buckets), p=[bucket.share for bucket in buckets]))
        waiting = self._waiting[number]
        if not waiting:
            drawn = draw(buckets[number], self.rng, GROUP * self.ahead, self.kind, device=self._device)
            parts = np.array_split(np.arange(len(drawn.target)), self.ahead)
            waiting += [drawn.take(part) for part in parts]
        self._kept[number].append(waiting.pop())
        return number

    def batch(self, number: int, size: int) -> Windows:
        """A batch of one bucket, in equal parts from four of its groups."""
        kept = self._kept[number]
        parts = []
        for _ in range(4):
            group = kept[int(self.rng.integers(len(kept)))]
            parts.append(group.take(self.rng.integers(0, len(group.target), size // 4)))
        return Windows(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in Windows.__dataclass_fields__
            )
        )
