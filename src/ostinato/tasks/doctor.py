"""The gradient doctor for networks and forecasters: what to run through them, and the diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.train.config import TrainConfig
    from ostinato.train.diagnosis.diagnosis import Diagnosis
    from ostinato.train.diagnosis.reading import Loss
    from ostinato.train.diagnosis.watch import TrainingWatch


def diagnose(
    model: Any,
    examples: Any = None,
    loss: Loss | None = None,
    *,
    season_length: int | None = None,
    config: TrainConfig | None = None,
    watch: TrainingWatch | None = None,
) -> Diagnosis:
    """Say how far back a network remembers, what is wrong with it, and what to change.

    Args:
        model: a torch module with recurrent layers, ours or torch's.
        examples: what the model takes: inputs, a pair of inputs and targets, or a `Batch`.
        loss: `loss(model, examples) -> scalar`. Without one: the mean squared error, or the cross-entropy where the
            targets are whole numbers; and for inputs alone half the mean square of the output.
        season_length: steps in a season of the data, to set the memory beside.
        config: the settings of the training, for its truncation.
        watch: what watched the training, for the size of updates and clipping.

    Returns:
        The diagnosis. The model is left as it was: weights, gradients, modes, random numbers.

    Raises:
        ConfigError: the model has no recurrent layer, or its loss cannot be followed back.

    Examples:
        >>> import torch
        >>> network = torch.nn.RNN(2, 8, batch_first=True)
        >>> with torch.no_grad():
        ...     _ = torch.nn.init.orthogonal_(network.weight_hh_l0).mul_(0.5)
        >>> [finding.name for finding in diagnose(network, torch.randn(4, 30, 2)).findings]
        ['vanishing']
    """
    from torch import nn

    from ostinato.train.diagnosis.diagnosis import diagnose_module

    if not isinstance(model, nn.Module):
        raise ConfigError(f"the doctor knows torch modules, not {type(model).__name__}; give its network")
    return diagnose_module(model, examples, loss, season_length=season_length, config=config, watch=watch)
