"""Calls the short way and the long way, against the fake driver: both must ask the same of it.

Runs as a process of its own, `python repeat_cases.py SEED`, with the fake as its libcuda.so.1.
"""

from __future__ import annotations

import ctypes
import math
import random
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch._subclasses import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention.flex_attention import AuxRequest, create_block_mask

import pyflex
from pyflex import Options, run, schedule, workspace
from pyflex.blocks import read_block_mask
from pyflex.cache import Binary
from pyflex.errors import BlockMaskError, DTypeError, HeadCountError, ShapeError
from pyflex.flex_attention import flex_attention
from pyflex.kernel import KernelSpec, _parameters
from pyflex.launch import GpuKernel
from pyflex.repeat import Repeat

FAKE = ctypes.CDLL("libcuda.so.1")
FAKE.fake_log.restype = ctypes.c_char_p
SIZES = {"ptr": 8, "i64": 8, "i32": 4, "f32": 4}
RESULTS: dict[Any, torch.Tensor] = {}
MADE: list[Any] = []  # for one call, the output first


def empty(shape: Sequence[int], strides: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """The same memory for the same result, so that launches can be compared."""
    if len(shape) == 4:
        MADE.clear()
    MADE.append((tuple(shape), dtype))
    key = (MADE[-1], MADE.count(MADE[-1]))
    if key not in RESULTS:
        RESULTS[key] = torch.empty_strided(shape, strides, dtype=dtype)
    return RESULTS[key]


def kernel(
    name: str, types: Sequence[str], *, waits: bool = False, clusters: bool = False
) -> GpuKernel:
    code = [len(types) + 2, *(SIZES[one] for one in types), 8, 8]
    binary = Binary(bytes(code), name, tuple(types), 128, 900, waits, clusters)
    return GpuKernel(binary, "cuda", 0, 50000 if clusters else 0)


def types_of(spec: KernelSpec) -> list[str]:
    """Up to what belongs to the split."""
    names = [parameter.type for parameter in _parameters(spec)]
    types = ["ptr" if name.startswith("!tt.ptr") else name for name in names]
    return [*types, "ptr", "ptr", "i64"] if spec.listed else types


class FakeRunner(run.GpuRunner):
    """A GPU's runner whose GPU is the fake one, and whose memory is the CPU's."""

    def __init__(self, lowered: Any, device: torch.device) -> None:
        self._spec = lowered.spec
        self._device, self._index = device, 0
        clusters = self._spec.combines_in_cluster
        split = ["i32", "ptr", "ptr"] if self._spec.splits_kv else []
        types = [*types_of(self._spec), *split, *(["i32"] if clusters else [])]
        made = kernel("decode", types, waits=self._spec.listed, clusters=clusters)
        self._loaded = {"decode": made}
        if clusters:
            self.cluster_at = made.cluster_at
        self._launchers, self._places = {}, {}
        self._stream = lambda index: 0
        self.empty = empty

    def _load(self, name: str) -> GpuKernel:
        if name == "listing":
            return kernel("decode_blocks", types_of(self._spec))
        rows = ["ptr", "i64", "i64"] * (self._spec.lse + self._spec.max_scores)
        types = ["ptr", "ptr", "i32", "i32", "i32", "ptr", "i64", "i64", "i64", *rows]
        return kernel("combine", types, waits=True)


def block() -> None:
    memory = torch.empty(1 << 20, dtype=torch.uint8)
    workspace.BLOCKS[0, 0] = (1 << 20, memory.data_ptr(), memory)
    run.workspace = lambda *_: memory  # type: ignore[attr-defined]


def asked(call: Any, *arguments: Any, **named: Any) -> str:
    """The launches that a call makes."""
    FAKE.fake_clear()
    call(*arguments, **named)
    text: bytes = FAKE.fake_log()
    kinds = ("launch", "overlap")
    return "\n".join(line for line in text.decode().splitlines() if line.startswith(kinds))


TABLE = torch.randn(8)
LONG = torch.randn(600)


def biased(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
    return s + TABLE[h]


def limited(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
    return s + LONG[kv]


def causal(b: Any, h: Any, q: Any, kv: Any) -> Any:
    return q >= kv


IDS = torch.arange(1000, dtype=torch.int32) // 50


def documents(b: Any, h: Any, q: Any, kv: Any) -> Any:
    return IDS[q] == IDS[kv]


def strides(b: Any, h: Any, q: Any, kv: Any) -> Any:
    return (q - kv) % (h + 2) == 0


def tensors(draw: random.Random, dtype: torch.dtype, batch: int, q_len: int, dims: Any) -> Any:
    """Query, key and value with a layout of their own each."""
    kv_batch = draw.choice([1, batch])

    def one(*shape: int) -> torch.Tensor:
        layouts = ["plain", "heads inside", "sliced", "shifted", "columns apart", "lines apart"]
        layout = draw.choice(layouts)
        b, h, n, d = shape
        if layout == "heads inside":
            return torch.empty(b, n, h, d, dtype=dtype).transpose(1, 2)
        if layout == "sliced":
            return torch.empty(b, h, n + 7, d, dtype=dtype)[:, :, :n]
        if layout == "shifted":
            return torch.empty(b * h * n * d + 1, dtype=dtype)[1:].view(shape)
        if layout == "lines apart":
            return torch.empty(b, h, n, d + 8, dtype=dtype)[..., :d]
        if layout == "columns apart":
            return torch.empty(b, h, n, 2 * d, dtype=dtype)[..., ::2]
        return torch.empty(shape, dtype=dtype)

    keys = draw.choice([1, 63, 64, 65, 500, 600])
    key_dim, value_dim = dims
    return (
        one(batch, 8, q_len, key_dim),
        one(kv_batch, 2, keys, key_dim),
        one(kv_batch, 2, keys, value_dim),
    )


def lengths(draw: random.Random, batch: int, most: int) -> Any:
    kind = draw.choice(["none", "int", "i32", "i64"])
    values = torch.randint(0, most + 1, (batch,))
    return {
        "none": None,
        "int": draw.randint(0, most),
        "i32": values.int(),
        "i64": values,
    }[kind]


def short(repeat: Repeat, *arguments: Any) -> Any:
    """The output of a call without lists and other results; None where it is left alone."""
    query, key, value, scale, offset, length = arguments
    made = repeat(query, key, value, None, scale, offset, length, False, False)
    return None if made is None else made[0]


def compare(draw: random.Random) -> tuple[int, int, int]:
    """One Decode, some calls; how many went the short way, listed blocks, and formed clusters."""
    splits = draw.choice([None, 1, 4, 9])
    off = draw.choice([(), ("flex-split-kv",)]) if splits is None else ()
    off += draw.choice([(), (), ("flex-combine-in-cluster",)])
    options = Options(splits=splits, disable_passes=off)
    score = draw.choice([None, biased, limited])
    mask = draw.choice([None, causal, documents, strides])
    schedule._LEAST_LISTED = draw.choice([0, 8 << 20])
    decode = pyflex.compile(score, mask, options=options)
    dtype = draw.choice([torch.float16, torch.bfloat16, torch.float32])
    batch, q_len = draw.choice([1, 3]), draw.choice([1, 4])
    lse, max_scores = draw.random() < 0.5, draw.random() < 0.3
    dims = draw.choice([(64, 64), (32, 24), (64, 160)])
    blocks = None
    if draw.random() < 0.3:
        blocks = create_block_mask(causal, None, None, q_len, 600, device="cpu", BLOCK_SIZE=64)
    lists = None if blocks is None else read_block_mask(blocks)
    repeated = listed = clustered = 0
    for _ in range(12):
        inputs = tensors(draw, dtype, batch, q_len, dims)
        scale = draw.choice([None, 0.5, 2])
        offset, length = lengths(draw, batch, 300), lengths(draw, batch, inputs[1].shape[2])
        rest: Any = {"block_mask": blocks, "scale": scale, "q_offset": offset, "kv_len": length}
        for _ in range(2):
            before = decode._repeat
            results: Any = {"lse": lse, "max_scores": max_scores}
            told = asked(decode.run, *inputs, **rest, **results)
            if before is not None and decode._repeat is before:
                call = (*inputs, lists, scale, offset, length, lse, max_scores)
                made = asked(before, *call)
                repeated += made != "" and made == told
                listed += made == told and decode._last.listed
                clustered += made == told and "cluster" in told
            decode._repeat = None
            if max_scores:
                wanted = asked(decode.run, *inputs, **rest, **results)
            else:
                wanted = asked(decode, *inputs, return_lse=lse, **rest)
            assert told == wanted, f"{told}\nnot\n{wanted}"
            assert len(told.splitlines()) in (1, 2, 3)
    return repeated, listed, clustered


def negated(tensor: torch.Tensor) -> torch.Tensor:
    """One that lies as it does, lazily negated (as an imaginary part may be)."""
    return torch._neg_view(tensor)


def freed(tensor: torch.Tensor) -> torch.Tensor:
    """One like it, of whose memory nothing is left."""
    empty = tensor.clone()
    empty.untyped_storage().resize_(0)
    return empty


def serve_a_kernel_that_cannot_be_split() -> None:
    decode = pyflex.compile(options=Options(disable_passes=("flex-split-kv",)))
    query, key = torch.zeros(2, 8, 1, 64), torch.zeros(2, 2, 600, 64)
    decode(query, key, key)
    assert decode._repeat is not None
    assert short(decode._repeat, query, key, key, None, None, None) is not None
    with forward_ad.dual_level():
        assert short(decode._repeat, query, key, key, None, None, None) is None


def refuse() -> None:
    """Calls that the short way must leave to the long one, checks included."""
    decode = pyflex.compile(limited, options=Options(splits=1))
    query, key = torch.zeros(2, 8, 1, 64), torch.zeros(2, 2, 600, 64)
    decode(query, key, key)
    repeat = decode._repeat
    assert repeat is not None
    assert short(repeat, query, key, key, None, None, None) is not None
    assert short(repeat, query, key[:, :, :590], key[:, :, :590], None, None, None) is not None
    more = torch.zeros(2, 2, 601, 64)
    wide = torch.zeros(2, 8, 1, 65)[..., 1:]
    inside, apart = torch.zeros(2, 600, 2, 64).transpose(1, 2), torch.zeros(2, 2, 600, 72)[..., :64]
    others: list[Any] = [
        (query[:1], key, key),
        (query[:, :4], key, key),
        (torch.zeros(2, 8, 2, 64), key, key),
        (query, key[:1], key[:1]),
        (query, key[:, :1], key[:, :1]),
        (query, key, key[:, :, :599]),
        (query, key, key[..., :32]),
        (query, more, more),
        (query.half(), key.half(), key.half()),
        (query, key.half(), key),
        (query[0], key, key),
        (wide, key, key),
        (query, inside, key),
        (query, key, inside),
        (query, apart, key),
        (query, key, apart),
        (query, key.transpose(2, 3).contiguous().transpose(2, 3), key),
        (query, torch.nn.Parameter(key), key),
        (query.clone().requires_grad_(), key, key),
        (negated(query), key, key),
        (query, negated(key), key),
        (query, key, negated(key)),
        (query.to_sparse(), key, key),
        (freed(query), key, key),
        (query, key, freed(key)),
    ]
    for arguments in others:
        assert short(repeat, *arguments, None, None, None) is None, [a.shape for a in arguments]
    for scale in (torch.tensor(0.5), "1", True, 1j, 1e39, -(10**400), math.inf, math.nan):
        assert short(repeat, query, key, key, scale, None, None) is None, scale
    assert short(repeat, query, key, key, 2, None, None) is not None
    RESULTS.clear()
    with FakeTensorMode():
        assert short(repeat, query, key, key, None, None, None) is None
    recorded: list[Any] = []

    def record(one: torch.Tensor) -> torch.Tensor:
        recorded.append(short(repeat, query, key, key, None, None, None))
        return one + 1

    make_fx(record)(torch.ones(2))
    torch.jit.trace(record, torch.ones(2), check_trace=False)
    assert recorded == [None] * len(recorded)
    assert len(recorded) >= 2
    RESULTS.clear()
    inside_vmap: list[Any] = []
    torch.vmap(
        lambda one: inside_vmap.append(short(repeat, one, key, key, None, None, None)) or one
    )(query[None])
    assert inside_vmap == [None]
    one = torch.ones(2, dtype=torch.int32)
    for offset, length in (
        (None, 601), (None, -1), (None, -(2**31)), (1 << 31, None), (-(2**31), None),
        (one, None), (None, one), (True, None), (None, 1.0), ("1", None),
    ):  # fmt: skip
        assert short(repeat, query, key, key, None, offset, length) is None, (offset, length)
    apart = torch.zeros(2, 8, 1, 128)[..., ::2]
    decode(apart, key, key)
    unaligned = decode._repeat
    assert unaligned is not None
    assert short(unaligned, apart, key, key, None, None, None) is not None
    assert short(unaligned, negated(apart), key, key, None, None, None) is None
    decode(query, key, key, q_offset=one)
    per_batch = decode._repeat
    assert per_batch is not None
    assert short(per_batch, query, key, key, None, one, None) is not None
    apart = torch.ones(4).int()[::2]
    for bad in (
        one.long(),
        one[:1],
        one.float(),
        one[None],
        3,
        None,
        apart,
        freed(one),
        negated(one),
    ):
        assert short(per_batch, query, key, key, None, bad, None) is None


def notice(others: int) -> None:
    """A tensor that a mod reads, and `others` beside it, moves or lies in another way."""
    tables = [torch.randn(600) for _ in range(1 + others)]
    decode = pyflex.compile(lambda s, b, h, q, kv: s + tables[0][kv], options=Options(splits=1))
    query, key = torch.zeros(2, 8, 1, 64), torch.zeros(2, 2, 600, 64)

    def known() -> Any:
        decode(query, key, key)
        repeat = decode._repeat
        assert repeat is not None
        assert bool(repeat._gpu_kind.num_guarded) == (others == 0)
        assert short(repeat, query, key, key, None, None, None) is not None
        return repeat

    for data in (
        torch.randn(600),
        torch.randn(1200)[::2],
        torch.randn(600, dtype=torch.float64),
        torch.randn(601)[1:],
        torch.randn(700),
    ):
        before = known()
        tables[0].data = data
        assert short(before, query, key, key, None, None, None) is None
    before = known()
    tables[-1].unsqueeze_(0).squeeze_(0)
    assert short(before, query, key, key, None, None, None) is not None
    tables[-1].unsqueeze_(0)
    assert short(before, query, key, key, None, None, None) is None


def keep_torchs_rules() -> None:
    """What flex_attention refuses, it refuses after a call that it did not, too."""
    blocks = create_block_mask(causal, None, None, 1, 600, device="cpu")
    query, key = torch.zeros(2, 8, 1, 64), torch.zeros(2, 2, 600, 64)
    like = torch.zeros(2, 8, 600, 64)

    def refused(error: type[Exception], *arguments: Any, **named: Any) -> None:
        try:
            flex_attention(*arguments, **named)
        except error:
            return
        raise AssertionError(f"{error.__name__} was expected")

    for given in ({}, {"block_mask": blocks}):
        launches = [asked(flex_attention, query, key, key, enable_gqa=True, **given)]
        launches += [asked(flex_attention, query, key, key, enable_gqa=True, **given)]
        assert launches[0] == launches[1] != ""
        refused(HeadCountError, query, key, key, **given)
        refused(DTypeError, query, key, key, enable_gqa=1, **given)
        asked(flex_attention, query, like, like, **given)
        refused(HeadCountError, query, key, key, **given)
    shorter = key[:, :, :590]
    refused(BlockMaskError, query, shorter, shorter, enable_gqa=True, block_mask=blocks)
    asked(flex_attention, query, like[:1], like[:1], block_mask=blocks)
    asked(flex_attention, query, like, like)
    refused(ShapeError, query, like[:1], like[:1])
    refused(DTypeError, query, like.half(), like)
    wanted = AuxRequest(lse=True, max_scores=True)
    for _ in range(2):
        out, aux = flex_attention(query, like, like, return_aux=wanted)
        assert out.shape == (2, 8, 1, 64)
        assert aux.lse.shape == aux.max_scores.shape == (2, 8, 1)
        assert flex_attention(query, like, like).shape == (2, 8, 1, 64)


if __name__ == "__main__":
    torch._C._cuda_getCurrentRawStream = lambda index: 0
    run.CpuRunner = FakeRunner  # type: ignore[misc, assignment]
    block()
    refuse()
    serve_a_kernel_that_cannot_be_split()
    keep_torchs_rules()
    notice(0)
    notice(60)  # more than the library remembers
    source = random.Random(int(sys.argv[1]))
    counts = zip(*(compare(source) for _ in range(40)), strict=True)
    repeated, listed, clustered = map(sum, counts)
    print("short", repeated, "listed", listed, "clustered", clustered)
