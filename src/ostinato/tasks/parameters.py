"""The arguments of an estimator by name, as scikit-learn's `clone` and `GridSearchCV` ask for them."""

from __future__ import annotations

import inspect
from typing import Any, Self

from ostinato.errors import ConfigError


class Parameters:
    """`get_params`, `set_params` and `repr` of an estimator whose constructor only stores its arguments.

    Example:
        >>> class Estimator(Parameters):
        ...     def __init__(self, size: int = 3) -> None:
        ...         self.size = size
        >>> Estimator().set_params(size=5)
        Estimator(size=5)
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002 - scikit-learn's signature
        """The constructor's arguments by name."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments by name.

        Raises:
            ConfigError: there is no such argument.
        """
        for name, value in params.items():
            if name not in self._names():
                raise ConfigError(
                    f"{type(self).__name__} has no parameter {name!r}; it has: {', '.join(self._names())}"
                )
            setattr(self, name, value)
        return self

    @classmethod
    def _names(cls) -> list[str]:
        return list(inspect.signature(cls).parameters)

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        given = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if not _same(value, defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(given)})"


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default; arrays, which answer with an array, are not."""
    return value is default or (type(value) is type(default) and bool(value == default))
