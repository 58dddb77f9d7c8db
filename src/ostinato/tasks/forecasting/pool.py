"""From series to the batches of a training: all windows at once where they are few, else drawn a batch at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ostinato.data.windows import Share, Store, Windows, cut
from ostinato.tasks.forecasting.encoding import Shown, show
from ostinato.tasks.forecasting.plan import Plan

if TYPE_CHECKING:
    from ostinato.data.batch import Batch
    from ostinato.train.loop import Source

Values = NDArray[np.float64]
Features = NDArray[np.float32]
MOST_WINDOWS = 20_000
"""Windows of an epoch at most; of more, others are drawn in each epoch."""
MOST_NUMBERS = 8_000_000
"""Input numbers that are kept in memory at most; of more, windows are cut a batch at a time."""


@dataclass(frozen=True)
class Pool:
    """Encoded series and all windows in them.

    Attributes:
        store: the encoded series, with scaled covariates.
        typical: (series,) typical step of each series.
        static: (series, numbers) what describes each series.
        plan: what the fit will do.
    """

    store: Store
    typical: Values
    static: Features
    plan: Plan

    @property
    def share(self) -> Share:
        """All windows."""
        return Share.of_all(self.store.lengths, least=self.plan.least, horizon=self.plan.horizon)

    def batch(self, series: NDArray[np.int64], origins: NDArray[np.int64]) -> Batch:
        """Windows as tensors; those without any real value in the past or in the future are left out.

        A target without a scale, or missing, is masked.
        """
        import torch

        from ostinato.data.batch import Batch

        windows = cut(self.store, series, origins, context=self.plan.context, horizon=self.plan.horizon)
        shown, features, ahead = see(windows, self.typical[series], self.static[series], self.plan)
        targets = shown.targets(windows.targets)
        kept = windows.observed.any(axis=1) & windows.mask.any(axis=1)
        real = (windows.mask & np.isfinite(targets))[kept]
        rows = {} if ahead is None else {"ahead": torch.from_numpy(ahead[kept])}
        return Batch(
            inputs=torch.from_numpy(features[kept]),
            targets=torch.from_numpy(np.where(real, targets[kept], 0.0).astype(np.float32)),
            mask=torch.from_numpy(real),
            rows=rows,
        )

    def source(self, share: Share, *, batch_size: int, seed: int) -> Source:
        """Shuffled batches of some of the windows."""
        from ostinato.data.batch import Batches

        numbers = share.total * self.plan.context * self.plan.features
        if share.total > MOST_WINDOWS or numbers > MOST_NUMBERS:
            return Draws(self, share, batch_size, seed)
        return Batches(self.batch(*share.places(np.arange(share.total))), batch_size=batch_size, seed=seed)

    def digest(self, share: Share) -> str:
        """A name for some of the windows; other data, another plan or other windows have another name."""
        digest = hashlib.sha256(repr(self.plan).encode())
        parts = (
            self.store.values,
            self.store.lengths,
            self.store.covariates,
            self.static,
            share.first,
            share.count,
        )
        for part in parts:
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Draws:
    """Batches of windows that are drawn anew in each epoch, evenly over all, and cut when they are needed.

    Attributes:
        pool: the series.
        share: the windows to draw from.
        batch_size: windows a batch.
        seed: an epoch's windows depend on it and on the epoch's number alone.
    """

    pool: Pool
    share: Share
    batch_size: int
    seed: int

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, from 0."""
        random = np.random.default_rng([self.seed, number])
        total = self.share.total
        count = min(total, MOST_WINDOWS)
        drawn = ((np.arange(count) + random.random(count)) * (total / count)).astype(np.int64)
        order = random.permutation(np.minimum(drawn, total - 1))
        for start in range(0, count, self.batch_size):
            batch = self.pool.batch(*self.share.places(order[start : start + self.batch_size]))
            if len(batch):
                yield batch


def see(
    windows: Windows, typical: Values, static: Features, plan: Plan
) -> tuple[Shown, Features, Features | None]:
    """What a network sees of windows.

    Args:
        windows: encoded values, and covariates, those known in advance first.
        typical: (windows,) typical step of each window's series.
        static: (windows, numbers) what describes it.
        plan: which channels there are.

    Returns:
        How answers are read; (windows, context, features); and (windows, horizon, features) of the steps ahead, None
        where nothing is known of them.
    """
    shown = show(windows.inputs, windows.observed, typical, plan.recipe)
    if not plan.channels:
        return shown, shown.features, None
    context, known = windows.inputs.shape[1], len(plan.channels.known)
    real = ~np.isnan(windows.covariates)  # (windows, context + horizon, columns)
    filled = np.where(real, windows.covariates, np.float32(0.0))
    described = np.repeat(static[:, None, :], context, axis=1)
    features = np.concatenate(
        [shown.features, filled[:, :context], real[:, :context].astype(np.float32), described], axis=2
    )
    if not known:
        return shown, features, None
    future, there = filled[:, context:, :known], real[:, context:, :known]
    last, last_there = filled[:, context - 1, None, :known], real[:, context - 1, None, :known]
    change = np.where(there & last_there, future - last, np.float32(0.0))
    return shown, features, np.concatenate([future, there.astype(np.float32), change], axis=2)
