"""The fused kernels as torch operators, with shapes, gradients and all that torch.compile asks for.

The two operators are `torch.ops.ostinato.recurrent` and `torch.ops.ostinato.recurrent_backward`. Importing
this module registers them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ostinato.errors import ConfigError
from ostinato.kernels import native
from ostinato.kernels.library import Library, load, share_threads, threads_wanted
from ostinato.kernels.memory import borrow
from ostinato.kernels.weights import packed_weights

_KINDS = tuple(native.KINDS)
_ARGUMENTS = (
    "Tensor x, Tensor h0, Tensor? c0, Tensor[] weights, Tensor? lengths, Tensor? seed, int kind, int layers, "
    "bool bidirectional, bool bias, float dropout, float recurrent_dropout"
)
_NAMES = [argument.split()[-1] for argument in _ARGUMENTS.split(",")]

torch.library.define("ostinato::recurrent", f"({_ARGUMENTS}, bool keep) -> (Tensor, Tensor, Tensor, Tensor)")
torch.library.define(
    "ostinato::recurrent_backward",
    f"(Tensor? dy, Tensor? dhn, Tensor? dcn, Tensor saved, {_ARGUMENTS}, bool[] wanted) -> Tensor[]",
)


def is_available() -> bool:
    """Say whether there are kernels to use; torch.compile takes the answer for a constant."""
    return load() is not None


# What torch.compiler.assume_constant_result does, which would import the compiler: 1.5 s for nothing.
setattr(is_available, "_dynamo_marked_constant", True)  # noqa: B010 - a function has no such attribute for mypy


class Call:
    """The arguments of one call: the sizes in the form of the library, and contiguous tensors.

    Args: as for the operators.
    """

    def __init__(  # noqa: PLR0913  # the operator's arguments
        self,
        x: Tensor,
        h0: Tensor,
        c0: Tensor | None,
        weights: list[Tensor],
        lengths: Tensor | None,
        seed: Tensor | None,
        kind: int,
        layers: int,
        bidirectional: bool,
        bias: bool,
        dropout: float,
        recurrent_dropout: float,
    ) -> None:
        library = load()
        if library is None:
            raise ConfigError(
                "the fused kernels are not available here; torch's operators run instead of them"
            )
        share_threads(library)
        self.library: Library = library
        self.x = _rows(x)
        self.h0 = h0.contiguous()
        self.c0 = None if c0 is None else c0.contiguous()
        self.weights = [weight.contiguous() for weight in weights]
        self.lengths = None if lengths is None else lengths.to(torch.int64).contiguous()
        batch, time, features = x.shape
        expected = (layers * (2 if bidirectional else 1), batch, h0.shape[2])
        if h0.shape != expected or (c0 is not None and c0.shape != expected):
            raise ConfigError(f"the initial state is {tuple(h0.shape)}; this layer and batch need {expected}")
        self.problem = native.Problem(
            kind,
            batch,
            time,
            features,
            h0.size(2),
            layers,
            2 if bidirectional else 1,
            bias,
            threads_wanted(torch.get_num_threads()),
            0 if seed is None else int(seed),
            dropout,
            recurrent_dropout,
            native.address(self.lengths),
        )

    def packed(self, backward: bool) -> Tensor:
        """Return the packed weights for one of the passes."""
        return packed_weights(self.library, self.problem, self.weights, backward)


def run_forward(call: Call, keep: bool) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Run over time, and keep what the backward pass needs where asked to.

    Returns:
        The outputs `(batch, time, directions * hidden)`, the final h and c
        `(layers * directions, batch, hidden)`, and what was kept; c and what was kept are empty where there
        are none.
    """
    y, hn, cn = _new_outputs(call.x, call.h0, call.c0, call.problem.directions)
    saved = borrow(native.saved_size(call.library, call.problem)) if keep else None
    native.forward(
        call.library,
        call.problem,
        (call.x, y),
        call.packed(False),
        (call.h0, call.c0, hn, cn),
        saved,
    )
    return y, hn, cn, saved


