"""The values of a kernel's arguments, in the order of `kernel._parameters`."""

from __future__ import annotations

import torch

from pyflex.errors import CaptureIndexError
from pyflex.inputs import Inputs
from pyflex.kernel import KernelSpec
from pyflex.trace import TracedMod

Argument = int | float


def strides_of(tensor: torch.Tensor, repeat_batch: bool) -> list[int]:
    """Strides in elements; 0 where a dimension has one entry, whose stride means nothing."""
    strides = [
        0 if size == 1 else stride
        for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
    ]
    if repeat_batch:
        strides[0] = 0
    return strides


def is_aligned(tensor: torch.Tensor) -> bool:
    """Whether every line of `tensor` is contiguous and starts at a multiple of 16 bytes."""
    lines = 16 // tensor.element_size()
    strides = strides_of(tensor, False)
    return (
        strides[3] == 1
        and tensor.data_ptr() % 16 == 0
        and not any(stride % lines for stride in strides[:3])
    )


def decode_arguments(
    spec: KernelSpec,
    inputs: Inputs,
    out: torch.Tensor,
    lse: torch.Tensor | None,
    max_scores: torch.Tensor | None,
) -> list[Argument]:
    """Everything up to the captures; a split's arguments follow them."""
    tensors = (inputs.query, inputs.key, inputs.value)
    values: list[Argument] = [tensor.data_ptr() for tensor in (*tensors, out)]
    values += [tensor.data_ptr() for tensor in (lse, max_scores) if tensor is not None]
    for tensor in tensors:
        strides = strides_of(tensor, tensor.shape[0] != inputs.batch)
        values += strides[:3] if spec.aligned else strides
    values += out.stride()[:3]
    per_row = lse if lse is not None else max_scores
    if per_row is not None:
        values += per_row.stride()[:2]
    values += (inputs.kv_heads, inputs.q_len, inputs.kv_max, inputs.scale)
    for given in (inputs.q_offset, inputs.kv_len):
        if isinstance(given, int):
            values += (given, 0, 0)
        else:
            values += (0, given.data_ptr(), 1)
    if inputs.blocks is not None:
        lists = inputs.blocks
        values += (lists.counts.data_ptr(), lists.indices.data_ptr(), lists.indices.shape[3])
        if lists.full_counts is not None and lists.full_indices is not None:
            values += (
                lists.full_counts.data_ptr(),
                lists.full_indices.data_ptr(),
                lists.full_indices.shape[3],
            )
        values += lists.strides
    return values


def capture_arguments(mod: TracedMod, inputs: Inputs) -> tuple[int, ...]:
    """The captured tensors' present pointers, strides and sizes.

    Raises:
        CaptureIndexError: where an index variable runs past a captured tensor.
    """
    extents = {"b": inputs.batch, "h": inputs.heads, "kv": inputs.kv_limit}
    for check in mod.host_checks:
        size, needed = mod.captures[check.capture].size(check.dim), extents[check.variable]
        if size < needed:
            raise CaptureIndexError(
                f"{mod.kind} reads past a captured tensor: {check.variable} indexes dimension "
                f"{check.dim} of a tensor of shape {tuple(mod.captures[check.capture].shape)}",
                expected=f"at least {needed} entries",
                got=size,
            )
    return mod.arguments()
