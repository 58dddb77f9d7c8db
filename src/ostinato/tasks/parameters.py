"""What scikit-learn asks of an estimator: its arguments by name, and a word where it is not fitted yet."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from sklearn.utils import Tags


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

    def __sklearn_tags__(self) -> Tags:
        """What scikit-learn wants to know of an estimator: it reads sequences, not rows of numbers."""
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            input_tags=InputTags(two_d_array=False, three_d_array=True, string=True),
        )

    def _learned(self, name: str) -> Any:
        """What `fit` has learned, by the name of its attribute.

        Raises:
            ConfigError: `fit` was not called yet.
        """
        if not hasattr(self, name):
            raise ConfigError(f"this {type(self).__name__} is not fitted yet; call fit first")
        return getattr(self, name)

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
