"""Lists of blocks that a first kernel writes from the mask: exact, in order, and used."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask

import pyflex
from pyflex import schedule
from pyflex.listing import depends_on_head
from tests.golden import Errors, Problem
from tests.mods import Mod

Make = Callable[[int, int, int, torch.Generator], Mod]


@pytest.fixture(autouse=True)
def _list_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small K and V are."""
    monkeypatch.setattr(schedule, "_LEAST_LISTED", 0)


def bounds_are_exact(mask: Mod) -> bool:
    decode = pyflex.compile(mask_fn=mask)
    key = torch.zeros(1, 1, 1, 16)
    decode(torch.zeros(1, 1, 1, 16), key, key)
    (choice,) = decode._choices.values()
    return not choice._kinds[0].listable


def integers(generator: torch.Generator, low: int, high: int, *shape: int) -> torch.Tensor:
    return torch.randint(low, high, shape, generator=generator, dtype=torch.int32)


def documents(batch: int, heads: int, keys: int, generator: torch.Generator) -> Mod:
    ids = (integers(generator, 0, 60, batch, keys) == 0).cumsum(1).to(torch.int32)
    return lambda b, h, q, kv: ids[b, q] == ids[b, kv]


def prefix_and_window(batch: int, heads: int, keys: int, generator: torch.Generator) -> Mod:
    prefix = integers(generator, 0, keys + 1, batch)
    return lambda b, h, q, kv: (kv < prefix[b] // 4) | ((q - kv < 40) & (q >= kv))


def dilated(batch: int, heads: int, keys: int, generator: torch.Generator) -> Mod:
    return lambda b, h, q, kv: ((q - kv) % 5 == 0) & (q >= kv)


def strided_blocks(batch: int, heads: int, keys: int, generator: torch.Generator) -> Mod:
    return lambda b, h, q, kv: (q // 16 - kv // 16) % 7 == 0


def table(batch: int, heads: int, keys: int, generator: torch.Generator) -> Mod:
    seen = integers(generator, 0, 80, batch, heads, keys) == 0
    return lambda b, h, q, kv: seen[b, h, kv]


def tree(batch: int, heads: int, keys: int, generator: torch.Generator) -> Mod:
    """A query sees all keys but the last 16, and of those the ones its row of a table names."""
    ancestors = integers(generator, 0, 2, 16, 16).bool()
    start = max(keys - 16, 0)

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        seen = ancestors[(q - start).clamp(0, 15), (kv - start).clamp(0, 15)]
        return (kv < start) | seen

    return mask


def window_by_head(batch: int, heads: int, keys: int, generator: torch.Generator) -> Mod:
    width = integers(generator, 0, keys + 1, heads)
    return lambda b, h, q, kv: ((q - kv < width[h]) & (q >= kv)) | (kv < 3)


def nothing(batch: int, heads: int, keys: int, generator: torch.Generator) -> Mod:
    return lambda b, h, q, kv: (kv * 0 > 0) | (q < -(2**30))


def everything(batch: int, heads: int, keys: int, generator: torch.Generator) -> Mod:
    return lambda b, h, q, kv: (kv >= 0) | (q < 0)


MAKES: dict[str, Make] = {
    make.__name__: make
    for make in (
        documents,
        prefix_and_window,
        dilated,
        strided_blocks,
        table,
        tree,
        window_by_head,
        nothing,
        everything,
    )
}


def drawn_problem(
    mask: Mod, batch: int, heads: tuple[int, int], q_len: int, keys: int, kv_len: Any = None
) -> Problem:
    """Random numbers, queries at the end of the keys."""
    dim = 16
    tensors = (
        torch.randn(batch, heads[0], q_len, dim),
        torch.randn(batch, heads[1], keys, dim),
        torch.randn(batch, heads[1], keys, dim),
    )
    return Problem(*tensors, mask=mask, q_offset=max(keys - q_len, 0), kv_len=kv_len)


def check(problem: Problem, options: pyflex.Options | None = None) -> pyflex.Decode:
    """Holds a call to the dense answer and its lists to the mask."""
    decode = pyflex.compile(mask_fn=problem.mask, options=options)
    errors = Errors(torch.float32)
    errors.add(problem, *problem.run(decode))
    errors.check()
    check_lists(problem, decode)
    return decode


def listed(problem: Problem, decode: pyflex.Decode) -> list[tuple[list[int], list[int]]]:
    plan, layout = decode._planned(
        problem.query,
        problem.key,
        problem.value,
        None,
        problem.q_offset,
        problem.kv_len,
        True,
        False,
    )
    assert plan.spec.listed
    return plan.list_blocks(layout, problem.q_offset, problem.kv_len)


def check_lists(problem: Problem, decode: pyflex.Decode) -> None:
    """The lists are those of the dense mask: all of them, no more, and in order."""
    lists = listed(problem, decode)
    spec = decode._last
    assert spec is not None
    assert spec.mask is not None
    visible = dense(problem)
    batch, heads, q_len, keys = visible.shape
    tile, by_head = spec.schedule, depends_on_head(spec.mask)
    group = spec.group
    # Heads of a list's rows: those of the tile, or one in place of all.
    portions = (
        [
            range(first, min(first + tile.heads, start + group))
            for start in range(0, heads, group)
            for first in range(start, start + group, tile.heads)
        ]
        if by_head
        else [range(1)]
    )
    places = [
        (b, portion, first)
        for b in range(batch)
        for portion in portions
        for first in range(0, q_len, tile.queries)
    ]
    lengths = torch.as_tensor(keys if problem.kv_len is None else problem.kv_len).view(-1)
    assert len(lists) == len(places)
    for (b, portion, first), (partial, full) in zip(places, lists, strict=True):
        rows = visible[b, portion.start : portion.stop, first : first + tile.queries]
        blocks = rows.reshape(-1, keys).split(tile.keys, 1) if keys else ()
        end = min(keys, int(lengths[b % len(lengths)]))
        whole = {i for i, block in enumerate(blocks) if block.all() and (i + 1) * tile.keys <= end}
        some = {i for i, block in enumerate(blocks) if block.any()}
        assert partial == sorted(some - whole)
        assert full == sorted(whole)


def dense(problem: Problem) -> torch.Tensor:
    """The mask of every key that exists: bool [B, H, M, N]."""
    assert problem.mask is not None
    batch, heads, q_len, _ = problem.query.shape
    keys = problem.key.shape[2]
    b, h, q, kv = (
        torch.arange(size, dtype=torch.int32).reshape([-1 if dim == at else 1 for dim in range(4)])
        for at, size in enumerate((batch, heads, q_len, keys))
    )
    offset = torch.as_tensor(problem.q_offset, dtype=torch.int32).reshape(-1, 1, 1, 1)
    length = keys if problem.kv_len is None else problem.kv_len
    exists = kv < torch.as_tensor(length).reshape(-1, 1, 1, 1)
    return (problem.mask(b, h, q + offset, kv) & exists).expand(batch, heads, q_len, keys)


@pytest.mark.parametrize("q_len", [1, 2, 5, 16])
@pytest.mark.parametrize("heads", [(8, 2), (3, 3), (10, 2), (40, 2)], ids=str)
@pytest.mark.parametrize("name", MAKES)
def test_masks(name: str, heads: tuple[int, int], q_len: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    draw = random.Random(seed)
    batch, keys = 2, draw.choice([1, 63, 64, 65, 700, 1024, 2300])
    problem = drawn_problem(
        MAKES[name](batch, heads[0], max(keys, q_len), generator), batch, heads, q_len, keys
    )
    check(problem, pyflex.Options(splits=draw.choice([None, 1, 3])))


@pytest.mark.parametrize("by_head", [False, True])
def test_scores_of_minus_infinity(by_head: bool, seed: int) -> None:
    """Keys that a score_mod hides are listed no more, unless lists would have to be by head."""
    generator = torch.Generator().manual_seed(seed)
    mask = prefix_and_window(2, 4, 700, generator)

    def near(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return kv % 300 < 100 + (h if by_head else b)

    def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        return torch.where(near(b, h, q, kv), s, float("-inf"))

    problem = replace(drawn_problem(mask, 2, (4, 2), 5, 700), score=score)
    decode = pyflex.compile(score, mask)
    errors = Errors(torch.float32)
    errors.add(problem, *problem.run(decode))
    errors.check()
    if not by_head:
        problem = replace(problem, mask=lambda *at: mask(*at) & near(*at))
    check_lists(problem, decode)


class Grammar:
    """Random masks: conditions on numbers made of indices, constants and captured tables."""

    def __init__(self, draw: random.Random, sizes: tuple[int, int, int]) -> None:
        self._draw, self._sizes = draw, sizes

    def _table(self, size: int) -> torch.Tensor:
        numbers = [self._draw.randint(-20, 20) for _ in range(size)]
        return torch.tensor(numbers, dtype=torch.int32)

    def number(self, depth: int) -> Mod:
        """A function of the indices to int32."""
        batch, heads, positions = self._sizes
        draw, kind = self._draw, self._draw.randrange(9 if depth else 6)
        constant = draw.choice([-7, -1, 1, 2, 3, 5, 16, 64, 100])
        if kind < 4:
            return lambda b, h, q, kv: (q, kv, kv, q - kv)[kind]
        if kind == 4:
            return lambda b, h, q, kv: kv * 0 + constant
        if kind == 5:
            by = draw.randrange(3)
            table = self._table((batch, heads, positions)[by])
            return lambda b, h, q, kv: table[(b, h, kv)[by]]
        one, other = self.number(depth - 1), self.number(depth - 1)
        if kind == 6:
            return lambda b, h, q, kv: one(b, h, q, kv) + other(b, h, q, kv)
        if kind == 7:
            return lambda b, h, q, kv: one(b, h, q, kv) // abs(constant)
        return lambda b, h, q, kv: one(b, h, q, kv) % abs(constant)

    def condition(self, depth: int) -> Mod:
        """A function of the indices to bool."""
        kind = self._draw.randrange(8 if depth else 4)
        if kind < 4:
            one, other = self.number(2), self.number(1)
            compare = (torch.lt, torch.ge, torch.eq, torch.ne)[kind]
            return lambda b, h, q, kv: compare(one(b, h, q, kv), other(b, h, q, kv))
        first, second = self.condition(depth - 1), self.condition(depth - 1)
        if kind == 4:
            return lambda b, h, q, kv: first(b, h, q, kv) & second(b, h, q, kv)
        if kind == 5:
            return lambda b, h, q, kv: first(b, h, q, kv) | second(b, h, q, kv)
        if kind == 6:
            return lambda b, h, q, kv: ~first(b, h, q, kv)
        third = self.condition(0)
        return lambda b, h, q, kv: torch.where(
            first(b, h, q, kv), second(b, h, q, kv), third(b, h, q, kv)
        )


@pytest.mark.parametrize("number", range(60))
def test_random_masks(number: int, seed: int) -> None:
    draw = random.Random(seed + number)
    batch, q_len, keys = draw.choice([1, 3]), draw.choice([1, 2, 7, 16]), draw.randint(1, 1500)
    heads = draw.choice([(4, 2), (6, 1), (2, 2)])
    mask = Grammar(draw, (batch, heads[0], max(keys, q_len))).condition(3)
    options = pyflex.Options(keys=draw.choice([16, 64]), splits=draw.choice([None, 2]))
    problem = drawn_problem(mask, batch, heads, q_len, keys)
    if bounds_are_exact(mask):
        # Lists would add nothing: that no key is left out between two others is all to check.
        visible = dense(problem)
        first = visible.cumsum(-1) > 0
        last = visible.flip(-1).cumsum(-1).flip(-1) > 0
        assert torch.equal(visible, first & last)
    else:
        check(problem, options)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (lambda b, h, q, kv: q >= kv, True),
        (lambda b, h, q, kv: (q - kv < 7) & (q >= kv), True),
        (lambda b, h, q, kv: (kv < 3 + b) & (q % 2 == 0), True),
        (lambda b, h, q, kv: q % 2 == 0, True),
        (lambda b, h, q, kv: kv + 5 == q, True),
        (lambda b, h, q, kv: kv + 5 != q, False),
        (lambda b, h, q, kv: (kv < 3) | (q >= kv), True),
        (lambda b, h, q, kv: (kv < 3) | (q < kv), False),
        (lambda b, h, q, kv: torch.abs(q - kv) <= 20, True),
        (lambda b, h, q, kv: q // 16 >= kv // 16, True),
        (lambda b, h, q, kv: kv % 2 == 0, False),
        (lambda b, h, q, kv: (q - kv) * kv < 9, False),
        (lambda b, h, q, kv: kv > q - kv, True),
        (lambda b, h, q, kv: torch.where(b < 3, kv < 9, q >= kv), True),
    ],
)
def test_which_masks_are_intervals(mask: Mod, expected: bool) -> None:
    """Of these blocks need not be listed: their bounds leave out all that can be."""
    assert bounds_are_exact(mask) == expected


@pytest.mark.parametrize("name", ["documents", "prefix_and_window", "table"])
@pytest.mark.parametrize("kv_len", ["zero", "int", "tensor"])
def test_ragged_lengths(name: str, kv_len: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    batch, heads, keys = 3, (4, 2), 1500
    lengths: Any = {"zero": 0, "int": 777}.get(kv_len)
    if lengths is None:
        lengths = integers(generator, 0, keys + 1, batch)
        lengths[0], lengths[1] = 0, keys
    mask = MAKES[name](batch, heads[0], keys, generator)
    check(drawn_problem(mask, batch, heads, 3, keys, lengths))


@pytest.mark.parametrize("keys", [16, 32, 128, 256])
@pytest.mark.parametrize("rows", [8, 16, 64, 128])
def test_tiles(keys: int, rows: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = window_by_head(2, 8, 3000, generator)
    options = pyflex.Options(rows=rows, keys=keys, splits=2)
    check(drawn_problem(mask, 2, (8, 2), 20, 3000), options)


@pytest.mark.parametrize("splits", [1, 3, 100])
@pytest.mark.parametrize("name", ["documents", "strided_blocks", "table"])
def test_more_blocks_than_are_listed_at_a_time(name: str, splits: int, seed: int) -> None:
    """So that a round goes on where the one before it ended, in each of the parts."""
    generator = torch.Generator().manual_seed(seed)
    keys = random.Random(seed).randint(16000, 30000)
    mask = MAKES[name](2, 2, keys, generator)
    lengths = torch.tensor([keys, random.Random(seed).randint(0, keys)], dtype=torch.int32)
    problem = drawn_problem(mask, 2, (2, 1), 1, keys, lengths)
    check(problem, pyflex.Options(keys=16, splits=splits))


def test_queries_of_many_tiles(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    check(drawn_problem(documents(2, 4, 900, generator), 2, (4, 2), 150, 900))


def test_positions_are_moved(seed: int) -> None:
    """By a tensor, one for each batch entry."""
    generator = torch.Generator().manual_seed(seed)
    problem = drawn_problem(documents(3, 4, 900, generator), 3, (4, 2), 4, 900)
    offsets = integers(generator, 0, 890, 3)
    moved = Problem(problem.query, problem.key, problem.value, mask=problem.mask, q_offset=offsets)
    check(moved)


@pytest.mark.parametrize(
    "passes",
    [("flex-pack-gqa",), ("flex-fuse-block-loops",), ("flex-split-kv",), ("flex-inline-mods",)],
    ids=str,
)
@pytest.mark.parametrize("name", ["documents", "window_by_head"])
def test_without_a_pass(name: str, passes: tuple[str, ...], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    mask = MAKES[name](2, 8, 500, generator)
    check(drawn_problem(mask, 2, (8, 2), 3, 500), pyflex.Options(disable_passes=passes))


def test_index_out_of_bounds_is_not_skipped() -> None:
    """A score that reads past a captured tensor is NaN, also where the mask hides its block."""
    table = torch.zeros(8, dtype=torch.bool)
    problem = drawn_problem(
        lambda b, h, q, kv: table[kv - 200] & (kv > 5) | (kv < 70), 1, (2, 1), 1, 300
    )
    out, _ = problem.run(pyflex.compile(mask_fn=problem.mask))
    assert bool(out.isnan().all())


def test_largest_scores(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    problem = drawn_problem(documents(2, 4, 700, generator), 2, (4, 2), 2, 700)
    scores = problem.query @ problem.key.repeat_interleave(2, 1).transpose(2, 3) / 4
    expected = torch.where(dense(problem), scores, -torch.inf).amax(-1)
    for splits in (None, 3, 11):
        decode = pyflex.compile(mask_fn=problem.mask, options=pyflex.Options(splits=splits))
        results = decode.run(**problem.arguments, max_scores=True)
        assert results.max_scores is not None
        torch.testing.assert_close(results.max_scores, expected)


def test_lists_are_those_of_a_block_mask(seed: int) -> None:
    """Of the same block size, for one row."""
    generator = torch.Generator().manual_seed(seed)
    keys, width = 1000, 64
    mask = documents(2, 4, keys, generator)
    problem = drawn_problem(mask, 2, (4, 2), 1, keys)
    decode = pyflex.compile(mask_fn=mask, options=pyflex.Options(keys=width))
    problem.run(decode)
    blocks = create_block_mask(
        lambda b, h, q, kv: mask(b, h, q + keys - 1, kv), 2, None, 1, keys, "cpu", (1, width)
    )
    for b, (partial, full) in enumerate(listed(problem, decode)):
        count = int(blocks.kv_num_blocks[b, 0, 0])
        assert partial == sorted(blocks.kv_indices[b, 0, 0, :count].tolist())
        assert blocks.full_kv_num_blocks is not None
        assert blocks.full_kv_indices is not None
        count = int(blocks.full_kv_num_blocks[b, 0, 0])
        assert full == sorted(blocks.full_kv_indices[b, 0, 0, :count].tolist())
