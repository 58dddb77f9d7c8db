"""Training the networks of a classifier, and making their probabilities mean what they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.distortion import distort
from ostinato.tasks.forecasting.fitting import one_thread

if TYPE_CHECKING:
    from ostinato.tasks.classify.network import ClassifierNetwork, Shape

Values = NDArray[np.float64]
Numbers = NDArray[np.int64]
Arrays = Sequence[NDArray[Any]]
Progress = Callable[[int, int], None]

HELD_OUT = 0.15
"""Share of the training data that each network leaves out, unless there is validation data."""
ENOUGH = 100
"""Held-out sequences that early stopping needs; with fewer, all epochs are trained."""


AVERAGE = 0.99
"""Decay of the moving average of the weights, which is judged where training may stop early."""


@dataclass(frozen=True)
class Plan:
    """What a training will do.

    Attributes:
        shape: the network.
        members: networks, which differ by their seed and by what they leave out.
        epochs: passes over the training data at most.
        patience: epochs without a better validation loss after which training stops.
        batch_size: sequences in a batch.
        learning_rate: of the first epoch.
        weight_decay: pull of the weights to zero.
        smoothing: share of the probability that is spread over all classes in the targets.
        distortion: strength of the random changes of series while training; 0 for texts.
        seed: of the first network; the others count up from it.
    """

    shape: Shape
    members: int
    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    smoothing: float
    distortion: float
    seed: int


@dataclass(frozen=True)
class Labelled:
    """Encoded sequences and the number of the class of each.

    Attributes:
        arrays: `(time,)` tokens or `(time, features)` each.
        targets: `(sequences,)`.
    """

    arrays: Arrays
    targets: Numbers

    def select(self, places: NDArray[Any]) -> Labelled:
        """The sequences at these places."""
        return Labelled([self.arrays[place] for place in places], self.targets[places])


@dataclass(frozen=True)
class Member:
    """One trained network.

    Attributes:
        network: in evaluation mode.
        seed: its seed.
        history: what happened during training, as plain values.
    """

    network: ClassifierNetwork
    seed: int
    history: dict[str, Any]


@dataclass(frozen=True)
class Fitted:
    """Trained networks, and what they said about sequences they were not trained on.

    Attributes:
        members: the networks.
        held_out: places of the held-out sequences in the training data; those of the validation data where there was
            such.
        scores: `(held out, classes)` mean log-probabilities.
        targets: `(held out,)` their classes.
    """

    members: list[Member]
    held_out: Numbers
    scores: Values
    targets: Numbers


def fit_members(
    data: Labelled,
    plan: Plan,
    *,
    validation: Labelled | None = None,
    weights: Values | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Train the networks.

    With validation data all networks learn from all training data. Without, each leaves out another slice of it, with
    all classes in proportion, so that together they have seen everything and each can be judged.

    Args:
        data: the training data.
        plan: what to do.
        validation: data to stop early by, and to calibrate on.
        weights: `(classes,)` weight of each class in the loss; all the same when None.
        progress: called with (epochs done, epochs in all).

    Raises:
        TrainingError: the loss became NaN.
    """
    slices = _slices(data.targets, plan) if validation is None else []
    members: list[Member] = []
    for number in range(plan.members):
        report = None if progress is None else _counted(progress, number, plan)
        learned, judge = data, validation
        if validation is None:
            left_out = slices[number]
            learned = data.select(np.setdiff1d(np.arange(len(data.targets)), left_out))
            judge = data.select(left_out) if len(left_out) else None
        members.append(_train(learned, judge, plan, plan.seed + number, weights, report))
    if validation is not None:
        places = np.arange(len(validation.targets))
        return Fitted(members, places, log_probabilities(members, validation.arrays), validation.targets)
    scores = [
        log_probabilities([member], data.select(part).arrays)
        if len(part)
        else np.zeros((0, plan.shape.classes))
        for member, part in zip(members, slices, strict=True)
    ]
    places = np.concatenate(slices)
    return Fitted(members, places, np.concatenate(scores), data.targets[places])


def _counted(progress: Progress, number: int, plan: Plan) -> Callable[[int, int, dict[str, float]], None]:
    """The progress of one of several trainings."""
    return lambda done, _epochs, _losses: progress(number * plan.epochs + done, plan.members * plan.epochs)


def _slices(targets: Numbers, plan: Plan) -> list[Numbers]:
    """Which sequences each network leaves out: no two the same, classes in proportion, never a class's last one."""
    rng = np.random.default_rng([plan.seed, 1])
    share = min(HELD_OUT, 1 / plan.members)
    parts: list[list[int]] = [[] for _ in range(plan.members)]
    for number in np.unique(targets):
        places = rng.permutation(np.flatnonzero(targets == number))
        ends = np.round(np.arange(plan.members + 1) * share * len(places)).astype(int)
        for part, start, end in zip(parts, ends[:-1], ends[1:], strict=True):
            part.extend(places[start : min(end, start + len(places) - 1)].tolist())
    return [np.array(sorted(part), dtype=np.int64) for part in parts]


