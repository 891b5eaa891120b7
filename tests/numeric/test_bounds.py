"""The bounds that are derived from a mask: sound for any mask, exact for the usual ones."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import torch

import pyflex
from pyflex.lowered import lowered_for
from tests.bounds import Bounds, bounds_of
from tests.golden import Errors, Problem
from tests.mask_grammar import BATCH, HEADS, KEYS, Call, Grammar, draw_call, visible
from tests.mods import MASK_MODS, Sizes, causal, window

Mask = Callable[..., Any]
#: Random masks of one run; each is called twice.
MASKS, AT_A_TIME = 160, 20


def draw_options(random: Random) -> pyflex.Options:
    """Tiles that hold several queries and heads, or one; a loop in one part or more."""
    rows, keys = random.choice((8, 16, 32, 64)), random.choice((16, 32, 64))
    disabled = ("flex-pack-gqa",) if random.random() < 0.2 else ()
    splits = random.choice((None, 1, 3))
    return pyflex.Options(rows=rows, keys=keys, splits=splits, disable_passes=disabled)


def tensors(call: Call, dim: int = 16) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Query, key and value for a call."""
    query = torch.randn(call.batch, call.heads[0], call.q_len, dim)
    key, value = torch.randn(2, call.batch, call.heads[1], call.keys, dim)
    return query, key, value


def derive(decode: pyflex.Decode, call: Call) -> Bounds:
    """The bounds of one call."""
    args = (*tensors(call), None, call.q_offset, call.kv_len)
    found = bounds_of(*decode._planned(*args, False, False), call.q_offset, call.kv_len)
    assert found is not None
    return found


def tiles(found: Bounds, call: Call) -> Any:
    """Each tile's four bounds with the batch entry, the heads and the queries of its rows."""
    batch, kv_heads, portions, count = found.begin.shape
    group = call.heads[0] // call.heads[1]
    for b, g, p, t in torch.cartesian_prod(
        *(torch.arange(size) for size in (batch, kv_heads, portions, count))
    ).tolist():
        first = g * group
        heads = slice(first + p * found.heads, first + min((p + 1) * found.heads, group))
        queries = slice(t * found.queries, min((t + 1) * found.queries, call.q_len))
        ends = (found.begin, found.end, found.sure_begin, found.sure_end)
        yield [int(end[b, g, p, t]) for end in ends], (b, heads, queries)


def assert_sound(found: Bounds, call: Call, mask: Mask) -> None:
    """No visible key is left out, no masked one counts as visible."""
    kept, exists = visible(mask, call)
    for (begin, end, sure_begin, sure_end), rows in tiles(found, call):
        tile, length = kept[rows], int(exists[rows[0]].sum())
        assert 0 <= begin <= length
        assert end <= length
        seen = tile & exists[rows[0]]
        assert not seen[..., :begin].any(), (begin, end)
        assert not seen[..., max(begin, end) :].any(), (begin, end)
        assert tile[..., sure_begin : max(sure_begin, min(sure_end, length))].all()


