"""Parts of a kernel's argument list, as `plan.py` puts them together."""

from __future__ import annotations

import torch

from pyflex.blocks import BlockLists
from pyflex.errors import CaptureIndexError
from pyflex.trace import TracedMod

Argument = int | float
#: One value for all batch entries, or a tensor with one for each.
PerBatch = int | torch.Tensor


def per_batch(
    given: PerBatch | None, default: int
) -> tuple[torch.Tensor | None, tuple[int, int, int]]:
    """An argument that may differ between batch entries.

    Returns:
        The tensor that has to live until the launch, if any; and the value for all entries, the
        address of a tensor with one for each, and which of these two counts.
    """
    if given is None:
        return None, (default, 0, 0)
    if isinstance(given, int):
        return None, (given, 0, 0)
    held = given.contiguous()
    return held, (0, held.data_ptr(), 1)


def block_arguments(lists: BlockLists | None) -> tuple[int, ...]:
    """The lists' addresses and strides; nothing without a BlockMask."""
    if lists is None:
        return ()
    values = [lists.counts.data_ptr(), lists.indices.data_ptr(), lists.indices.shape[3]]
    if lists.full_counts is not None and lists.full_indices is not None:
        values += (
            lists.full_counts.data_ptr(),
            lists.full_indices.data_ptr(),
            lists.full_indices.shape[3],
        )
    return (*values, *lists.strides)


def check_captures(mod: TracedMod, batch: int, heads: int, kv_limit: int) -> None:
    """Raises CaptureIndexError where an index variable runs past a captured tensor."""
    extents = {"b": batch, "h": heads, "kv": kv_limit}
    for check in mod.host_checks:
        size, needed = mod.captures[check.capture].size(check.dim), extents[check.variable]
        if size < needed:
            why = (
                " (the keys of the cache, if kv_len is a tensor)" if check.variable == "kv" else ""
            )
            raise CaptureIndexError(
                f"{mod.kind} reads past a captured tensor: {check.variable} indexes dimension "
                f"{check.dim} of a tensor of shape {tuple(mod.captures[check.capture].shape)}",
                expected=f"at least {needed} entries{why}, or an index that is clamped to what "
                "there is",
                got=size,
                at=check.at,
            )


def most_keys(mod: TracedMod) -> int:
    """The most keys for which `check_captures` finds nothing."""
    sizes = (
        mod.captures[check.capture].size(check.dim)
        for check in mod.host_checks
        if check.variable == "kv"
    )
    return min(sizes, default=2**31 - 1)
