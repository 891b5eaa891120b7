"""Which keys a kernel counts, found out exactly.

With a query of zeros every visible key weighs the same, so the log-sum-exp says how many there are.
The values are vectors of 1 and -1 that differ from key to key; their sum, the output times that
number, is a whole number in each column. One key too many or too few changes both, and the
difference of the sums names it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

import pyflex
from tests.golden import Errors, Problem
from tests.masks import Mask, whole
from tests.mods import Mod, Sizes

#: Columns of the values: two of a thousand keys are alike once in ten thousand draws.
COLUMNS = 32
HEAD_DIM = 16
#: (query heads, KV heads)
HEADS = ((1, 1), (4, 1), (6, 2), (8, 2), (3, 3), (7, 1), (12, 4))
#: A mean error of fewer rows says little; that many random draws at most are made for one.
ENOUGH_ROWS, MOST_DRAWS = 256, 6
#: Of the calls of a kernel: how many there are, and the most batch entries, keys and positions.
CALLS, MOST_BATCH, MOST_KEYS, POSITIONS = 5, 3, 400, 500


@dataclass(frozen=True)
class Kernel:
    """What is compiled for one mask: heads, tile, split, and the integers of tensors."""

    heads: tuple[int, int]
    options: pyflex.Options
    integers: torch.dtype

    @staticmethod
    def drawn(sizes: Sizes) -> Kernel:
        """One at random."""

        def one_of(values: Any) -> Any:
            return values[whole(sizes, 0, len(values) - 1)]

        options = pyflex.Options(
            rows=one_of((8, 16, 32, 64)),
            keys=one_of((16, 32, 64, 128)),
            splits=one_of((1, 1, 2, 3, 7)),
        )
        return Kernel(one_of(HEADS), options, one_of((torch.int32, torch.int32, torch.int64)))


@dataclass(frozen=True)
class Call:
    """The sizes of one call."""

    batch: int
    q_len: int
    keys: int
    q_offset: Any
    kv_len: Any

    @staticmethod
    def drawn(sizes: Sizes, kernel: Kernel, *, any_query: bool = False) -> Call:
        """One at random; q_idx in [0, positions), or any int32."""
        batch = whole(sizes, 1, sizes.batch)
        q_len = (1, 1, 2, 3, 5, 17, 40)[whole(sizes, 0, 6)]
        keys = whole(sizes, 1, MOST_KEYS)
        first, last = 0, sizes.positions - q_len
        if any_query and whole(sizes, 0, 5) == 0:
            far = 2**31 - 1 - q_len
            first, last = ((-last, last), (far - last, far), (-far, last - far))[whole(sizes, 0, 2)]

        def tensor(least: int, most: int) -> torch.Tensor:
            return sizes.integers(least, most + 1, batch).to(kernel.integers)

        offsets = (max(keys - q_len, 0), whole(sizes, first, last), tensor(first, last), None)
        lengths = (None, whole(sizes, 0, keys), tensor(0, keys))
        # Code differs between int64 and the rest: one of the two is compiled.
        offset = 2 if kernel.integers is torch.int64 else whole(sizes, 0, 3)
        length = 2 if kernel.integers is torch.int64 else whole(sizes, 0, 2)
        return Call(batch, q_len, keys, offsets[offset], lengths[length])

    def __str__(self) -> str:
        offset, length = (
            one.tolist() if isinstance(one, torch.Tensor) else one
            for one in (self.q_offset, self.kv_len)
        )
        return (
            f"batch={self.batch}, q_len={self.q_len}, keys={self.keys}, q_offset={offset},"
            f" kv_len={length}"
        )


def drawn(seed: int, device: torch.device | str) -> tuple[Kernel, Sizes]:
    """A kernel's features at random, and the sizes of masks for it."""
    generator = torch.Generator().manual_seed(seed)
    sizes = Sizes(MOST_BATCH, 1, POSITIONS, torch.device(device), generator)
    kernel = Kernel.drawn(sizes)
    return kernel, replace(sizes, heads=kernel.heads[0])


def check(mask: Mask, kernel: Kernel, sizes: Sizes) -> None:
    """Holds one kernel of `mask` to account at random lengths and positions."""
    decode = pyflex.compile(None, mask.fn, options=kernel.options)
    calls = [Call.drawn(sizes, kernel, any_query=mask.any_query) for _ in range(CALLS)]
    for call in calls:
        print(f"{mask}\n{kernel}\n{call}")
        check_keys(mask.fn, decode, kernel, call, sizes)
    check_numbers(mask.fn, decode, kernel, calls, sizes)


