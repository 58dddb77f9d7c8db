"""Recipes: everything that decides how a recurrent network is made a forecaster, each in one place."""

from dataclasses import dataclass

from ostinato.errors import ConfigError


@dataclass(frozen=True)
class Recipe:
    """One way to turn series into windows, a network and a forecast.

    Attributes:
        name: what `--recipe` takes.
        summary: one sentence for people.
        adjust: take season and, where the evidence favours it, the logarithm out of every series first.
        deseasonalise: whether the season is part of that.
        logarithm: whether the logarithm is part of that.
        scaler: then scale the series as a whole, a key of `ostinato.data.scaling.SCALERS`.
        relative: then show every window relative to its last value, in units of its own mean step.
        context: steps the network looks back; two seasons (at least 24, at most 128 steps) when None.
        direct: all steps of the horizon at once; otherwise one step, fed back.
        hidden_size: units of every recurrent layer.
        num_layers: recurrent layers.
        dropout: share of units dropped after every layer while training.
        keras_start: initial weights as Keras draws them; otherwise torch's, with a silent output.
        loss: a key of `ostinato.nn.losses.LOSSES`; with "quantile" the network answers nine quantiles a step, of which
            the median is the forecast.
        learning_rate: of the optimiser.
        weight_decay: AdamW's decoupled decay; plain Adam when 0.
        clip_norm: largest norm of the gradient; None for no clipping.
        average: decay of the moving average of the weights that is kept; None for the last weights.
        batch_size: windows a step.
        steps: (usual, most) optimiser steps for a small set of windows. The scout of early stopping trains the most
            at most and gives up after half the usual steps without a better forecast; of what it trained beyond the
            usual steps the best is taken.
        epochs: passes over the windows, in place of `steps`.
        members: networks in the ensemble, each with its own seed.
        validation: share of the windows, the latest, that is held out to judge when to stop.
        stop_early: hold the latest windows out only to find the number of steps, then train on all of them.
        protocol: "rolling" (fitted again at every origin, the horizon ahead) or "holdout" (fitted once, the last
            `test` of the windows one step ahead from true history).
        test: share of the windows that "holdout" tests on.
        trained: whether networks are trained at all; otherwise the pretrained ones are used as they are.
        automatic: whether several recipes and settings are tried on the past, and the best is taken.
        finetuned: whether the pretrained networks are trained on on the series.
        combined: whether a network trained on the series is averaged with the pretrained ones.
        takes_covariates: whether networks of this recipe see covariates, calendar and static columns.
        carried: whether the network carries its state through a series from its first value to its last, and on with
            every new one, in place of looking back over a window.
        rivals: recipes that stand beside this one in a run; the one that the backtest finds best is used.
    """

    name: str
    summary: str
    adjust: bool = True
    deseasonalise: bool = True
    logarithm: bool = True
    scaler: str = "identity"
    relative: bool = True
    context: int | None = None
    direct: bool = True
    hidden_size: int = 32
    num_layers: int = 1
    dropout: float = 0.0
    keras_start: bool = False
    loss: str = "mae"
    learning_rate: float = 5e-3
    weight_decay: float = 1e-2
    clip_norm: float | None = 1.0
    average: float | None = 0.95
    batch_size: int = 64
    steps: tuple[int, int] = (60, 120)
    epochs: int | None = None
    members: int = 3
    validation: float = 0.2
    stop_early: bool = True
    protocol: str = "rolling"
    test: float = 0.2
    trained: bool = True
    automatic: bool = False
    finetuned: bool = False
    combined: bool = False
    takes_covariates: bool = False
    carried: bool = False
    rivals: tuple[str, ...] = ()

    def column(self, cell: str) -> str:
        """The name of the network's column in a backtest, such as LSTM, ClassicLSTM, Pretrained or Auto."""
        if self.automatic or self.combined:
            return "Auto" if self.automatic else "Combined"
        if not self.trained:
            return "FineTuned" if self.finetuned else "Pretrained"
        return {"classic": "Classic", "streaming": "Streaming"}.get(self.name, "") + cell.upper()


RECIPES: dict[str, Recipe] = {
    "default": Recipe(
        name="default",
        summary=(
            "season and logarithm by the evidence of the past, each window normalised by itself, a small ensemble "
            "trained on all windows of all series, all steps at once"
        ),
        loss="quantile",
        takes_covariates=True,
        rivals=("pretrained", "combined"),
    ),
    "pretrained": Recipe(
        name="pretrained",
        summary="networks that learned from synthetic series and come with the package: no training",
        trained=False,
    ),
    "auto": Recipe(
        name="auto",
        summary="the pretrained networks, fine-tuned ones and several settings, tried on the past within a time budget",
        automatic=True,
        takes_covariates=True,
    ),
    "finetuned": Recipe(
        name="finetuned",
        summary="the pretrained networks, trained on on the series; where that does not help they stay as they were",
        trained=False,
        finetuned=True,
    ),
    "combined": Recipe(
        name="combined",
        summary=(
            "the pretrained networks and a streaming one trained on the series, averaged; it moves the forecast of "
            "those by a little only"
        ),
        combined=True,
    ),
    "streaming": Recipe(
        name="streaming",
        summary=(
            "a network that reads each series once and carries its state, with running level, scale and season, so "
            "that a new value moves the forecast on in constant time"
        ),
        adjust=False,
        relative=False,
        hidden_size=64,
        batch_size=16,
        steps=(60, 160),
        members=1,
        carried=True,
    ),
    "classic": Recipe(
        name="classic",
        summary=(
            "the textbook's: min-max scaling, windows of 12, two layers of 128 units with dropout 0.2, "
            "100 epochs of Adam, one step ahead"
        ),
        adjust=False,
        scaler="minmax",
        relative=False,
        context=12,
        direct=False,
        hidden_size=128,
        num_layers=2,
        dropout=0.2,
        keras_start=True,
        loss="mse",
        learning_rate=1e-3,
        weight_decay=0.0,
        clip_norm=None,
        average=None,
        batch_size=32,
        epochs=100,
        members=1,
        validation=0.1,
        stop_early=False,
        protocol="holdout",
    ),
}
"""Recipes by name."""


def find_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ConfigError: there is none; the message lists those there are.
    """
    if name not in RECIPES:
        known = ", ".join(sorted(RECIPES))
        raise ConfigError(f"recipe is {name!r}, which is not known; use one of: {known}")
    return RECIPES[name]
