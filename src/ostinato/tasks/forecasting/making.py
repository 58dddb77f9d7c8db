"""From the parameters of a Forecaster to the function that makes its model from a past."""

from __future__ import annotations

from ostinato.errors import ConfigError
from ostinato.tasks.checks import check_horizon
from ostinato.tasks.forecasting.choosing import USUAL_BUDGET, MakeAuto, combined
from ostinato.tasks.forecasting.combining import MakeCombined
from ostinato.tasks.forecasting.finetuning import MakeFineTuned
from ostinato.tasks.forecasting.order import Order
from ostinato.tasks.forecasting.recipes import find_recipe
from ostinato.tasks.forecasting.trained import MakeNetwork
from ostinato.tasks.forecasting.zero_shot import MakeZeroShot
from ostinato.tasks.streaming.model import MakeStreaming

Maker = MakeNetwork | MakeZeroShot | MakeStreaming | MakeFineTuned | MakeCombined | MakeAuto


def maker_of(order: Order) -> Maker:
    """A function from a past to a model.

    Raises:
        ConfigError: the recipe is not known, or takes no covariates and some are named.
    """
    recipe, h = find_recipe(order.recipe), check_horizon(order.h)
    if order.exogenous and not recipe.takes_covariates:
        raise ConfigError(
            f"recipe {order.recipe!r} takes no covariates, calendar or static columns; use recipe='default'"
        )
    if recipe.automatic:
        return MakeAuto(order, USUAL_BUDGET if order.time_budget is None else order.time_budget)
    if recipe.carried:
        return MakeStreaming(recipe, order.cell, h, order.freq, order.season_length, order.seed)
    if recipe.combined:
        return combined(order)
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
