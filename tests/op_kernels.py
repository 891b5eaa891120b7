"""Every op that a mod may use, run through whole kernels.

A row that sees one key has that key's score as its log-sum-exp. A kernel computes several ops; the
batch entry says which of them counts, and at which score and indices.
"""

from __future__ import annotations

import math
from typing import Any

import torch

import pyflex
from tests.trace.op_cases import CASES, OpCase, eager

OPS_IN_A_KERNEL = 10
GROUPS = [CASES[i : i + OPS_IN_A_KERNEL] for i in range(0, len(CASES), OPS_IN_A_KERNEL)]
GROUP_NAMES = [f"{group[0].name}-{group[-1].name}" for group in GROUPS]

HEADS, KEYS = 8, 131
LEAST_NORMAL = torch.finfo(torch.float32).tiny
# Batch entries for one op: an even one (b = 0) and an odd one (b = 1) for each of its points.
SPAN = 2 * max(len(case.points()) for case in CASES)
# A log-sum-exp can be neither NaN nor infinite where a key is visible, so such results, and those
# that could overflow as base-2 logarithms, are moved to where nothing else is.
NAN_CODE, INF_CODE, LARGE, SHRINK = 1e25, 1e24, 1e15, 1e-20


def _encode(result: Any, score: torch.Tensor) -> torch.Tensor:
    if not isinstance(result, torch.Tensor):
        result = score.new_full((), result)
    result = result.to(torch.float32)
    shrunk = (result * SHRINK).clamp(-INF_CODE, INF_CODE)
    result = torch.where(result.abs() > LARGE, shrunk, result)
    return torch.where(result.isnan(), NAN_CODE, result)


def compile_ops(
    group: list[OpCase], scores: torch.Tensor, targets: torch.Tensor, options: pyflex.Options
) -> pyflex.Decode:
    """A kernel whose batch entry b computes op b // SPAN, and sees the key targets[b] alone.

    `scores` are the query's, by batch entry: a dot product loses the sign of zero.
    """

    def score_mod(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
        s = torch.where(s == 0, scores[b], s)
        result = s
        for number, case in enumerate(group):
            own = _encode(case.mod(s, b % 2, h, q, kv), s)
            result = torch.where(b // SPAN == number, own, result)
        return result

    return pyflex.compile(score_mod, lambda b, h, q, kv: kv == targets[b], options=options)


def failures(
    group: list[OpCase], device: torch.device | str, rtol: float, *, denormals: bool = True
) -> list[str]:
    """What one kernel of these ops gets wrong; `rtol` is allowed on top of each op's own.

    Without `denormals`, scores too small for a normal float are left out, and results near that
    size may be zero: a GPU flushes what is smaller, in between too.
    """
    least = 1e-37 if denormals else 1e-35
    batch = SPAN * len(group)
    query = torch.zeros(batch, HEADS, 1, 16)
    scores = torch.zeros(batch)
    positions, targets = (torch.zeros(batch, dtype=torch.int32) for _ in range(2))
    wanted = []
    for number, case in enumerate(group):
        for place, point in enumerate(case.points()):
            score, b, h, q, kv = point
            if not denormals and 0.0 < abs(score) < LEAST_NORMAL:
                continue
            entry = number * SPAN + 2 * place + b
            query[entry, h, 0, 0] = scores[entry] = score
            positions[entry], targets[entry] = q, kv
            expected = float(_encode(torch.tensor(eager(case, point)), torch.tensor(0.0)))
            wanted.append((case, point, entry, expected))
    key = torch.zeros(1, 2, KEYS, 16)
    key[..., 0] = 1.0
    decode = compile_ops(
        group, scores.to(device), targets.to(device), pyflex.Options(precision="ieee")
    )
    _, lse = decode(
        query.to(device),
        key.to(device),
        torch.zeros_like(key).to(device),
        scale=1.0,
        q_offset=positions.to(device),
        return_lse=True,
    )
    lse = lse.cpu()
    wrong = []
    for case, point, entry, expected in wanted:
        got = float(lse[entry, point[2], 0])
        if not math.isclose(got, expected, rel_tol=case.rtol + rtol, abs_tol=least):
            wrong.append(f"{case.family}.{case.name}{point}: got {got}, expected {expected}")
    return wrong