def visible(call: Call, heads: int, mask: Mod, device: torch.device) -> torch.Tensor:
    """The keys that each row sees, by the mask's definition: bool [batch, heads, q_len, keys]."""

    def per_batch(given: Any, default: int) -> torch.Tensor:
        value = torch.as_tensor(default if given is None else given, device=device)
        return value.to(torch.int64).reshape(-1, 1, 1, 1)

    shape = (call.batch, heads, call.q_len, call.keys)
    b, h, q, kv = (
        torch.arange(size, dtype=torch.int32, device=device).reshape(
            [-1 if dim == place else 1 for dim in range(4)]
        )
        for place, size in enumerate(shape)
    )
    q = (q + per_batch(call.q_offset, 0)).to(torch.int32)
    exists = kv < per_batch(call.kv_len, call.keys)
    return (exists & mask(b, h, q, kv)).expand(shape)


def _values(call: Call, heads: int, sizes: Sizes) -> torch.Tensor:
    """Vectors of 1 and -1, [batch, heads, keys, COLUMNS]; NaN at keys that do not exist."""
    signs = 2.0 * sizes.integers(0, 2, call.batch, heads, call.keys, COLUMNS) - 1.0
    return _without_rest(signs, call)


def _without_rest(tensor: torch.Tensor, call: Call) -> torch.Tensor:
    if call.kv_len is None:
        return tensor
    length = torch.as_tensor(call.kv_len, device=tensor.device).reshape(-1, 1, 1, 1)
    past = torch.arange(call.keys, device=tensor.device).reshape(1, 1, -1, 1) >= length
    return torch.where(past, torch.nan, tensor)


def check_keys(mask: Mod, decode: pyflex.Decode, kernel: Kernel, call: Call, sizes: Sizes) -> None:
    """Asserts that every row of `decode` counts the keys that `mask` lets through, and no other."""
    heads, kv_heads = kernel.heads
    query = torch.zeros(call.batch, heads, call.q_len, HEAD_DIM, device=sizes.device)
    shape = (call.batch, kv_heads, call.keys, HEAD_DIM)
    key = _without_rest(sizes.normal(*shape), call)
    value = _values(call, kv_heads, sizes)
    out, lse = decode(
        query, key, value, q_offset=call.q_offset, kv_len=call.kv_len, return_lse=True
    )
    seen = visible(call, heads, mask, sizes.device)
    wanted_count = seen.sum(-1)
    codes = value.nan_to_num(0.0).double().repeat_interleave(heads // kv_heads, 1)
    wanted_sum = seen.double() @ codes
    count = lse.double().exp()
    total = out.double() * count[..., None]
    wrong = ~((count - wanted_count).abs() < 0.25)
    wrong |= ~((total - wanted_sum).abs().amax(-1) < 0.25)
    if not wrong.any():
        return
    row = tuple(wrong.nonzero()[0].tolist())
    difference = total[row] - wanted_sum[row]
    raise AssertionError(
        f"{int(wrong.sum())} of {wrong.numel()} rows count wrong keys; the first, (b, h, query) ="
        f" {row}, counts {float(count[row]):.2f} of {int(wanted_count[row])}"
        f"{_named(difference, codes[row[:2]])}"
    )


def _named(difference: torch.Tensor, codes: torch.Tensor) -> str:
    """The one key by which two sums differ, if it is one."""
    for sign, verb in ((-1, "is skipped"), (1, "is counted and should not be")):
        same = ((difference * sign - codes).abs().amax(-1) < 0.25).nonzero().flatten().tolist()
        if same:
            return f": key {' or '.join(map(str, same))} {verb}"
    return ""


def check_numbers(
    mask: Mod, decode: pyflex.Decode, kernel: Kernel, calls: list[Call], sizes: Sizes
) -> None:
    """Holds `decode` to the rule of `tests.golden`, on random numbers."""
    heads, kv_heads = kernel.heads
    errors = Errors(torch.float32)
    for _ in range(MOST_DRAWS):
        for call in calls:
            query = sizes.normal(call.batch, heads, call.q_len, HEAD_DIM)
            key, value = (
                _without_rest(sizes.normal(call.batch, kv_heads, call.keys, dim), call)
                for dim in (HEAD_DIM, COLUMNS)
            )
            problem = Problem(
                query, key, value, None, mask, q_offset=call.q_offset, kv_len=call.kv_len
            )
            errors.add(problem, *problem.run(decode))
        if errors.rows == 0 or errors.rows >= ENOUGH_ROWS:
            break
    errors.check()
