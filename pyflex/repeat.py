"""Calls of the kind that was called last, checked and launched by the library in one step.

Python reads some thirty properties of a call's tensors to check it and to lay out the kernel's
arguments, in 8 us. The library reads the same from torch's own tables (DLPack's exchange interface)
in less than one. What it does not recognise goes the long way, through `plan.py`.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch._C._functorch import peek_interpreter_stack
from torch.autograd import forward_ad

from pyflex.arguments import PerBatch
from pyflex.blocks import BlockLists
from pyflex.errors import DeviceError
from pyflex.inputs import MOST_SCALE
from pyflex.kind import Kind
from pyflex.launch import GpuKernel, last_problem, overlaps, pack_arguments
from pyflex.library import GpuKind, locked_library
from pyflex.schedule import LENGTH_STEP, Parts
from pyflex.workspace import BLOCKS

#: Lengths, in steps, whose split is remembered: up to a million keys.
_MOST_STEPS = (1 << 20) // LENGTH_STEP + 1
# GpuCall::mostArguments in the library.
_MOST_ARGUMENTS = 256
#: What a scale may be here.
_NUMBERS = (float, int)
#: Words that may tell where the mods' tensors are and how they lie.
_MOST_WORDS = 256
# PyflexGpuCall, and what the library answers.
_pack = struct.Struct("=12Qdii").pack
_QUEUED, _OTHER = 0, 1
_IN_CLUSTER = 1 << 31
# DLPack's numbers.
_DTYPES = {torch.float16: (2, 16), torch.bfloat16: (4, 16), torch.float32: (2, 32)}
_DEVICES = {"cpu": 1, "cuda": 10 if torch.version.hip else 2}
_NO_BLOCK = (0, 0, None)

#: The output, the log-sum-exp and the largest scores, where they are wanted.
Made = tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]


@lru_cache(maxsize=1)
def _reader() -> int | None:
    """torch's function that describes a tensor for DLPack; None for another version of it."""
    capsule = getattr(torch.Tensor, "__dlpack_c_exchange_api__", None)
    if capsule is None:
        return None
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    table = get(capsule, b"dlpack_exchange_api")
    major = ctypes.c_uint32.from_address(table).value
    # Version, an older table, then the functions; the fourth one reads.
    return (ctypes.c_void_p * 6).from_address(table)[5] if major == 1 else None


def _address(function: object) -> int | None:
    return ctypes.cast(function, ctypes.c_void_p).value  # type: ignore[arg-type]


class Repeat:
    """Calls of one kind on one GPU; None in place of a result for a call of another kind."""

    def __init__(
        self,
        kind: Kind,
        kernels: Sequence[GpuKernel],
        listing: GpuKernel | None,
        arguments: Sequence[int | float],
        fixed: int,
        cluster: tuple[int | None, int],
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        row_strides: tuple[int, ...],
        empty: Callable[[Sequence[int], Sequence[int], torch.dtype], torch.Tensor],
    ) -> None:
        """Takes the arguments of all kernels; what changes from call to call may be anything.

        They are in the order of the launch: `listing`, if any, is ahead of `kernels`. `fixed` of
        them, behind the strides of the inputs, are the same for all calls of the kind. `cluster`
        says where its memory begins in a program's, and how much it is; None for a kernel that is
        not told.
        """
        spec = kind.spec
        self._lists = kind.lists
        self._lse, self._max_scores = spec.lse, spec.max_scores
        self.num_kernels = len(kernels)
        self._shape, self._strides, self._dtype = shape, strides, kind.dtype
        self._row_strides = row_strides
        self._scale: float = spec.head_dim**-0.5
        self._index: int = kind.device.index or 0
        self._keeps = spec.splits_kv or spec.listed
        self._empty = empty
        self._stream: Callable[[int], int] = torch._C._cuda_getCurrentRawStream
        # Whether something may be recorded; the long way says what.
        self._modes: Callable[[], int] = torch._C._len_torch_dispatch_stack
        self._tracing: Callable[[], object] = torch._C._get_tracing_state
        self._parts = (ctypes.c_uint32 * _MOST_STEPS)()
        self._call = locked_library().pyflex_gpu_call
        self._kernels = (*kernels, listing)  # alive as long as this
        packed = pack_arguments(_in_order(kernels, listing), arguments)
        self._gpu_kind = _gpu_kind(kind, kernels, listing, packed, fixed, self._parts, cluster)
        self._kind_at = ctypes.addressof(self._gpu_kind)
        # What was remembered is what was traced only if that still holds. The trace, which this
        # keeps alive, has the tensors that the library knows by their address.
        trace = kind.trace
        remembered = _remember(self._gpu_kind, trace.tensors) and trace.holds()
        self._holds = trace.values_hold if remembered else trace.holds
        self._captures_need_grad = any(tensor.requires_grad for tensor in trace.captures)

    @staticmethod
    def serves(kernels: Sequence[GpuKernel], listing: GpuKernel | None) -> bool:
        """Whether the library can take calls of these kernels."""
        count = sum(len(kernel.binary.arguments) for kernel in _in_order(kernels, listing))
        return bool(kernels) and count <= _MOST_ARGUMENTS and _reader() is not None

    def learn_keys(self, most: int) -> None:
        """Takes over from the long way that no mask or captured tensor is too small for `most`."""
        self._gpu_kind.most_keys = most

    def learn_parts(self, steps: int, parts: Parts) -> None:
        """Takes over the parts of the loop for sequences of so many steps."""
        if steps < _MOST_STEPS:
            self._parts[steps] = parts.number | (_IN_CLUSTER if parts.in_cluster else 0)

    def __call__(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        lists: BlockLists | None,
        scale: float | None,
        q_offset: PerBatch | None,
        kv_len: PerBatch | None,
        lse: bool,
        max_scores: bool,
    ) -> Made | None:
        """The results of a call of this kind; see `Decode.run`."""
        if lists is not self._lists or lse is not self._lse or max_scores is not self._max_scores:
            return None
        tensor = torch.Tensor
        if type(query) is not tensor or type(key) is not tensor or type(value) is not tensor:
            return None
        if query.requires_grad or key.requires_grad or value.requires_grad:
            return None
        if self._captures_need_grad and torch.is_grad_enabled():
            return None
        if query.is_neg() or key.is_neg() or value.is_neg():
            return None
        if not self._holds() or self._modes() or self._tracing() is not None:
            return None
        if forward_ad._current_level >= 0 or peek_interpreter_stack() is not None:
            return None
        if scale is None:
            scale = self._scale
        elif type(scale) not in _NUMBERS or not -MOST_SCALE <= scale <= MOST_SCALE:
            return None
        offset, offsets, length, lengths = 0, 0, -1, 0
        if q_offset is not None:
            if lists is not None and not lists.are_rows_of(self._shape[2], q_offset):
                return None
            if type(q_offset) is int:
                offset = q_offset
            elif type(q_offset) is tensor and not q_offset.is_neg():
                offsets = id(q_offset)
            else:
                return None
        if kv_len is not None:
            if type(kv_len) is tensor and not kv_len.is_neg():
                lengths = id(kv_len)
            elif type(kv_len) is int and kv_len >= 0:
                length = kv_len
            else:
                return None
        out = self._empty(self._shape, self._strides, self._dtype)
        sums = largest = None
        if lse:
            sums = self._empty(self._shape[:-1], self._row_strides, torch.float32)
        if max_scores:
            largest = self._empty(self._shape[:-1], self._row_strides, torch.float32)
        stream = self._stream(self._index)
        # Held until all kernels are queued; the library looks whether it is large enough.
        place = (self._index, stream)
        kept = BLOCKS.get(place, _NO_BLOCK) if self._keeps else _NO_BLOCK
        try:
            call = _pack(
                self._kind_at,
                id(query),
                id(key),
                id(value),
                offsets,
                lengths,
                out.data_ptr(),
                0 if sums is None else sums.data_ptr(),
                0 if largest is None else largest.data_ptr(),
                stream,
                kept[1],
                kept[0],
                scale,
                offset,
                length,
            )
        except struct.error:  # an offset that the long way judges
            return None
        try:
            status = self._call(call)
        except (RuntimeError, BufferError):  # a tensor without memory
            return None
        if status == _QUEUED:
            return out, sums, largest
        if status == _OTHER:
            return None
        raise DeviceError("the GPU's driver refuses the launch", got=last_problem())


