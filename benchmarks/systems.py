"""What is timed: each system as a function from a problem to a callable.

The callable is a `partial`: it adds next to nothing to the host's time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch.nn.attention.flex_attention import flex_attention

import pyflex
from benchmarks.workloads import Problem

Run = Callable[[], object]


class UnsupportedError(Exception):
    """A system that cannot do a workload."""


def pyflex_call(
    problem: Problem, options: pyflex.Options | None = None, *, lists: bool = False
) -> tuple[pyflex.Decode, dict[str, Any]]:
    """A workload's Decode and the keyword arguments of its call.

    The mask is compiled in, and says itself what need not be read; with `lists` a BlockMask does,
    where blocks can be left out.
    """
    block_mask = problem.block_mask if lists and problem.workload.touched < 1 else None
    mask_mod = None if block_mask is not None else problem.mask_mod
    decode = pyflex.compile(problem.score_mod, mask_mod, options=options)
    return decode, {"block_mask": block_mask, "kv_len": problem.kv_len}


def run_pyflex(problem: Problem, options: pyflex.Options | None = None) -> Run:
    """pyflex as a user would call it; without options unless some are given."""
    return _bound(problem, *pyflex_call(problem, options))


def run_pyflex_blocks(problem: Problem) -> Run:
    """pyflex given torch's BlockMask, for workloads that have one."""
    if problem.workload.touched == 1:
        raise UnsupportedError("no block can be left out")
    return _bound(problem, *pyflex_call(problem, lists=True))


def _bound(problem: Problem, decode: pyflex.Decode, arguments: dict[str, Any]) -> Run:
    """A call without what is not given."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return partial(decode, problem.query, problem.key, problem.value, **given)


def _torch_flex(problem: Problem, mode: str | None) -> Run:
    torch._dynamo.reset()
    compiled = torch.compile(flex_attention, dynamic=False, mode=mode)
    return partial(
        compiled,
        problem.query,
        problem.key,
        problem.value,
        score_mod=problem.score_mod,
        block_mask=problem.block_mask,
        enable_gqa=problem.workload.heads != problem.workload.kv_heads,
    )


def run_flex(problem: Problem) -> Run:
    """torch's flex_attention, compiled with its defaults."""
    return _torch_flex(problem, None)


def run_flex_max(problem: Problem) -> Run:
    """torch's flex_attention with max-autotune."""
    return _torch_flex(problem, "max-autotune-no-cudagraphs")


def run_sdpa(problem: Problem) -> Run:
    """torch's scaled_dot_product_attention, for one query and no mods."""
    w = problem.workload
    if w.mods != "causal" or w.q_len != 1 or w.ragged:
        raise UnsupportedError("SDPA has no mods, and one length for all sequences")
    attention = torch.nn.functional.scaled_dot_product_attention
    tensors = (problem.query, problem.key, problem.value)
    return partial(attention, *tensors, enable_gqa=w.heads != w.kv_heads)


class System(NamedTuple):
    """How a system is called, and whether it is given a BlockMask."""

    call: Callable[[Problem], Run]
    takes_blocks: bool


SYSTEMS = {
    "pyflex": System(run_pyflex, takes_blocks=False),
    "pyflex-blocks": System(run_pyflex_blocks, takes_blocks=True),
    "flex": System(run_flex, takes_blocks=True),
    "flex-max": System(run_flex_max, takes_blocks=True),
    "sdpa": System(run_sdpa, takes_blocks=False),
}


def takes_blocks(systems: Iterable[str]) -> bool:
    """Whether one of these systems is given a BlockMask."""
    return any(SYSTEMS[name].takes_blocks for name in systems)
