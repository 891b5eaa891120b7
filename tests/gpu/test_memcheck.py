"""A few small problems at the edges of their tensors, also run under compute-sanitizer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pyflex import Options
from tests.cases import Case, check_case

ROOT = Path(__file__).resolve().parents[2]
#: Each tensor in an allocation of its own, so that reading past one is seen.
_APART = "PYTORCH_NO_CUDA_MEMORY_CACHING"
CASES = [
    Case("alibi", "all", "causal", torch.bfloat16, heads=(28, 4), q_len=3, keys=65),
    Case("relative", mask="documents", dtype=torch.float16, q_len=17, keys=203, block=64),
    Case("every_entry", mask="bool_table", heads=(12, 2), q_len=5, keys=99, block=(128, 64)),
    Case("none", mask="window", dtype=torch.float16, dims=(80, 96), keys=65, layout="unaligned"),
    Case("softcap", mask="lengths", dtype=torch.bfloat16, keys=131, kv_len="int32"),
]
#: Under compute-sanitizer: the last word of a table may reach past it, where no page ends.
LEFT_OUT = ("flex-widen-loads",) if _APART in os.environ else ()


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("splits", [1, 3])
def test_edges(case: Case, splits: int, seed: int) -> None:
    check_case(case, "cuda", seed, Options(splits=splits, disable_passes=LEFT_OUT))


@pytest.mark.slow
def test_edges_under_memcheck() -> None:
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        pytest.skip("no compute-sanitizer here")
    env = {**os.environ, _APART: "1"}
    done = subprocess.run(
        # The launcher asks the driver for one parameter too many, to see that there is none.
        [sanitizer, "--tool=memcheck", "--report-api-errors=no", "--error-exitcode=9",
         "--target-processes=all",
         sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", __file__, "-k", "test_edges["],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=540,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "ERROR SUMMARY: 0 errors" in done.stdout + done.stderr
