"""Captured tensors: which of them a mod reads, at what address, and whether that is in range."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import torch

from pyflex.errors import CaptureDeviceError, CaptureDtypeError, UnsupportedOpError
from pyflex.memory import has_plain_memory
from pyflex.trace.builder import MLIR_TYPES, Builder, Value
from pyflex.trace.program import CaptureParameter, HostCheck, ParameterKind

# Variables whose range a call knows before it launches; q_idx is moved by a run-time offset.
_BOUNDED_VARIABLES: Final = ("b", "h", "kv")


@dataclass(frozen=True)
class Axis:
    """One dimension of a plain tensor, whose stride and size it stands for."""

    tensor: torch.Tensor
    dim: int


@dataclass(frozen=True)
class CaptureView:
    """A captured tensor in which traced indices stand at some dimensions.

    The address is `source`'s own plus, for each of `terms`, the index times the axis's stride;
    `axes` are the dimensions that are left.
    """

    source: torch.Tensor
    axes: tuple[Axis, ...]
    terms: tuple[tuple[Axis, Value], ...] = ()

    @staticmethod
    def of(tensor: torch.Tensor, terms: tuple[tuple[Axis, Value], ...] = ()) -> CaptureView:
        axes = tuple(Axis(tensor, dim) for dim in range(tensor.ndim))
        return CaptureView(tensor, axes, terms)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(axis.tensor.size(axis.dim) for axis in self.axes)

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(axis.tensor.stride(axis.dim) for axis in self.axes)

    def plain(self) -> torch.Tensor:
        """The dimensions that are left as a plain view, for view ops to work on."""
        if not self.terms:
            return self.source
        offset = self.source.storage_offset()
        return torch.as_strided(self.source, self.shape, self.strides, offset)

    def consume(self, indices: dict[int, Value]) -> CaptureView:
        """Puts traced indices at some of the dimensions that are left."""
        used = tuple((self.axes[dim], index) for dim, index in indices.items())
        left = tuple(axis for dim, axis in enumerate(self.axes) if dim not in indices)
        return replace(self, axes=left, terms=self.terms + used)


class Captures:
    """The captured tensors of one mod, in the order of their first use."""

    def __init__(self, builder: Builder, device: torch.device) -> None:
        self._builder = builder
        self._device = device
        self._numbers: dict[tuple[object, ...], int] = {}
        self._parameters: dict[tuple[int, ParameterKind, int], CaptureParameter] = {}
        self._host_checks: dict[HostCheck, None] = {}
        self.tensors: list[torch.Tensor] = []
        self.in_bounds: Value | None = None

    @property
    def parameters(self) -> tuple[CaptureParameter, ...]:
        """By captured tensor: the pointer, then strides, then sizes."""
        order = ("pointer", "stride", "size")
        keys = sorted(self._parameters, key=lambda key: (key[0], order.index(key[1]), key[2]))
        return tuple(self._parameters[key] for key in keys)

    @property
    def host_checks(self) -> tuple[HostCheck, ...]:
        return tuple(self._host_checks)

    def take_in_bounds(self) -> Value | None:
        """Whether the indices since the last call were in range; None if they cannot but be."""
        taken, self.in_bounds = self.in_bounds, None
        return taken

    def load(self, view: CaptureView) -> Value:
        """Reads the one element of a view that has no dimensions left."""
        build = self._builder
        dtype = view.source.dtype
        stored = torch.uint8 if dtype is torch.bool else dtype
        number = self._number(view.source)
        pointer_type = f"!tt.ptr<{MLIR_TYPES[stored]}>"
        address = self._parameter(number, "pointer", -1, pointer_type)

        offset: Value | None = None
        guard: Value | None = None
        for axis, index in view.terms:
            place, valid = self._place(axis, index)
            step = build.op("arith.muli", place, self._step(axis, view.source))
            offset = step if offset is None else build.op("arith.addi", offset, step)
            guard = _both(build, guard, valid)

        if offset is not None:
            text = f"tt.addptr {address}, {offset.name} : {pointer_type}, i64"
            address = build.emit(text, stored).name
        if guard is None:
            loaded = build.emit(f"tt.load {address} : {pointer_type}", stored)
        else:
            other = build.constant(0, stored)
            text = f"tt.load {address}, {guard.name}, {other.name} : {pointer_type}"
            loaded = build.emit(text, stored)
            self.in_bounds = _both(build, self.in_bounds, guard)
        if dtype is torch.bool:
            return build.compare("ne", loaded, build.constant(0, stored))
        return loaded

    def _step(self, axis: Axis, source: torch.Tensor) -> Value:
        """The stride of an axis in elements of `source`, which may be a view of another dtype."""
        stride = self._extent(axis, "stride")
        ratio, rest = divmod(axis.tensor.element_size(), source.element_size())
        if rest:  # the strides, known when a kernel runs, need be no multiple of the wider element
            raise UnsupportedOpError(
                "a view of a wider dtype",
                "is not supported after a traced index",
                expected=f"{axis.tensor.dtype}, or a view of the tensor before it is indexed",
                got=source.dtype,
            )
        if ratio == 1:
            return stride
        return self._builder.op("arith.muli", stride, self._builder.constant(ratio, torch.int64))

    def _place(self, axis: Axis, index: Value) -> tuple[Value, Value | None]:
        """The index as i64, negative ones wrapped, and whether it is in range (None: known)."""
        build = self._builder
        wide = index
        if index.dtype is not torch.int64:
            wide = build.convert("arith.extsi", index, torch.int64)
        if index.variable in _BOUNDED_VARIABLES:
            number = self._number(axis.tensor)
            check = HostCheck(number, axis.dim, index.variable, build.locate())  # type: ignore[arg-type]
            self._host_checks.setdefault(check)
            return wide, None
        size = self._extent(axis, "size")
        is_negative = build.compare("slt", wide, build.constant(0, torch.int64))
        place = build.select(is_negative, build.op("arith.addi", wide, size), wide)
        # One unsigned comparison also refuses what is negative after wrapping.
        return place, build.compare("ult", place, size)

    def _extent(self, axis: Axis, kind: ParameterKind) -> Value:
        number = self._number(axis.tensor)
        return Value(self._parameter(number, kind, axis.dim, "i64"), torch.int64)

    def _parameter(self, number: int, kind: ParameterKind, dim: int, mlir_type: str) -> str:
        suffix = "" if kind == "pointer" else f"_{kind}{dim}"
        parameter = CaptureParameter(f"%c{number}{suffix}", kind, number, dim, mlir_type)
        return self._parameters.setdefault((number, kind, dim), parameter).name

    def _number(self, tensor: torch.Tensor) -> int:
        """The tensor's number; views of the same memory and layout share one."""
        self.check(tensor)
        key = (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
        if key not in self._numbers:
            self._numbers[key] = len(self.tensors)
            self.tensors.append(tensor)
        return self._numbers[key]

    def check(self, tensor: torch.Tensor) -> None:
        """Raises a TraceError for a tensor that a kernel cannot read."""
        if tensor.is_quantized or not has_plain_memory(tensor):
            kind = type(tensor)
            raise CaptureDtypeError(
                "a captured tensor has no plain strided memory",
                expected="a dense torch.Tensor, without the negative bit",
                got=f"{tensor.layout if kind is torch.Tensor else kind.__name__}, {tensor.dtype}",
            )
        if tensor.device.type != self._device.type or (
            self._device.index is not None and tensor.device.index != self._device.index
        ):
            raise CaptureDeviceError(
                f"a captured tensor is on another device; move it with .to({str(self._device)!r})",
                expected=self._device,
                got=f"{tensor.device}, {describe(tensor)}",
            )
        if tensor.dtype not in MLIR_TYPES:
            raise CaptureDtypeError(
                "a captured tensor has a dtype that mods cannot read",
                expected=", ".join(str(dtype) for dtype in MLIR_TYPES),
                got=describe(tensor),
            )


def describe(tensor: torch.Tensor) -> str:
    """dtype and shape, for messages."""
    return f"{tensor.dtype} of shape {list(tensor.shape)}"


def _both(build: Builder, x: Value | None, y: Value | None) -> Value | None:
    if x is None or y is None:
        return y if x is None else x
    return x if x == y else build.op("arith.andi", x, y)
