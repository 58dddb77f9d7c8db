"""SequenceClassifier: recurrent networks that say which class a text, a series or a recording belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ostinato.data.findings import count
from ostinato.data.items import as_items
from ostinato.errors import ConfigError, DataError
from ostinato.evaluate.classification import accuracy, calibration_error, log_loss
from ostinato.tasks.checks import draw_seed
from ostinato.tasks.classify.explain import Explanation, explain
from ostinato.tasks.classify.fitting import (
    Labelled,
    Member,
    fit_members,
    log_probabilities,
    log_softmax,
    temperature,
)
from ostinato.tasks.classify.inputs import INPUTS, KINDS, fit_input, kind_of
from ostinato.tasks.classify.settings import TOKENS, choose
from ostinato.tasks.model_file import load_estimator, rebuilding, save_estimator
from ostinato.tasks.parameters import Parameters

if TYPE_CHECKING:
    from sklearn.utils import Tags

TASK = "classify"
Values = NDArray[np.float64]
Progress = Callable[[int, int], None]


class SequenceClassifier(Parameters):
    """Classify texts, series of one or many channels, or recordings.

    A few networks are trained, bidirectional recurrent layers under attention, and answer together. Each leaves out
    another part of the training data (or all are judged by `validation`), on which it stops early and on which the
    probabilities are calibrated. Follows scikit-learn's contract: the constructor only stores its arguments, `fit` sets
    the attributes that end in an underscore, `get_params`, `set_params`, `sklearn.base.clone` and `cross_val_score`
    work.

    Args:
        cell: `"lstm"`, `"gru"`, `"rnn"` or another recurrent cell; chosen by the kind of the sequences when None, as
            are the next six.
        hidden_size: features of the hidden state, in each direction.
        num_layers: recurrent layers, one on the other.
        members: networks that answer together.
        epochs: passes over the training data at most.
        learning_rate: of the first epoch.
        dropout: probability of dropping a feature while training.
        distortion: strength of the random changes of series and recordings while training, 1 when None; smaller where
            classes differ by a few per cent in speed or size, 0 for none.
        random_state: seed; the same seed gives the same classifier. Drawn when None.
        tokens: `"word"`, `"char"` or `"subword"` of texts.
        class_weight: `"balanced"` weighs classes by how rare they are, a dictionary as it says; None all the same.
        sample_rate: samples a second that recordings are brought to; the most frequent one when None.
        kind: `"text"`, `"series"` or `"speech"`; found when None.

    Attributes:
        classes_: the classes, sorted.
        kind_: what the sequences are.
        seed_: the seed used.
        temperature_: what the logarithms of the probabilities are divided by.
        calibration_: held-out sequences, and their accuracy, log loss and expected calibration error before and after
            that; without validation data each sequence was judged by the one network that left it out.
        history_: what happened while training each network.

    Example:
        >>> classifier = SequenceClassifier(members=1, epochs=4, random_state=0)
        >>> texts = ["a fine film", "a fine cast", "a dull film", "a dull plot"] * 6
        >>> classifier = classifier.fit(texts, ["good", "good", "bad", "bad"] * 6)
        >>> classifier.classes_.tolist(), classifier.predict_proba(["a fine plot"]).shape
        (['bad', 'good'], (1, 2))
    """

    _estimator_type = "classifier"

    def __init__(  # noqa: PLR0913  # one argument a setting, as scikit-learn has it
        self,
        cell: str | None = None,
        hidden_size: int | None = None,
        num_layers: int | None = None,
        members: int | None = None,
        epochs: int | None = None,
        *,
        learning_rate: float | None = None,
        dropout: float | None = None,
        distortion: float | None = None,
        random_state: int | None = None,
        tokens: str = "word",
        class_weight: str | Mapping[Any, float] | None = None,
        sample_rate: int | None = None,
        kind: str | None = None,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.members = members
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.dropout = dropout
        self.distortion = distortion
        self.random_state = random_state
        self.tokens = tokens
        self.class_weight = class_weight
        self.sample_rate = sample_rate
        self.kind = kind

    def fit(
        self,
        X: Sequence[Any] | NDArray[Any],
        y: ArrayLike,
        *,
        validation: tuple[Sequence[Any], ArrayLike] | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Train on labelled sequences.

        Args:
            X: texts, arrays `(time, channels)` or `(time,)` of unequal lengths, one array `(sequences, time)` or
                `(sequences, time, channels)`, or paths of recordings. An empty sequence is allowed; of a series, NaN is
                a missing value, which is put on the straight line between its neighbours.
            y: the class of each: text, whole numbers or truth values.
            validation: X and y to stop early by and to calibrate on; parts of X when None.
            progress: called with (epochs done, epochs in all).

        Returns:
            The classifier itself.

        Raises:
            ConfigError: a parameter cannot be used.
            DataError: the sequences or the classes cannot be used; the message says which and what to do.
            TrainingError: the loss became NaN.
        """
        self._check_names()
        sequences, classes = as_items(X), check_classes(y, len(X))
        self.classes_ = np.unique(classes)
        if len(self.classes_) < 2:
            only = self.classes_.tolist()[0]
            raise DataError(
                f"there is one class only, {only!r}, in {count(len(classes), 'sequence')}; give at least two classes"
            )
        self.kind_ = self.kind or kind_of(sequences)
        self.seed_ = draw_seed(self.random_state)
        self.input_ = fit_input(sequences, self.kind_, tokens=self.tokens, sample_rate=self.sample_rate)
        data = Labelled(self.input_.encode(sequences), np.searchsorted(self.classes_, classes))
        judge = None if validation is None else self._encoded(*validation)
        plan = choose(self.get_params(), self.input_, data, classes=len(self.classes_), seed=self.seed_)
        weights = class_weights(self.class_weight, self.classes_, data.targets)
        fitted = fit_members(data, plan, validation=judge, weights=weights, progress=progress)
        self.members_: list[Member] = fitted.members
        self.history_ = [member.history for member in fitted.members]
        self._calibrate(fitted.scores, fitted.targets)
        return self

    def predict_proba(self, X: Sequence[Any] | NDArray[Any]) -> Values:
        """Probabilities of the classes.

        Args:
            X: sequences as for `fit`; of an empty one, only how frequent the classes were is known.

        Returns:
            `(sequences, classes)`, columns in the order of `classes_`.

        Raises:
            ConfigError: not fitted yet.
            DataError: the sequences are of another kind than in training.
        """
        members: list[Member] = self._learned("members_")
        sequences = as_items(X)
        if not len(sequences):
            return np.zeros((0, len(self.classes_)))
        scores = log_probabilities(members, self.input_.encode(sequences))
        probabilities: Values = np.exp(log_softmax(scores / self.temperature_))
        return probabilities

    def predict(self, X: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
        """The most likely class of each sequence.

        Args:
            X: sequences as for `fit`.

        Returns:
            `(sequences,)`, of the type of `classes_`.

        Raises:
            ConfigError: not fitted yet.
            DataError: the sequences are of another kind than in training.
        """
        most_likely = self.predict_proba(X).argmax(axis=1)
        classes: NDArray[Any] = self.classes_[most_likely]
        return classes

    def score(self, X: Sequence[Any] | NDArray[Any], y: ArrayLike) -> float:
        """The share of sequences whose most likely class is the true one.

        Args:
            X: sequences as for `fit`.
            y: the class of each.
        """
        return accuracy(check_classes(y, len(X)), self.predict(X))

    def explain(self, X: Sequence[Any] | NDArray[Any]) -> list[Explanation]:
        """What the networks attended to in each sequence, and what they say after each of its steps.

        Args:
            X: a few sequences; each is read again from its start to each of its steps.

        Returns:
            One explanation a sequence.
        """
        return explain(self._learned("members_"), self.input_, as_items(X), self.temperature_)

    def save(self, path: str | Path) -> None:
        """Write the fitted classifier to a folder, or to one file if the path ends in `.zip`."""
        members: list[Member] = self._learned("members_")
        extra = {
            "classes": self.classes_.tolist(),
            "kind": self.kind_,
            "seed": self.seed_,
            "temperature": self.temperature_,
            "calibration": self.calibration_,
            "input": self.input_.to_dict(),
            "members": members_to_plain(members),
        }
        weights = {
            f"member{number}.{name}": weight
            for number, member in enumerate(members)
            for name, weight in member.network.state_dict().items()
        }
        history = {f"member{number}": member.history for number, member in enumerate(members)}
        parameters = self.get_params()
        if isinstance(self.class_weight, Mapping):
            parameters["class_weight"] = {
                str(name): float(value) for name, value in self.class_weight.items()
            }
        save_estimator(path, task=TASK, parameters=parameters, extra=extra, weights=weights, history=history)

    @classmethod
    def _from_file(cls, path: str | Path) -> SequenceClassifier:
        """Read a fitted classifier; `ostinato.load` calls this."""
        parameters, extra, weights, history = load_estimator(path, task=TASK)
        with rebuilding(path):
            classifier = cls(**parameters)
            classifier.classes_ = np.array(extra["classes"])
            classifier.kind_ = str(extra["kind"])
            classifier.seed_ = int(extra["seed"])
            classifier.temperature_ = float(extra["temperature"])
            classifier.calibration_ = dict(extra["calibration"])
            classifier.input_ = INPUTS[classifier.kind_].from_dict(extra["input"])
            classifier.members_ = members_from_plain(extra["members"], weights, history)
            classifier.history_ = [member.history for member in classifier.members_]
            expected = {(member.network.shape.classes,) for member in classifier.members_}
            if expected != {classifier.classes_.shape}:
                raise ValueError(f"networks of {expected} classes for {classifier.classes_.shape}")
        return classifier

    def __sklearn_tags__(self) -> Tags:
        """What scikit-learn wants to know of an estimator."""
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(two_d_array=False, three_d_array=True, string=True, allow_nan=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` was called."""
        return hasattr(self, "members_")

    def _check_names(self) -> None:
        """Refuse unknown names before any work is done."""
        if self.kind is not None and self.kind not in KINDS:
            raise ConfigError(f"kind is {self.kind!r}; use one of {', '.join(KINDS)}")
        if self.tokens not in TOKENS:
            raise ConfigError(f"tokens is {self.tokens!r}; use one of {', '.join(TOKENS)}")

    def _encoded(self, X: Sequence[Any], y: ArrayLike) -> Labelled:
        """Validation data as the networks see it; its classes must have been seen in training."""
        classes = check_classes(y, len(X))
        unknown = next((name for name in classes.tolist() if name not in set(self.classes_.tolist())), None)
        if unknown is not None:
            raise DataError(
                f"the validation data has the class {unknown!r}, which no training sequence has; leave it out"
            )
        return Labelled(self.input_.encode(as_items(X)), np.searchsorted(self.classes_, classes))

    def _calibrate(self, scores: Values, targets: NDArray[np.int64]) -> None:
        """Choose the temperature on held-out sequences and note how good the probabilities are."""
        self.temperature_ = temperature(scores, targets)
        before, after = (np.exp(log_softmax(scores / power)) for power in (1.0, self.temperature_))
        self.calibration_: dict[str, float] = {
            "sequences": len(targets),
            "accuracy": accuracy(targets, scores.argmax(axis=1)) if len(targets) else 0.0,
            "log_loss": log_loss(targets, after) if len(targets) else 0.0,
            "error_before": calibration_error(targets, before) if len(targets) else 0.0,
            "error": calibration_error(targets, after) if len(targets) else 0.0,
        }


def check_classes(y: ArrayLike, wanted: int) -> NDArray[Any]:
    """The classes as an array, one for each sequence.

    Raises:
        DataError: there are too few or too many, or one is missing.
    """
    classes = np.asarray(y if isinstance(y, np.ndarray) else as_items(y))
    if classes.ndim != 1 or len(classes) != wanted:
        raise DataError(
            f"there are {wanted} sequences and classes of shape {classes.shape}; give one for each"
        )
    if not wanted:
        raise DataError("there are no sequences; give at least two of each class")
    if classes.dtype.kind == "O":
        lacking = next((place for place, name in enumerate(classes) if name is None or name != name), None)
        if lacking is not None:
            raise DataError(f"sequence {lacking} has no class; add it or leave the sequence out")
        classes = classes.astype(str)
    if classes.dtype.kind == "f" and not (classes == np.round(classes)).all():
        wrong = int(np.flatnonzero(~(classes == np.round(classes)))[0])
        raise DataError(
            f"the class of sequence {wrong} is {classes[wrong]}; use text or whole numbers for classes"
        )
    return classes


def class_weights(
    wanted: str | Mapping[Any, float] | None, classes: NDArray[Any], targets: NDArray[np.int64]
) -> Values | None:
    """The weight of each class in the loss; None where all weigh the same.

    Raises:
        ConfigError: an unknown word, a class that is none, or a weight that is not above 0.
    """
    if wanted is None:
        return None
    if wanted == "balanced":
        counts = np.bincount(targets, minlength=len(classes))
        return np.asarray(len(targets) / (len(classes) * counts), dtype=np.float64)
    if not isinstance(wanted, Mapping):
        raise ConfigError(f"class_weight is {wanted!r}; use 'balanced', a dictionary or None")
    given = {str(name): float(value) for name, value in wanted.items()}
    unknown = next((name for name in given if name not in map(str, classes.tolist())), None)
    if unknown is not None or any(not value > 0 for value in given.values()):
        what = (
            f"names the class {unknown!r}, which is none"
            if unknown is not None
            else "has a weight that is not above 0"
        )
        raise ConfigError(
            f"class_weight {what}; give weights above 0 for {', '.join(map(str, classes.tolist()))}"
        )
    return np.array([given.get(str(name), 1.0) for name in classes.tolist()])


def members_to_plain(members: Sequence[Member]) -> list[dict[str, Any]]:
    """What makes the networks again, without their weights."""
    from dataclasses import asdict

    return [{"seed": member.seed, "shape": asdict(member.network.shape)} for member in members]


def members_from_plain(
    saved: Sequence[Mapping[str, Any]], weights: Mapping[str, Any], history: Mapping[str, Any]
) -> list[Member]:
    """The networks that `members_to_plain` described, with their weights."""
    from ostinato.tasks.classify.network import ClassifierNetwork, Shape

    members = []
    for number, plain in enumerate(saved):
        network = ClassifierNetwork(Shape(**plain["shape"]))
        prefix = f"member{number}."
        network.load_state_dict(
            {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        )
        members.append(Member(network.eval(), int(plain["seed"]), dict(history[prefix[:-1]])))
    return members
