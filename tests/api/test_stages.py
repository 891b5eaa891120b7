"""`decode.ir` gives every stage's text, for any GPU and with none."""

from __future__ import annotations

import types
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.nn.attention.flex_attention import create_block_mask

import pyflex
from pyflex import schedule
from pyflex.errors import ScheduleError, TargetError
from pyflex.lowered import lowered_for
from pyflex.target import Target, current_target
from pyflex.ttg import PASSES
from tests.mods import causal


def score(s: Any, b: Any, h: Any, q: Any, kv: Any) -> Any:
    """A soft cap."""
    return 20.0 * torch.tanh(s / 20.0)


@pytest.fixture(scope="module")
def called() -> pyflex.Decode:
    decode = pyflex.compile(score)
    blocks = create_block_mask(causal, None, None, 130, 200, device="cpu", BLOCK_SIZE=(32, 64))
    key = torch.randn(2, 2, 200, 64, dtype=torch.bfloat16)
    decode(torch.randn(2, 8, 130, 64, dtype=torch.bfloat16), key, key, block_mask=blocks)
    return decode


def test_before_the_first_call() -> None:
    with pytest.raises(ScheduleError, match="a call first"):
        pyflex.compile(score).ir("ttir")


@pytest.mark.parametrize(
    ("stage", "part"),
    [
        ("traced", "tt.func private @score_mod"),
        ("traced", "tt.func private @mask_mod"),
        ("flex", "flex.decode"),
        ("flex-expand-decode", "flex."),
        ("flex-to-triton", "tt.dot"),
        ("ttir", "tt.dot"),
    ],
)
def test_stage_without_a_gpu(called: pyflex.Decode, stage: str, part: str) -> None:
    assert part in called.ir(stage)


#: All but the one that a call with a BlockMask, or with little K and V, has no use for, and those
#: for NVIDIA's GPUs alone.
OPTIMISATIONS = tuple(
    name
    for name in pyflex.OPTIMISATIONS
    if name not in ("flex-list-blocks", "flex-split-products", "flex-pad-products", *PASSES)
)


@pytest.mark.parametrize("name", OPTIMISATIONS)
def test_every_optimisation_is_a_stage(called: pyflex.Decode, name: str) -> None:
    assert "tt.func" in called.ir(name)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=str)
def test_products_of_eight_rows_are_padded_for_a_gpu(dtype: torch.dtype) -> None:
    options = pyflex.Options(rows=8)
    decode = pyflex.compile(options=options)
    decode(*torch.randn(3, 1, 1, 40, 64, dtype=dtype))
    assert "flex-pad-products" not in decode.stages()
    for target, machine_code in (("cuda:90", "ptx"), ("hip:gfx942", "amdgcn")):
        padded = decode.ir("flex-pad-products", target=target)
        assert padded.count("tt.split") == padded.count("tt.dot") > 0
        assert "tensor<16x64xf32>" in padded
        assert decode.ir(machine_code, target=target)
    alone = pyflex.compile(options=replace(options, disable_passes=("flex-pad-products",)))
    alone(*torch.randn(3, 1, 1, 40, 64, dtype=dtype))
    assert "tt.split" not in alone.ir("ttir", target="cuda:90")
    assert alone.ir("ptx", target="cuda:90")


def test_products_are_split_for_tf32() -> None:
    decode = pyflex.compile()
    decode(*torch.randn(3, 1, 1, 40, 16))
    assert "flex-split-products" not in decode.stages(target="hip:gfx942")
    split = decode.ir("flex-split-products", target="cuda:90")
    assert split.count("inputPrecision = tf32 :") == 6
    assert "tf32x3" not in split


@pytest.mark.parametrize("left_out", [None, *PASSES])
def test_passes_between_those_of_triton_are_stages(left_out: str | None) -> None:
    off = () if left_out is None else (left_out,)
    decode = pyflex.compile(options=pyflex.Options(disable_passes=off))
    decode(*torch.randn(3, 1, 2, 40, 16).to(torch.bfloat16))
    passes = [name for name in PASSES if name != left_out]
    names = decode.stages(target="cuda:90")
    assert names[names.index("ttgir") :] == ("ttgir", *passes, "llir", "ptx", "sass")
    assert not set(PASSES) & set(decode.stages(target="hip:gfx942"))


def test_what_triton_does_not_read_names_the_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PASSES, "ttg-skip-tiles", lambda text: text.replace("tt.func", "tt.fun"))
    decode = pyflex.compile()
    decode(*torch.randn(3, 1, 2, 40, 16).half())
    with pytest.raises(TargetError, match=r"does not read .*\n.*disable_passes=.*ttg-skip-tiles"):
        decode.ir("ptx", target="cuda:90")


def test_lists_are_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_LEAST_LISTED", 0)
    decode = pyflex.compile(mask_fn=lambda b, h, q, kv: (q - kv) % 3 == 0)
    decode(torch.randn(1, 1, 1, 16), *torch.randn(2, 1, 1, 40, 16))
    listed = decode.ir("flex-list-blocks")
    assert "tt.func public @decode_blocks" in listed
    assert "flex.classify @mask_mod" in listed
    # All threads of a program wait for its list, by each target's own barrier.
    for gfx, barrier in (("942", "s_barrier ;"), ("1100", "gl0_inv ;"), ("1201", "SCOPE_SE ;")):
        assert barrier in decode.ir("amdgcn", target=f"hip:gfx{gfx}")
    for target in ("cuda:80", "cuda:90"):
        assert decode.ir("ptx", target=target).count("bar.sync 0; //") == 1
    assert "@decode_blocks" in decode.ir("ttir", kernel="decode_blocks")
    assert ".entry decode_blocks" in decode.ir("ptx", target="cuda:90", kernel="decode_blocks")


