"""`make demo`: one attention variant on its way from Python to machine code, and its result."""

from __future__ import annotations

import sys
import time

import torch
from flex_attention_pr131559 import ALLOWED, Example, alibi_by_group

import pyflex

CALLS = 5
#: What the GPU's compiler makes of the kernel; no such GPU is needed to see it.
TARGET = "cuda:90"


def device_name() -> tuple[str, str]:
    """The device to run on, for torch and for a reader."""
    if torch.cuda.is_available():
        return "cuda", torch.cuda.get_device_name()
    return "cpu", f"CPU, {torch.get_num_threads()} threads"


def call(decode: pyflex.Decode, example: Example) -> tuple[torch.Tensor, float]:
    """One call's result and its milliseconds, until the device is done."""
    start = time.perf_counter()
    out = decode(example.query, example.key, example.value, block_mask=example.block_mask)
    if out.is_cuda:
        torch.cuda.synchronize()
    return out, (time.perf_counter() - start) * 1e3


def main() -> int:
    """Prints the report; 1 if the result is too far from eager torch's."""
    device, name = device_name()
    print(f"device      {name}; torch {torch.__version__}, pyflex {pyflex.__version__}")
    example = Example.on(device)
    shape = " x ".join(map(str, example.query.shape))
    print(f"problem     {shape} queries on {example.key.shape[1]} KV heads, float32, ALiBi, causal")

    decode = pyflex.compile(alibi_by_group)
    out, first = call(decode, example)
    later = min(call(decode, example)[1] for _ in range(CALLS))
    print(f"first call  {first:.0f} ms: trace, compile, run")
    print(f"later       {later:.1f} ms")

    print(f"stages, on the way to {TARGET}")
    for stage in decode.stages(target=TARGET):
        if stage == "sass":  # needs NVIDIA's disassembler
            continue
        lines = decode.ir(stage, target=TARGET).splitlines()
        print(f"  {stage:<28}{len(lines):>7} lines")

    ours, eager = example.errors(out)
    good = ours <= ALLOWED * eager
    print(f"mean error  {ours:.2e} against float64; eager torch in float32 {eager:.2e}")
    print("good" if good else f"TOO LARGE: more than {ALLOWED:.0f} times eager's")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
