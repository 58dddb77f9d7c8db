"""A look inside the network of a forecast, for its report: how far back it remembers, what it holds, what it uses."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ostinato.report.content import Inside

if TYPE_CHECKING:
    from ostinato.tasks.forecasting.forecaster import Forecaster

CAPTIONS = {
    "states": "The input of the last window, the hidden state and the gates over its steps; a line is a unit.",
    "path": "Where the hidden state goes over that window.",
    "follows": "What the units follow: correlation with earlier inputs, with the time, and with the season.",
    "attribution": "What the first step of the forecast rests on, by integrated gradients.",
}


def look_inside(forecaster: Forecaster) -> Inside | None:
    """Draw the states and the attribution of a forecaster's first network.

    Args:
        forecaster: fitted.

    Returns:
        The look; None where the networks came trained, which say nothing of these series, and are run without torch.
    """
    from ostinato.tasks.forecasting.zero_shot import ZeroShotForecaster

    if isinstance(forecaster.model_, ZeroShotForecaster):
        return None
    from ostinato.report.views import forecaster_figures
    from ostinato.tasks.doctor import diagnose

    diagnosis = diagnose(forecaster)
    pictures = []
    for name, figure in forecaster_figures(forecaster).items():
        stream = io.BytesIO()
        figure.savefig(stream, format="png")
        pictures.append((CAPTIONS[name], stream.getvalue()))
    faults = tuple(f"{finding.sentence} {finding.change}" for finding in diagnosis.findings)
    return Inside(diagnosis.memory_sentence, faults, tuple(pictures))