@pytest.mark.parametrize("part", range(MASKS // AT_A_TIME))
def test_random_masks(part: int, seed: int) -> None:
    random = Random(f"{seed} {part}")
    for number in range(AT_A_TIME):
        mask, text = Grammar(random).mask()
        decode = pyflex.compile(None, mask, options=draw_options(random))
        for _ in range(2):
            call = draw_call(random)
            try:
                assert_sound(derive(decode, call), call, mask)
                if number % 2 == 0:
                    assert_right(decode, call, mask)
            except Exception as error:
                raise AssertionError(f"mask {text}, {call}, {decode.options}") from error


def assert_right(decode: pyflex.Decode, call: Call, mask: Mask) -> None:
    """The answer is the dense one."""
    problem = Problem(*tensors(call), None, mask, q_offset=call.q_offset, kv_len=call.kv_len)
    errors = Errors(torch.float32)
    errors.add(problem, *problem.run(decode))
    assert sum(errors.kernel) <= 1e-4
    assert sum(errors.kernel_lse) <= 1e-4


LENGTHS = torch.tensor([0, 100, 256], dtype=torch.int64)
PREFIXES = torch.tensor([3, 0, 200], dtype=torch.int32)
WINDOWS = torch.arange(HEADS, dtype=torch.int32) * 9
STARTS = (torch.arange(KEYS, dtype=torch.int32) // 50) * 50

#: Masks of which each row sees one interval.
INTERVALS: dict[str, Mask] = {
    "causal": causal,
    "causal, keys on the left": lambda b, h, q, kv: kv <= q,
    "window": window(19),
    "window around": lambda b, h, q, kv: (q - kv).abs() <= 7,
    "window between": lambda b, h, q, kv: (kv > q - 30) & ~(kv > q + 5),
    "length by batch": lambda b, h, q, kv: kv < LENGTHS[b],
    "prefix": lambda b, h, q, kv: (q >= kv) | (kv < PREFIXES[b]),
    "prefix, fixed": lambda b, h, q, kv: (kv < 11) | (q >= kv),
    "block causal": lambda b, h, q, kv: q // 16 >= kv // 16,
    "block causal, any size": lambda b, h, q, kv: q // 24 >= kv // 24,
    "block diagonal": lambda b, h, q, kv: q // 24 == kv // 24,
    "block diagonal, by bits": lambda b, h, q, kv: q >> 4 == kv >> 4,
    "block window": lambda b, h, q, kv: (q // 16 - kv // 16 < 3) & (q >= kv),
    "window by head": lambda b, h, q, kv: (q - kv <= WINDOWS[h]) & (q >= kv),
    "window by head and batch": lambda b, h, q, kv: (q - kv).abs() <= WINDOWS[h] + PREFIXES[b],
    "packed causal": lambda b, h, q, kv: (kv >= STARTS[q.clamp(0, KEYS - 1)]) & (q >= kv),
    "strided": lambda b, h, q, kv: kv * 2 <= q,
    "strided, by bits": lambda b, h, q, kv: kv << 1 <= q,
    "some rows": lambda b, h, q, kv: (q % 2 == 1) & (q >= kv),
    "two kinds of heads": lambda b, h, q, kv: torch.where(h < 4, q >= kv, q - kv == 0),
    "no key": lambda b, h, q, kv: kv < 0,
    "at most a prefix": lambda b, h, q, kv: torch.minimum(q, PREFIXES[b]) >= kv,
}


@pytest.mark.parametrize("name", INTERVALS)
@pytest.mark.parametrize("rows", [8, 16, 64])
def test_intervals_are_exact(name: str, rows: int, seed: int) -> None:
    random, mask = Random(seed), INTERVALS[name]
    decode = pyflex.compile(None, mask, options=pyflex.Options(rows=rows, keys=16))
    for q_len, heads in ((1, (8, 2)), (9, (6, 2)), (40, (12, 1))):
        at = torch.tensor([random.randint(-20, KEYS) for _ in range(BATCH)])
        lengths = torch.tensor([random.randint(0, KEYS) for _ in range(BATCH)])
        call = Call(BATCH, heads, q_len, KEYS, at, random.choice((None, lengths)))
        found = derive(decode, call)
        assert_sound(found, call, mask)
        assert_exact(found, call, mask)
        assert_right(decode, call, mask)


def assert_exact(found: Bounds, call: Call, mask: Mask) -> None:
    """The bounds are the least, and the greatest, that are sound."""
    kept, exists = visible(mask, call)
    for (begin, end, sure_begin, sure_end), rows in tiles(found, call):
        length = int(exists[rows[0]].sum())
        tile = kept[rows].flatten(0, 1)[:, :length]
        some, all_of = tile.any(0).nonzero(), tile.all(0).nonzero()
        assert (begin, end) == ends(some) or (begin >= end and not some.numel())
        assert (sure_begin, sure_end) == ends(all_of) or (
            sure_begin >= sure_end and not all_of.numel()
        )


def test_nothing_is_read_outside_the_bounds(seed: int) -> None:
    torch.manual_seed(seed)
    call = Call(1, (4, 2), 3, 200, 150, None)
    query, key, value = tensors(call)
    clean = pyflex.compile(None, window(19))(query, key, value, q_offset=150)
    for tensor in (key, value):
        tensor[:, :, :132] = tensor[:, :, 153:] = torch.nan
    out = pyflex.compile(None, window(19))(query, key, value, q_offset=150)
    assert torch.allclose(out, clean, atol=1e-6)


def test_a_costly_mask_is_not_asked_where_it_holds(seed: int) -> None:
    torch.manual_seed(seed)
    mask = MASK_MODS["scattered"].make(Sizes(1, 1, 1, torch.device("cpu"), torch.Generator()))
    assert mask is not None
    decode = pyflex.compile(None, mask, options=pyflex.Options(keys=16))
    for q_len in (1, 20):
        assert_right(decode, Call(2, (4, 2), q_len, 200, 150, None), mask)
    loop = decode.ir("ttir").split("scf.for")[1]
    assert "scf.if" in loop.split("ex2.approx")[0]


def test_a_score_of_minus_infinity_is_a_mask(seed: int) -> None:
    torch.manual_seed(seed)
    lengths = torch.tensor([40, 170], dtype=torch.int32)

    def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        s = torch.where(kv < lengths[b], s + 0.01 * (kv - q), -torch.inf)
        return s.masked_fill(q < kv, float("-inf"))

    call = Call(2, (4, 2), 5, 200, 120, None)
    decode = pyflex.compile(score, lambda b, h, q, kv: q - kv < 100)
    assert_exact(
        derive(decode, call),
        call,
        lambda b, h, q, kv: (kv < lengths[b]) & (q >= kv) & (q - kv < 100),
    )
    problem = Problem(*tensors(call), score, lambda b, h, q, kv: q - kv < 100, q_offset=120)
    for disabled in ((), ("flex-mask-from-score",), ("flex-derive-bounds",)):
        options = pyflex.Options(disable_passes=disabled)
        decode = pyflex.compile(score, lambda b, h, q, kv: q - kv < 100, options=options)
        errors = Errors(torch.float32)
        errors.add(problem, *problem.run(decode))
        errors.check()


@pytest.mark.parametrize("folds", [3, 30])
def test_a_chain_of_choices(folds: int, seed: int) -> None:
    """Each choice makes two comparisons of one, which are not followed for ever."""

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        distance = q - kv
        for fold in range(folds):
            distance = (distance - 100 // (fold + 1)).abs()
        return distance < 2

    torch.manual_seed(seed)
    decode = pyflex.compile(None, mask)
    for q_len in (1, 20):
        call = Call(2, (4, 2), q_len, 200, 150, None)
        assert_sound(derive(decode, call), call, mask)
        assert_right(decode, call, mask)


@pytest.mark.parametrize(
    ("mask", "most"),
    [
        (window(1024), (1024, 1)),
        (lambda b, h, q, kv: (q - kv).abs() <= 7, (15, 1)),
        (lambda b, h, q, kv: kv < 100, (100, 0)),
        (lambda b, h, q, kv: (kv >= PREFIXES[b]) & (kv < PREFIXES[b] + 32), (32, 0)),
        (lambda b, h, q, kv: (q // 16 - kv // 16 < 3) & (q >= kv), (48, 1)),
        (causal, None),
        (lambda b, h, q, kv: (q - kv < WINDOWS[h]) & (q >= kv), None),
        (lambda b, h, q, kv: torch.where(h < 4, q == kv, q >= kv), None),
        (lambda b, h, q, kv: (q // 16 == kv // 16) & (h > 0), (31, 1)),
    ],
)
def test_most_keys(mask: Mask, most: tuple[int, int] | None) -> None:
    """What the schedule may take a loop's length for."""
    decode = pyflex.compile(None, mask)
    call = Call(BATCH, (HEADS, 1), 1, KEYS, 100, None)
    plan, _ = decode._planned(*tensors(call), None, 100, None, False, False)
    assert lowered_for(plan.spec).bounds.most == most
    assert plan._kind.work(10**6).length == (most[0] if most else 10**6)


def ends(keys: torch.Tensor) -> tuple[int, int]:
    """The first of these keys, and one more than the last."""
    return (int(keys[0]), int(keys[-1]) + 1) if keys.numel() else (0, 0)


@pytest.mark.parametrize("name", MASK_MODS)
def test_masks_of_the_suite_are_sound(name: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = MASK_MODS[name].make(Sizes(2, 8, 150, torch.device("cpu"), generator))
    if mask is None:
        return
    decode = pyflex.compile(None, mask, options=pyflex.Options(rows=16, keys=16))
    call = Call(2, (8, 2), 17, 130, 113, None)
    assert_sound(derive(decode, call), call, mask)


@pytest.mark.parametrize("first", [True, False])
def test_bounds_of_a_long_mask_are_cut_short(first: bool) -> None:
    """Conditions that meet again and again would take thousands of operations."""

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        shown = kv <= q
        for i in range(150):
            shown = shown & (kv != i) | (shown ^ (kv > q + i))
        return (kv < 40) & shown if first else shown & (kv < 40)

    query, key = torch.zeros(1, 1, 1, 16), torch.zeros(1, 1, 64, 16)
    decode = pyflex.compile(None, mask)
    _, lse = decode(query, key, key, q_offset=30, return_lse=True)
    position, keys = torch.tensor(30), torch.arange(64)
    assert lse.exp().item() == pytest.approx(float(mask(0, 0, position, keys).sum()))
    lengths = [
        decode.ir(stage).count("\n") for stage in ("flex-derive-bounds", "flex-expand-decode")
    ]
    assert lengths[0] - lengths[1] < 2500
    # What comes first is known before the rest is too much.
    assert ("most(40, 0)" in decode.ir("flex-derive-bounds")) == first
