"""A device that isn't there: computes on the CPU, and refuses what no accelerator does with tensors of two places.

Tensors on it bear torch's device ``meta``, which every torch has. Unlike torch's own ``meta`` it has numbers, so that
results are compared too. As on CUDA, only single numbers and indices may come from the CPU, and no tensor on the
device becomes a numpy array.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from mote_bench.toolkit import on_device

NAME = "meta"
_INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}
_COPIES = {"aten::_to_copy", "aten::copy_"}
_READS = "aten::_local_scalar_dense"


class Elsewhere(Tensor):
    """A tensor on the device; ``inner`` holds its numbers."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Elsewhere:
        made: Elsewhere = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, inner.shape, strides=inner.stride(), dtype=inner.dtype, device=NAME
        )
        made.inner = inner
        return made

    def tolist(self) -> Any:
        """As any device does; torch leaves it out of classes such as this one."""
        return self.inner.tolist()

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(function, args, kwargs or {})


class _Places(TorchDispatchMode):
    """Sees what is made on the device, or brought to it, from arguments of the CPU."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(function, args, kwargs or {})


@contextmanager
def device() -> Iterator[list[str]]:
    """Within the block the run's device is this one; yields the operations done there, for a test to look at."""
    done.clear()
    with on_device(NAME), _Places():
        yield done


done: list[str] = []


def computed(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The operation's result, where its operands are."""
    name = function._schema.name
    given = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
    there = any(isinstance(one, Elsewhere) for one in given)
    asked = kwargs.get("device")
    plain = {key: "cpu" if key == "device" and value is not None else value for key, value in kwargs.items()}
    if name in _COPIES or not there:
        lands = (isinstance(args[0], Elsewhere) if name == "aten::copy_" else there) if asked is None else _is(asked)
    else:
        lands = asked is None or _is(asked)
        _refuse_mixed(name, args, given)
    result = function(*tree_map(_inner, args), **tree_map(_inner, plain))
    if name == _READS:
        return result
    if lands:
        done.append(name)
    if function._schema.is_mutable and isinstance(args[0], Elsewhere):
        return args[0] if isinstance(result, Tensor) else result
    return _placed(result, lands)


def _is(device: Any) -> bool:
    return torch.device(device).type == NAME


def _inner(one: Any) -> Any:
    return one.inner if isinstance(one, Elsewhere) else one


def _placed(result: Any, lands: bool) -> Any:
    return tree_map(lambda one: Elsewhere(one) if lands and isinstance(one, Tensor) else one, result)


def _refuse_mixed(name: str, args: Sequence[Any], given: Sequence[Tensor]) -> None:
    operands = [args[0], *args[2:]] if name in _INDEXING else given
    stray = [one for one in tree_leaves(operands) if isinstance(one, Tensor) and not isinstance(one, Elsewhere)]
    if any(one.dim() for one in stray):
        raise RuntimeError(f"{name}: expected all tensors to be on the same device, but found {NAME} and cpu")