def _in_order(kernels: Sequence[GpuKernel], listing: GpuKernel | None) -> list[GpuKernel]:
    """All kernels as they are launched."""
    return [*kernels] if listing is None else [listing, *kernels]


def _remember(kind: GpuKind, tensors: Sequence[torch.Tensor]) -> bool:
    """Lets the library look after the mods' tensors; False where it cannot."""
    words = (ctypes.c_uint64 * _MOST_WORDS)()
    kind.guarded = (ctypes.c_void_p * len(tensors))(*map(id, tensors))
    kind.remembered, kind.num_guarded = words, len(tensors)
    try:
        status = locked_library().pyflex_gpu_remember(ctypes.addressof(kind), words, _MOST_WORDS)
    except (RuntimeError, BufferError):  # a tensor without memory
        status = _OTHER
    if status != _QUEUED:
        kind.num_guarded = 0
    return bool(status == _QUEUED)


def _gpu_kind(
    kind: Kind,
    kernels: Sequence[GpuKernel],
    listing: GpuKernel | None,
    arguments: bytes,
    fixed: int,
    parts: ctypes.Array[ctypes.c_uint32],
    cluster: tuple[int | None, int],
) -> GpuKind:
    spec, python = kind.spec, ctypes.pythonapi
    code, bits = _DTYPES[kind.dtype]
    order = _in_order(kernels, listing)
    lists, at_once = kind.list_count() if listing is not None else (0, 0)
    return GpuKind(
        read=_reader(),
        release=_address(python.PyEval_SaveThread),
        acquire=_address(python.PyEval_RestoreThread),
        kernel=kernels[0].handle,
        combine=kernels[1].handle if len(kernels) > 1 else None,
        listing=listing.handle if listing is not None else None,
        arguments=arguments,
        parts=parts,
        query=tuple(kind.shapes[0]),
        key=tuple(kind.shapes[1]),
        value=tuple(kind.shapes[2]),
        num_arguments=sum(len(kernel.binary.arguments) for kernel in order),
        num_parts=_MOST_STEPS,
        num_fixed=fixed,
        step_keys=LENGTH_STEP,
        tile_keys=spec.schedule.keys,
        programs=kind.programs(),
        overlap=overlaps(order),
        lists=lists,
        blocks_at_once=at_once,
        device_type=_DEVICES[kind.device.type],
        device=kind.device.index or 0,
        dtype_code=code,
        dtype_bits=bits,
        offset_bits=kind.integers[0],
        length_bits=kind.integers[1],
        key_line=spec.key_line,
        value_line=spec.value_line,
        aligned=spec.aligned,
        splits=spec.splits_kv,
        lse=spec.lse,
        max_scores=spec.max_scores,
        cluster_at=-1 if cluster[0] is None else cluster[0],
        cluster_bytes=cluster[1],
    )
