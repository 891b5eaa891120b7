"""The two modes that watch a mod run, and send each torch op to its lowering.

Ops are lowered at the moment they are called, so an error is raised on the user's own line and
every emitted op carries that line as its location.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import torch
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from pyflex.errors import (
    CaptureIndexError,
    ConstantRangeError,
    IndexRankError,
    PyflexError,
    UnsupportedOpError,
)
from pyflex.trace.builder import MLIR_TYPES, Value, compute_dtype
from pyflex.trace.captures import CaptureView, describe
from pyflex.trace.indexing import as_tensor, index_capture
from pyflex.trace.lowering import Lowering
from pyflex.trace.lowerings import LOWERINGS
from pyflex.trace.refusals import (
    data_dependent,
    mutation,
    no_lowering,
    refuse_dimensions,
    refused_by_torch,
)
from pyflex.trace.state import Trace
from pyflex.trace.values import TracedScalar, TracedTensor, TracedView

aten = torch.ops.aten

_GETITEM: Final = torch.Tensor.__getitem__
_SETITEM: Final = torch.Tensor.__setitem__
_USUAL_FUNCTION: Final = torch.Tensor.__torch_function__.__func__  # type: ignore[attr-defined]
# In-place methods that no dispatch mode sees.
_IN_PLACE: Final = (torch.Tensor.apply_, torch.Tensor.map_, torch.Tensor.map2_)
_PRINTING: Final = (torch.Tensor.__repr__, torch.Tensor.__format__)
_ISCLOSE: Final = (torch.isclose, torch.Tensor.isclose)
# Calls that would read the numbers out of tensors in a list.
_COPIES_NUMBERS: Final = (torch.tensor, torch.Tensor.new_tensor)
# Methods that would read a plain captured tensor without any op that a dispatch mode sees.
_READS_VALUES: Final = frozenset(
    "__array__ __bool__ __complex__ __dlpack__ __float__ __index__ __int__ item numpy "
    "tolist".split()
)
_READ_OPS: Final = (aten._local_scalar_dense, aten.is_nonzero, aten.equal)
# Ops that index their first argument, and the index that their second one stands for.
_INDEX_OPS: Final[dict[Any, Callable[[Any], Any]]] = {
    aten.index: lambda indices: tuple(slice(None) if i is None else i for i in indices),
    aten.embedding: lambda index: index,
}
_MAX_DECOMPOSITION_DEPTH: Final = 16


class FunctionMode(TorchFunctionMode):
    """Sees each torch function that a mod calls, before torch does.

    Handles indexing, refuses what no kernel can do, and gives torch's errors the user's line.
    """

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self._trace = trace

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if func is _SETITEM or name in ("__set__", "__delitem__"):
            raise mutation("assignment to a tensor's elements or attributes")
        if func in _IN_PLACE:
            raise mutation(f"Tensor.{name}")
        if name in _READS_VALUES and args and isinstance(args[0], torch.Tensor):
            raise data_dependent(name)
        copied = (*args[-1:], *kwargs.values()) if func in _COPIES_NUMBERS else ()
        if any(True for _ in _tensors(copied)):
            raise data_dependent(f"{name}() of tensors")
        if func in _ISCLOSE:  # torch's own changes a temporary in place
            raise UnsupportedOpError(
                "torch.isclose", expected="(a - b).abs() <= tolerance", got="isclose"
            )
        if isinstance(func, torch._ops.HigherOrderOperator):
            raise UnsupportedOpError(name, expected="torch.where, or a loop of Python", got=name)
        if func in _PRINTING:
            with _disable_current_modes():
                return func(*args, **kwargs)
        try:
            if func is torch.tensor:  # which copies an array by an op
                with _disable_current_modes():
                    return self._trace.constant(func(*args, **kwargs))
            with _left_to_torch(types):
                return self._getitem(func, *args) if func is _GETITEM else func(*args, **kwargs)
        except (PyflexError, RecursionError):
            raise
        except OverflowError as error:
            raise ConstantRangeError(str(error), expected="a number of 64 bits") from None
        except (AssertionError, IndexError, RuntimeError, TypeError, ValueError) as error:
            name = "indexing" if func is _GETITEM else resolve_name(func) or name
            raise refused_by_torch(name, error) from None

    def _getitem(self, func: Any, tensor: torch.Tensor, index: Any) -> Any:
        entries = index if isinstance(index, tuple) else (index,)
        if any(isinstance(entry, bool) for entry in entries):
            raise UnsupportedOpError("indexing by a bool", "is not supported", got=index)
        if isinstance(tensor, TracedScalar):
            try:
                return func(tensor, index)
            except IndexError as error:
                raise IndexRankError(
                    "one score or index has no dimensions", expected="no index", got=error
                ) from None
        if isinstance(tensor, TracedView) or any(isinstance(e, torch.Tensor) for e in entries):
            return index_capture(self._trace, tensor, index)
        try:
            return func(tensor, index)
        except PyflexError:
            raise
        except IndexError as error:
            kind = IndexRankError if "too many indices" in str(error) else CaptureIndexError
            raise kind(str(error), got=f"{index} into {describe(tensor)}") from None


class DispatchMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lowers every ATen op that a mod calls."""

    traces_mods: Final = True  # for pyflex.memory, which has to know it and cannot import it

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # Nothing here is compiled by Dynamo; the guard against that would import all of it.
        return False

    def __init__(self, trace: Trace) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._trace = trace
        self._depth = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        try:
            return self._dispatch(func, args, kwargs or {})
        except PyflexError as error:
            self._trace.refusal = error  # which TorchScript's interpreter loses
            raise

    def _dispatch(self, func: Any, args: Any, kwargs: Any) -> Any:
        packet = func.overloadpacket
        if packet in _READ_OPS:
            raise data_dependent(str(packet))
        if torch.Tag.nondeterministic_seeded in func.tags:
            raise UnsupportedOpError(
                str(func),
                "draws random numbers",
                expected="the same score at each call",
                got=str(func),
            )
        if func._schema.is_mutable:
            raise mutation(str(func))

        tensors = list(_tensors((*args, *kwargs.values())))
        if not any(isinstance(x, TracedTensor) for x in tensors):
            if packet is aten.lift_fresh:  # torch.as_tensor(...)
                return self._trace.constant(args[0])
            if func.is_view:  # a view of a captured tensor aliases it
                return func(*args, **kwargs)
        if packet in _INDEX_OPS and not isinstance(args[0], TracedScalar):
            return index_capture(self._trace, args[0], _INDEX_OPS[packet](args[1]))
        if func.is_view and isinstance(args[0], TracedView):
            return self._view(func, args, kwargs)
        for tensor in tensors:
            refuse_dimensions(func, tensor)
        return self._lower(func, args, kwargs, bool(tensors))

    def _view(self, func: Any, args: Any, kwargs: Any) -> Any:
        """A view op on a partly indexed capture: the same op on the dimensions that are left."""
        if func.overloadpacket is aten.as_strided:  # counts from the storage's start
            raise UnsupportedOpError(
                str(func),
                "is not supported after a traced index",
                expected="views that torch has other ops for",
                got=str(func),
            )
        terms = args[0].capture.terms
        result = func(args[0].capture.plain(), *args[1:], **kwargs)
        return pytree.tree_map_only(
            torch.Tensor, lambda t: as_tensor(self._trace, CaptureView.of(t, terms)), result
        )

    def _lower(self, func: Any, args: Any, kwargs: Any, has_tensors: bool) -> Any:
        lower = LOWERINGS.get(func.overloadpacket._qualified_op_name)
        if lower is None:
            if not has_tensors:
                return func(*args, **kwargs)  # a table from nothing but Python, such as arange
            return self._decompose(func, args, kwargs)
        if any(isinstance(arg, complex) for arg in (*args, *kwargs.values())):
            raise no_lowering(str(func), "a complex number")
        results = self._sample_results(func, args, kwargs)
        if results[0].ndim > 0:
            if not has_tensors:
                return func(*args, **kwargs)
            raise UnsupportedOpError(
                str(func), "gives a tensor with dimensions", got=list(results[0].shape)
            )
        positional, named = _map_tensors(self._value, args, kwargs)
        lowering = Lowering(self._trace.builder, str(func), results[0].dtype)
        value = lower(lowering, *positional, **named)
        result = self._trace.scalar(value)
        return result if len(results) == 1 else (result,) * len(results)

    def _value(self, tensor: torch.Tensor) -> Value:
        if isinstance(tensor, TracedTensor):
            return self._trace.own(tensor).value
        return self._trace.captures.load(CaptureView.of(tensor))

    def _sample_results(self, func: Any, args: Any, kwargs: Any) -> list[torch.Tensor]:
        """The op run on sample tensors: its results' shapes and dtypes, by torch's own rules."""
        trace = self._trace
        if (target := kwargs.get("device")) is not None:
            # A bare CPU constant mixes with any device, as in torch; a moved value would not.
            moves = bool(args) and isinstance(args[0], torch.Tensor)
            if moves and target.type not in (trace.device.type, trace.tensor_device.type):
                raise UnsupportedOpError(
                    str(func), "moves a value to another device", expected=trace.device, got=target
                )
        try:
            try:
                results = _run_on(torch.device("cpu"), func, args, kwargs)
            except NotImplementedError:  # of a half type a GPU may know what a CPU does not
                dtypes = [tensor.dtype for tensor in _tensors((*args, *kwargs.values()))]
                if all(compute_dtype(dtype) is dtype for dtype in dtypes):
                    raise
                results = _run_on(torch.device("meta"), func, args, kwargs)
        except (RuntimeError, TypeError, ValueError) as error:
            if "without overflow" in str(error):
                raise ConstantRangeError(f"{func}: {error}") from None
            raise refused_by_torch(str(func), error) from None
        for result in results:
            if result.dtype not in MLIR_TYPES:
                raise UnsupportedOpError(
                    str(func), "gives a dtype that kernels do not have", got=result.dtype
                )
        return results

    def _decompose(self, func: Any, args: Any, kwargs: Any) -> Any:
        # On first need: it takes a tenth of a second.
        from torch._decomp import decomposition_table

        decomposition: Callable[..., Any] | None = decomposition_table.get(func)
        if decomposition is None and func._can_decompose():
            decomposition = func.decompose
        if decomposition is None or self._depth == _MAX_DECOMPOSITION_DEPTH:
            raise no_lowering(str(func), str(func))
        self._sample_results(func, args, kwargs)  # refuses dtypes that torch does
        self._depth += 1
        try:
            with self:
                result = decomposition(*args, **kwargs)
        except UnsupportedOpError as error:
            if self._depth > 1:
                raise
            # Name the op that the user wrote, not a part of torch's decomposition of it.
            raise no_lowering(str(func), error.op, error.at) from None
        finally:
            self._depth -= 1
        if result is NotImplemented:
            raise no_lowering(str(func), str(func))
        return result


