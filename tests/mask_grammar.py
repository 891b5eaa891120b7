"""Random masks from a small grammar, and random calls of them that ask for trouble."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

Index = Any
#: What a part of a mask computes from (b, h, q, kv), and how it is written.
Part = tuple[Callable[[Index, Index, Index, Index], Any], str]

LEAST, MOST = -(2**31), 2**31 - 1
#: Numbers that masks hold: most are near the sizes of the calls, some at the ends of int32.
NEAR = (0, 1, 2, 3, 5, 7, 16, 31, 64, 100, 150)
FAR = (MOST, LEAST, MOST - 100, LEAST + 100, 1 << 30, -(1 << 30))
DIVISORS = (1, 2, 3, 4, 7, 8, 16, 33, 64, -2, -3, -8, 1 << 20)
BATCH, HEADS, KEYS = 3, 12, 256


@dataclass
class Grammar:
    """Draws masks; every choice comes from `random`, so a seed gives the same masks again."""

    random: Random

    def mask(self) -> Part:
        """A mask mod and its text."""
        return self.condition(self.random.choice((1, 2, 2, 3)))

    def condition(self, depth: int) -> Part:
        """A boolean of the indices."""
        pick = self.random.choice
        if depth <= 0 or self.random.random() < 0.25:
            return self._leaf_condition(depth)
        kind = pick(("and", "and", "and", "or", "or", "not", "xor", "where"))
        (f, ft), (g, gt) = self.condition(depth - 1), self.condition(depth - 1)
        if kind == "and":
            return lambda *i: f(*i) & g(*i), f"({ft} & {gt})"
        if kind == "or":
            return lambda *i: f(*i) | g(*i), f"({ft} | {gt})"
        if kind == "xor":
            return lambda *i: f(*i) ^ g(*i), f"({ft} ^ {gt})"
        if kind == "not":
            return lambda *i: ~f(*i), f"~{ft}"
        c, ct = self.condition(depth - 1)
        return lambda *i: torch.where(c(*i), f(*i), g(*i)), f"where({ct}, {ft}, {gt})"

    def _leaf_condition(self, depth: int) -> Part:
        if self.random.random() < 0.08:
            return self._table((2,), "bool")
        relation = self.random.choice(("<", "<=", ">", ">=", "<", "<=", ">", ">=", "==", "!="))
        compare: Any = {
            "<": torch.lt,
            "<=": torch.le,
            ">": torch.gt,
            ">=": torch.ge,
            "==": torch.eq,
            "!=": torch.ne,
        }[relation]
        (x, xt), (y, yt) = self.number(self.random.choice((0, 1, 2))), self.number(1)
        if self.random.random() < 0.5:
            x, xt, y, yt = y, yt, x, xt
        return lambda *i: compare(x(*i), y(*i)), f"({xt} {relation} {yt})"

    def number(self, depth: int) -> Part:
        """An integer of the indices."""
        if depth <= 0 or self.random.random() < 0.2:
            return self._leaf()
        kind = self.random.choice("++--*/%<>a?nc")
        x, xt = self.number(depth - 1)
        constant = self.constant()
        if kind == "*":
            factor = self.random.choice((2, 3, -1, -4, 16, 1 << 16, 0))
            return lambda *i: x(*i) * factor, f"({xt} * {factor})"
        if kind == "/":
            divisor = self.random.choice(DIVISORS)
            if self.random.random() < 0.2:
                cut = lambda *i: torch.div(x(*i), divisor, rounding_mode="trunc")  # noqa: E731
                return cut, f"trunc({xt} / {divisor})"
            return lambda *i: x(*i) // divisor, f"({xt} // {divisor})"
        if kind == "%":
            divisor = self.random.choice(DIVISORS)
            return lambda *i: x(*i) % divisor, f"({xt} % {divisor})"
        if kind == "a":
            return lambda *i: x(*i).abs(), f"abs({xt})"
        if kind == "n":
            return lambda *i: -x(*i), f"-({xt})"
        if kind == "c":
            return lambda *i: x(*i).clamp(0, constant), f"clamp({xt}, 0, {constant})"
        y, yt = self.number(depth - 1)
        if kind == "?":
            c, ct = self.condition(0)
            return lambda *i: torch.where(c(*i), x(*i), y(*i)), f"where({ct}, {xt}, {yt})"
        if kind in "<>":
            choose = torch.minimum if kind == "<" else torch.maximum
            return lambda *i: choose(x(*i), y(*i)), f"{choose.__name__}({xt}, {yt})"
        if self.random.random() < 0.3:
            y, yt = (lambda *i: constant), str(constant)
        if kind == "+":
            return lambda *i: x(*i) + y(*i), f"({xt} + {yt})"
        return lambda *i: x(*i) - y(*i), f"({xt} - {yt})"

    def _leaf(self) -> Part:
        kind = self.random.choice(("kv",) * 6 + ("q",) * 5 + ("h", "b", "n", "t", "t"))
        place = {"b": 0, "h": 1, "q": 2, "kv": 3}.get(kind)
        if place is not None:
            return lambda *i: i[place], kind
        if kind == "t":
            return self._table(self.random.choice(((0,), (1,), (0, 1), (2,), (3,))), "int")
        number = self.constant()
        return lambda *i: i[2] * 0 + number, str(number)

    def constant(self) -> int:
        """A number for a mask to hold."""
        return self.random.choice(FAR if self.random.random() < 0.1 else NEAR)

    def _table(self, at: tuple[int, ...], kind: str) -> Part:
        """A captured tensor: of b, of h, of both, of q (kept in range) or of kv."""
        shape = [(BATCH, HEADS, KEYS, KEYS)[place] for place in at]
        names = ", ".join(("b", "h", "clamp(q)", "kv")[place] for place in at)
        generator = torch.Generator().manual_seed(self.random.getrandbits(32))
        if kind == "bool":
            table = torch.rand(shape, generator=generator) < 0.5
        else:
            table = torch.randint(-20, KEYS, shape, generator=generator)
            if self.random.random() < 0.2:
                ends = torch.tensor([LEAST, MOST])
                far = torch.randint(0, 2, shape, generator=generator)
                table = torch.where(torch.rand(shape, generator=generator) < 0.3, ends[far], table)
            if self.random.random() < 0.1:
                table[:] = torch.iinfo(torch.int64).max if shape[0] % 2 else 3 << 40
            else:
                table = table.to(self.random.choice((torch.int32, torch.int64)))

        def read(*i: Any) -> Any:
            return table[tuple(i[p].clamp(0, KEYS - 1) if p == 2 else i[p] for p in at)]

        dtype = str(table.dtype).removeprefix("torch.")
        return read, f"{dtype}[{names}]"


@dataclass(frozen=True)
class Call:
    """Sizes and positions of one call."""

    batch: int
    heads: tuple[int, int]
    q_len: int
    keys: int
    q_offset: int | torch.Tensor | None
    kv_len: int | torch.Tensor | None


def draw_call(random: Random) -> Call:
    """A call for any mask of the grammar; positions may be negative, huge, or wrap."""
    batch, keys = random.randint(1, BATCH), random.choice((1, 17, 64, 130, 200, KEYS))
    q_len = random.choice((1, 1, 3, 9, 20))

    def offset() -> int:
        near = (keys - q_len, random.randint(-30, keys + 30))
        far = (LEAST + 1, LEAST + 70, LEAST + 200, MOST, MOST - 5, MOST - 150, 1 << 30)
        return random.choice(far if random.random() < 0.2 else near)

    kind = random.choice(("int", "int32", "int64"))
    q_offset: int | torch.Tensor = offset()
    if kind != "int":
        q_offset = torch.tensor([offset() for _ in range(batch)], dtype=getattr(torch, kind))
    lengths = torch.tensor([random.randint(0, keys) for _ in range(batch)], dtype=torch.int32)
    kv_len = random.choice((None, None, lengths, random.randint(0, keys)))
    heads = random.choice(((1, 1), (8, 2), (4, 4), (6, 2), (12, 1), (3, 1)))
    return Call(batch, heads, q_len, keys, q_offset, kv_len)


def visible(mask: Callable[..., Any], call: Call) -> tuple[torch.Tensor, torch.Tensor]:
    """The mask by torch in int32, and which keys exist: bool [B, H, M, N] and [B, 1, 1, N]."""
    sizes = (call.batch, call.heads[0], call.q_len, call.keys)
    i = [
        torch.arange(size, dtype=torch.int32).reshape([-1 if d == place else 1 for d in range(4)])
        for place, size in enumerate(sizes)
    ]
    offset = torch.as_tensor(0 if call.q_offset is None else call.q_offset, dtype=torch.int64)
    i[2] = (i[2] + offset.reshape(-1, 1, 1, 1)).to(torch.int32)  # cut off, as int32 wraps
    length = torch.as_tensor(call.keys if call.kv_len is None else call.kv_len)
    exists = i[3] < length.reshape(-1, 1, 1, 1)
    return mask(*i).expand(sizes), exists.expand(call.batch, 1, 1, call.keys)