def _train(
    data: Labelled,
    judge: Labelled | None,
    plan: Plan,
    seed: int,
    weights: Values | None,
    progress: Callable[[int, int, dict[str, float]], None] | None,
) -> Member:
    """Train one network from its first weights."""
    import torch

    from ostinato.data.padding import RaggedBatches
    from ostinato.tasks.classify.network import ClassifierNetwork
    from ostinato.train.config import TrainConfig
    from ostinato.train.loop import fit

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ClassifierNetwork(plan.shape)
    stop = judge is not None and len(judge.targets) >= ENOUGH
    config = TrainConfig(
        epochs=plan.epochs,
        learning_rate=plan.learning_rate,
        optimizer="adamw",
        weight_decay=plan.weight_decay,
        schedule="constant" if stop else "cosine",
        patience=plan.patience if stop else None,
        ema=AVERAGE if stop else None,
        seed=seed,
    )
    dtype = torch.int64 if plan.shape.embedding is not None else torch.float32
    change = None if plan.distortion == 0 else lambda arrays, rng: distort(arrays, plan.distortion, rng)
    with one_thread():
        history = fit(
            network,
            RaggedBatches(
                data.arrays, data.targets, batch_size=plan.batch_size, seed=seed, dtype=dtype, change=change
            ),
            loss=_loss(network, plan.smoothing, weights),
            config=config,
            validation=None if judge is None else lambda model: _judged(model, judge),
            progress=progress,
        )
    return Member(network, seed, history.to_dict())


def _loss(network: ClassifierNetwork, smoothing: float, weights: Values | None) -> Callable[[Any, Any], Any]:
    """Cross-entropy in nats; smoothed while training, plain while judging."""
    import torch
    from torch.nn import functional as F

    weight = None if weights is None else torch.from_numpy(weights).float()

    def loss(batch: Any, _state: Any) -> Any:
        logits = network(batch.inputs, batch.rows["lengths"])
        share = smoothing if network.training else 0.0
        return F.cross_entropy(logits, batch.targets, weight=weight, label_smoothing=share), None

    return loss


def _judged(model: Any, judge: Labelled) -> float:
    """The log loss on held-out sequences after calibration: being too sure is mended later, and no reason to stop."""
    scores = log_probabilities([Member(model, 0, {})], judge.arrays)
    calibrated = log_softmax(scores / temperature(scores, judge.targets))
    return float(-calibrated[np.arange(len(judge.targets)), judge.targets].mean())


def log_probabilities(members: Sequence[Member], arrays: Arrays) -> Values:
    """The mean over the networks of the logarithm of their probabilities.

    Args:
        members: the networks.
        arrays: encoded sequences.

    Returns:
        `(sequences, classes)`.
    """
    import torch

    from ostinato.data.padding import length_buckets, pad

    shape = members[0].network.shape
    dtype = torch.int64 if shape.embedding is not None else torch.float32
    scores = np.zeros((len(arrays), shape.classes))
    with one_thread(), torch.inference_mode():
        for places in length_buckets([len(array) for array in arrays], 256, None):
            inputs, lengths = pad([arrays[place] for place in places], dtype)
            for member in members:
                logits = member.network(inputs, lengths)
                scores[places] += logits.log_softmax(dim=-1).double().numpy()
    return scores / len(members)


def temperature(scores: Values, targets: Numbers) -> float:
    """What to divide log-probabilities by so that the held-out classes become most likely.

        softmax(scores / temperature) with the least mean of -sum over classes c of q(c) log p(c),
        q = (n + 1) / (n + 2) for the true class, the rest shared by the others; n held-out items

    Were q 1 for the true class, some items that are all answered rightly would make every answer certain.

    Args:
        scores: `(items, classes)` log-probabilities or logits.
        targets: `(items,)` numbers of the true classes.

    Returns:
        A number from 0.05 to 20; 1 where there is nothing to learn it from.

    References:
        Guo et al. (2017), On calibration of modern neural networks, section 4.2, https://arxiv.org/abs/1706.04599.
        Platt (1999), Probabilistic outputs for support vector machines, section 2.2, for q.

    Example:
        >>> sure = np.log([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
        >>> temperature(sure, np.array([0, 0, 1])) > 1  # right in two cases of three: too sure
        True
    """
    if not len(targets):
        return 1.0
    count, classes = scores.shape
    shares = np.full((count, classes), 1 / ((count + 2) * max(classes - 1, 1)))
    shares[np.arange(count), targets] = (count + 1) / (count + 2)

    def loss(power: float) -> float:
        return float(-(shares * log_softmax(scores * math.exp(power))).sum(axis=1).mean())

    low, high = math.log(1 / 20), math.log(20)
    golden = (math.sqrt(5) - 1) / 2  # the loss is convex in 1 / temperature: one valley
    for _ in range(40):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return math.exp(-(low + high) / 2)


def log_softmax(scores: Values) -> Values:
    """Scores as logarithms of probabilities along the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    result: Values = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