def _left_to_torch(types: Iterable[type]) -> AbstractContextManager[None]:
    """Keeps torch from turning a result into the class of an argument, a subclass of Tensor.

    A traced value cannot become one. A class that overrides torch's functions is still asked.
    """
    own = (getattr(one.__torch_function__, "__func__", None) for one in types)  # type: ignore[attr-defined]
    if all(fn in (None, _USUAL_FUNCTION) for fn in own):
        return torch._C.DisableTorchFunctionSubclass()
    return nullcontext()


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _map_tensors(
    convert: Callable[[torch.Tensor], Any], args: Any, kwargs: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with their tensors converted; ops with lists of tensors have no lowering."""
    return (
        tuple(convert(x) if isinstance(x, torch.Tensor) else x for x in args),
        {name: convert(x) if isinstance(x, torch.Tensor) else x for name, x in kwargs.items()},
    )


def _run_on(device: torch.device, func: Any, args: Any, kwargs: Any) -> list[torch.Tensor]:
    """The op on 0-d ones of the arguments' dtypes."""
    positional, named = _map_tensors(
        lambda tensor: torch.ones((), dtype=tensor.dtype, device=device), args, kwargs
    )
    if named.get("device") is not None:
        named["device"] = device
    results = func(*positional, **named)
    return list(results) if isinstance(results, (tuple, list)) else [results]
