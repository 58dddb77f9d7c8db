"""From the parameters of a Forecaster to the function that makes its model from a past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ostinato.errors import ConfigError
from ostinato.tasks.checks import check_horizon
from ostinato.tasks.forecasting.choosing import USUAL_BUDGET, MakeAuto, carried
from ostinato.tasks.forecasting.combining import MakeCombined
from ostinato.tasks.forecasting.finetuning import MakeFineTuned
from ostinato.tasks.forecasting.order import Order
from ostinato.tasks.forecasting.recipes import Recipe, find_recipe
from ostinato.tasks.forecasting.trained import MakeNetwork
from ostinato.tasks.forecasting.zero_shot import MakeZeroShot
from ostinato.tasks.streaming.model import MakeStreaming

SETTINGS = frozenset(
    {
        *("adjust", "deseasonalise", "logarithm", "context", "hidden_size", "num_layers", "dropout", "loss"),
        *(
            "learning_rate",
            "weight_decay",
            "clip_norm",
            "average",
            "batch_size",
            "steps",
            "epochs",
            "members",
        ),
        "validation",
    }
)
"""What may be set apart from a recipe; the rest decides what kind of model it makes."""

Maker = MakeNetwork | MakeZeroShot | MakeStreaming | MakeFineTuned | MakeCombined | MakeAuto


def maker_of(order: Order) -> Maker:
    """A function from a past to a model.

    Raises:
        ConfigError: the recipe or a setting is not known, or the recipe takes no covariates and some are named.
    """
    recipe, h = with_settings(find_recipe(order.recipe), order.settings), check_horizon(order.h)
    if order.exogenous and not recipe.takes_covariates:
        raise ConfigError(
            f"recipe {order.recipe!r} takes no covariates, calendar or static columns; use recipe='default'"
        )
    if recipe.automatic:
        return MakeAuto(order, USUAL_BUDGET if order.time_budget is None else order.time_budget)
    if recipe.carried:
        return MakeStreaming(recipe, order.cell, h, order.freq, order.season_length, order.seed)
    if recipe.combined:
        return MakeCombined(carried(order))
    if recipe.finetuned:
        return MakeFineTuned(order.freq, order.season_length, h, order.seed)
    if not recipe.trained:
        return MakeZeroShot(order.freq, order.season_length)
    return MakeNetwork(
        recipe=recipe,
        cell=order.cell,
        h=h,
        freq=order.freq,
        season_length=order.season_length,
        seed=order.seed,
        channels=order.exogenous.channels(order.statics),
        statics=order.statics,
        checkpoint=order.checkpoint,
    )


def with_settings(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    """A recipe with some settings in place of its own.

    Raises:
        ConfigError: a setting is not known, or the recipe trains no network of its own.
    """
    if not settings:
        return recipe
    if not tunable(recipe):
        raise ConfigError(f"recipe {recipe.name!r} has no settings; use recipe='default'")
    unknown = set(settings) - SETTINGS
    if unknown:
        raise ConfigError(
            f"settings has {sorted(unknown)[0]!r}, which is not known; use some of: {', '.join(sorted(SETTINGS))}"
        )
    # A model file keeps tuples as lists.
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }
    return replace(recipe, **values)


def tunable(recipe: Recipe) -> bool:
    """Whether a recipe does nothing but train a network over windows, anew at each origin."""
    other = recipe.automatic or recipe.carried or recipe.combined or recipe.finetuned
    return recipe.trained and recipe.protocol == "rolling" and not other