def test_kernels_beside_the_last_one_have_stages() -> None:
    decode = pyflex.compile()
    decode(torch.randn(1, 1, 1, 16), *torch.randn(2, 1, 1, 40, 16))
    names = decode.stages(target="cuda:90", kernel="decode_combine")
    assert "flex-split-kv" in names
    assert names[-1] == "sass"
    assert ".entry decode_combine" in decode.ir("ptx", target="cuda:90", kernel="decode_combine")
    with pytest.raises(ScheduleError, match=r"expected: decode, decode_combine\n.*'decode_blocks'"):
        decode.ir("ttir", kernel="decode_blocks")
    with pytest.raises(ScheduleError, match=r"'flex-list-blocks' .a pass that this kernel is made"):
        decode.ir("flex-list-blocks")


def test_no_flex_op_is_left(called: pyflex.Decode) -> None:
    assert "flex." not in called.ir("ttir")


@pytest.mark.parametrize(
    ("target", "stage", "part"),
    [
        ("cuda:80", "ptx", ".target sm_80"),
        ("cuda:90", "ttgir", "ttg."),
        ("cuda:90", "llir", "define"),
        ("cuda:90", "ptx", ".target sm_90"),
        ("cuda:100", "ptx", ".target sm_100"),
        ("hip:gfx942", "amdgcn", "gfx942"),
    ],
)
def test_stage_of_a_gpu(called: pyflex.Decode, target: str, stage: str, part: str) -> None:
    assert part in called.ir(stage, target=target)


def test_ttir_has_instructions_or_the_library_of_its_target(called: pyflex.Decode) -> None:
    for target in (None, "cuda:90"):
        assert '"copysign.f32' in called.ir("ttir", target=target)
        assert "extern_elementwise" not in called.ir("ttir", target=target)
    assert "__ocml_copysign_f32" in called.ir("ttir", target="hip:gfx942")


def test_cluster_of_programs_without_shared_memory() -> None:
    """Nothing is loaded where the mask is always false; what combines a split needs its memory."""
    decode = pyflex.compile(mask_fn=lambda b, h, q, kv: kv + 1 <= kv)
    key = torch.randn(1, 2, 200, 64)
    decode(torch.randn(1, 4, 3, 64), key, key)
    ptx = decode.ir("ptx", target="cuda:90")
    assert ptx.count(".extern .shared") == 1
    assert "cp.async" not in ptx
    assert "global_smem" in ptx.partition(".visible .entry")[2]


def test_absolute_values_may_be_negative() -> None:
    """ptxas takes no result of abs.s32 for negative; that of the least integer is."""
    decode = pyflex.compile(mask_fn=lambda b, h, q, kv: (q - kv).abs() < 0)
    key = torch.randn(1, 2, 200, 64)
    out = decode(torch.randn(1, 4, 1, 64), key, key, q_offset=-(2**31) + 150)
    torch.testing.assert_close(out, key[:, :, 150:151].repeat_interleave(2, 1))
    assert "abs.s32" not in decode.ir("ptx", target="cuda:90")


def test_unknown_stage_lists_the_known(called: pyflex.Decode) -> None:
    with pytest.raises(ScheduleError) as caught:
        called.ir("wasm")
    for stage in ("traced", "flex", *OPTIMISATIONS, "ttir", "'wasm'"):
        assert stage in str(caught.value)
    with pytest.raises(ScheduleError, match=", ".join(("ttgir", *PASSES, "llir", "ptx"))):
        called.ir("amdgcn", target="cuda:90")


@pytest.mark.parametrize(
    "target",
    [
        *(90, "cuda", "cuda:75", "cuda:85", "cuda:9000", "cuda:090", "cuda:sm90", "cuda:90:1"),
        *("hip:90", "hip:gfx1", "hip:gfx906", "hip:gfxabc", "hip:gfx942:xnack+", "metal:3", ""),
    ],
)
def test_bad_target(called: pyflex.Decode, target: Any) -> None:
    with pytest.raises(TargetError) as caught:
        called.ir("ptx", target=target)
    assert "expected:" in str(caught.value)
    assert repr(target) in str(caught.value)


def test_target_that_triton_cannot_compile_for(called: pyflex.Decode) -> None:
    assert called._last is not None
    target = Target("hip", "gfx906", 64)  # has no matrix products
    with pytest.raises(TargetError, match="cannot compile the kernel for hip:gfx906"):
        lowered_for(called._last).ir("amdgcn", target)


@pytest.mark.parametrize("capability", [(7, 5), (12, 3)])
def test_gpus_that_are_not_known_are_refused(
    capability: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """LLVM ends the process for them."""
    major, minor = capability
    other = types.SimpleNamespace(name="Another GPU", major=major, minor=minor, warp_size=32)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: other)
    with pytest.raises(TargetError, match=rf"Another GPU.*\n.*\n.*cuda:{major}{minor}"):
        current_target(torch.device("cuda", 63))