def _forward(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Run over time; what there is none of is empty, since an operator returns tensors alone."""
    y, hn, cn, saved = run_forward(Call(*arguments[:-1]), arguments[-1])
    return y, hn, _or_empty(cn, y), _or_empty(saved, y)


def _or_empty(tensor: Tensor | None, like: Tensor) -> Tensor:
    return like.new_empty(0) if tensor is None else tensor


def run_backward(
    call: Call,
    saved: Tensor,
    gradients: tuple[Tensor | None, Tensor | None, Tensor | None],
    wanted: Sequence[bool],
    norms: Tensor | None = None,
) -> list[Tensor | None]:
    """Run back over time.

    Args:
        call: The arguments of the forward pass.
        saved: What the forward pass kept.
        gradients: Of the outputs and of the final h and c; None for zeros.
        wanted: Whether the gradients of x, h0, c0 and the weights are wanted.
        norms: Room for the norm of the gradient of the state after each step; None where not wanted.

    Returns:
        The gradients of x, h0, c0 and each weight; None for those not wanted.
    """
    results = _new_gradients(wanted, call.x, call.h0, call.c0, call.weights)
    dx, dh0, dc0, *dweights = results
    dy, dhn, dcn = gradients
    native.backward(
        call.library,
        call.problem,
        (call.x, None if dy is None else _rows(dy), dx),
        call.packed(True),
        (
            call.h0,
            call.c0,
            None if dhn is None else dhn.contiguous(),
            None if dcn is None or call.c0 is None else dcn.contiguous(),
            dh0,
            dc0,
        ),
        saved,
        dweights if wanted[3] else [],
        norms,
    )
    return results


def _backward(
    dy: Tensor | None, dhn: Tensor | None, dcn: Tensor | None, saved: Tensor, *arguments: Any
) -> list[Tensor]:
    call = Call(*arguments[:-1])
    results = run_backward(call, saved, (dy, dhn, dcn), arguments[-1])
    return [_or_empty(each, call.x) for each in results]


def _rows(sequence: Tensor) -> Tensor:
    """Return the tensor if the features of a step lie next to each other, or a copy in which they do."""
    return sequence if sequence.stride(2) == 1 else sequence.contiguous()


def _new_outputs(
    x: Tensor, h0: Tensor, c0: Tensor | None, directions: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return room for the outputs, laid out in memory as the inputs are: batch first or time first."""
    batch, time, _ = x.shape
    width = directions * h0.size(2)
    time_first = batch > 1 and x.stride(0) < x.stride(1)
    strides = (width, batch * width, 1) if time_first else (time * width, width, 1)
    y = x.new_empty_strided((batch, time, width), strides)
    return y, torch.empty_like(h0), None if c0 is None else torch.empty_like(c0)


def _new_gradients(
    wanted: Sequence[bool], x: Tensor, h0: Tensor, c0: Tensor | None, weights: list[Tensor]
) -> list[Tensor | None]:
    want_x, want_h0, want_c0, want_weights = wanted
    return [
        _room_like(x) if want_x else None,
        _room_like(h0) if want_h0 else None,
        _room_like(c0) if want_c0 and c0 is not None else None,
        *[_room_like(weight) if want_weights else None for weight in weights],
    ]


def _room_like(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, memory_format=torch.contiguous_format)


def _fake_forward(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return outputs of the right shapes without numbers; how much is kept depends on the padded sizes."""
    x, h0, c0, _weights, _lengths, _seed, kind, layers, bidirectional, *_rest, keep = arguments
    directions = 2 if bidirectional else 1
    y, hn, cn = _new_outputs(x, h0, c0, directions)
    steps, hidden = x.size(0) * x.size(1), h0.size(2)
    padded = (hidden + 7) // 8 * 8
    per_unit = {"lstm": 5, "gru": 4}.get(_KINDS[kind], 0)
    scan = (steps * padded * per_unit + 15) // 16 * 16
    size = layers * directions * (scan + steps * hidden)
    return y, hn, _or_empty(cn, y), x.new_empty(size if keep else 0)


def _fake_backward(*arguments: Any) -> list[Tensor]:
    """Return gradients of the right shapes without numbers; the first four arguments do not matter."""
    return [_or_empty(each, arguments[4]) for each in _new_gradients(arguments[-1], *arguments[4:8])]


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    x, h0, c0, weights, lengths, seed, *settings, _keep = inputs
    saved = output[3]
    ctx.save_for_backward(x, h0, c0, lengths, seed, saved, *weights)
    ctx.settings = settings
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(saved)


def _gradients(
    ctx: Any, dy: Tensor | None, dhn: Tensor | None, dcn: Tensor | None, _: Any
) -> tuple[Any, ...]:
    x, h0, c0, lengths, seed, saved, *weights = ctx.saved_tensors
    need = ctx.needs_input_grad
    wanted = [need[0], need[1], need[2], any(need[3])]
    dx, dh0, dc0, *dweights = torch.ops.ostinato.recurrent_backward(
        dy, dhn, dcn, saved, x, h0, c0, weights, lengths, seed, *ctx.settings, wanted
    )
    rest = [None] * (len(_NAMES) - 4 + 1)
    return (
        dx if need[0] else None,
        dh0 if need[1] else None,
        dc0 if need[2] else None,
        [each if wants else None for each, wants in zip(dweights, need[3], strict=True)],
        *rest,
    )


torch.library.impl("ostinato::recurrent", "cpu", _forward)
torch.library.impl("ostinato::recurrent_backward", "cpu", _backward)
torch.library.register_fake("ostinato::recurrent", _fake_forward)
torch.library.register_fake("ostinato::recurrent_backward", _fake_backward)
torch.library.register_autograd("ostinato::recurrent", _gradients, setup_context=_setup_context)


class Recurrent(torch.autograd.Function):
    """The same as the operator, for calls that nobody traces: with a fraction of the dispatcher's overhead."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        """Run over time; the arguments are the operator's without the weights and `keep`, then each weight."""
        tensors, settings, weights = arguments[:5], arguments[5:11], list(arguments[11:])
        x, h0, c0, lengths, seed = tensors
        call = Call(x, h0, c0, weights, lengths, seed, *settings)
        y, hn, cn, saved = run_forward(call, True)
        ctx.save_for_backward(*tensors, saved, *weights)
        ctx.settings = settings
        ctx.set_materialize_grads(False)
        return (y, hn) if c0 is None else (y, hn, cn)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> Any:
        """Run back over time."""
        x, h0, c0, lengths, seed, saved, *weights = ctx.saved_tensors
        need = ctx.needs_input_grad
        dy, dhn, dcn = (*gradients, None)[:3]
        call = Call(x, h0, c0, weights, lengths, seed, *ctx.settings)
        wanted = (*need[:3], any(need[11:]))
        results = run_backward(call, saved, (dy, dhn, dcn), wanted)
        dx, dh0, dc0, *dweights = (
            each if wants else None for each, wants in zip(results, (*need[:3], *need[11:]), strict=True)
        )
        return (dx, dh0, dc0, *[None] * 8, *dweights)


differentiable: Callable[..., tuple[Tensor, ...]] = Recurrent.apply
