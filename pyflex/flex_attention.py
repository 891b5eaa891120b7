"""What takes the place of torch.nn.attention.flex_attention.flex_attention, forward only."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention.flex_attention import AuxOutput, AuxRequest, BlockMask, noop_mask

from pyflex.blocks import BlockLists, read_block_mask
from pyflex.decode import Decode, compile
from pyflex.errors import BlockMaskError, HeadCountError, ScheduleError, ShapeError
from pyflex.inputs import check_flag, check_inputs
from pyflex.mods import identity
from pyflex.options import Options
from pyflex.recent import keep_recent
from pyflex.repeat import Repeat
from pyflex.uncompiled import is_compiling, uncompiled

#: torch's kernel options that mean something here, and what they set.
_KERNEL_OPTIONS = {
    "BLOCK_M": "rows",
    "BLOCK_N": "keys",
    "num_warps": "num_warps",
    "num_stages": "num_stages",
    "SPLIT_KV": "splits",
}
#: Mods that are known again. They stay alive meanwhile, with what they capture.
_MOST_COMPILED = 128
_COMPILED: dict[Any, _Compiled] = {}
#: A BlockMask without a mask, of blocks this large, stands for none at all (torch's default).
_WHOLE = 1 << 30


@dataclass
class _Compiled:
    """A score_mod with its options.

    `passed` are the last calls that were seen to keep torch's rules, with their `enable_gqa`.
    """

    decode: Decode
    passed: tuple[Repeat | None, bool] = (None, False)


def flex_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    score_mod: Callable[..., Any] | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: Mapping[str, Any] | None = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """Attention with torch's signature; the shapes are those of `Decode.__call__`.

    Args:
        query: [B, Hq, M, D].
        key: [B or 1, Hkv, N, D].
        value: [B or 1, Hkv, N, Dv].
        score_mod: changes each score; None leaves it. The last 128 pairs of it and kernel_options
            are kept, with the tensors that they capture.
        block_mask: made for exactly these lengths.
        scale: factor on the dot products; 1 / sqrt(D) by default.
        enable_gqa: allow fewer KV heads than query heads.
        return_lse: give (out, lse). Deprecated in torch in favour of return_aux.
        kernel_options: of torch's, BLOCK_M (rows of a tile), BLOCK_N (its keys), num_warps,
            num_stages and SPLIT_KV (parts of a loop); any other is a ScheduleError.
        return_aux: which of lse and max_scores to give, as (out, AuxOutput).

    Returns:
        out, (out, lse) or (out, AuxOutput).

    Raises:
        PyflexError: see `Decode.__call__`.
    """
    if is_compiling():
        given = (query, key, value, score_mod, block_mask, scale, enable_gqa, return_lse)
        return uncompiled(flex_attention, *given, kernel_options, return_aux=return_aux)
    if return_aux is not None and not isinstance(return_aux, AuxRequest):
        raise ScheduleError(
            "return_aux is no AuxRequest",
            expected="AuxRequest(lse=..., max_scores=...)",
            got=type(return_aux).__name__,
        )
    check_flag("enable_gqa", enable_gqa)
    check_flag("return_lse", return_lse)
    if return_lse and return_aux is not None:
        raise ScheduleError(
            "return_lse and return_aux exclude each other",
            expected="return_aux=AuxRequest(lse=True)",
            got="both",
        )
    if return_lse:
        warnings.warn(
            "return_lse is deprecated; use return_aux=AuxRequest(lse=True)",
            FutureWarning,
            stacklevel=2,
        )
    block_mask = _effective(block_mask)
    lists = read_block_mask(block_mask) if block_mask is not None else None
    wanted = (return_lse, False) if return_aux is None else (return_aux.lse, return_aux.max_scores)
    compiled = _compiled(score_mod, kernel_options)
    call = (query, key, value, lists, scale, None, None, *wanted)
    repeat, gqa = compiled.passed
    made = None
    if repeat is not None and gqa is enable_gqa and (lists is None or _is_as_long(key, lists)):
        made = repeat(*call)
    if made is None:
        _check_rules(query, key, value, lists, enable_gqa=enable_gqa)
        made, repeat = compiled.decode._anew(*call)
        compiled.passed = repeat, enable_gqa
    out, lse, max_scores = made
    if return_aux is not None:
        return out, AuxOutput(lse=lse, max_scores=max_scores)
    return (out, lse) if return_lse else out


def _is_as_long(key: torch.Tensor, lists: BlockLists) -> bool:
    return type(key) is torch.Tensor and key.shape[2:3] == (lists.kv_len,)


def _check_rules(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    lists: BlockLists | None,
    *,
    enable_gqa: bool,
) -> None:
    """Refuses what torch does, and `Decode` does not."""
    inputs = check_inputs(query, key, value, lists, None, None)
    if not enable_gqa and inputs.heads != inputs.kv_heads:
        raise HeadCountError(
            "query and key have different numbers of heads",
            expected="equal numbers, or enable_gqa=True",
            got=f"Hq={inputs.heads}, Hkv={inputs.kv_heads}",
        )
    if key.shape[0] != inputs.batch and lists is None:
        raise ShapeError(
            "query and key have different batch sizes and there is no block_mask",
            expected=f"{inputs.batch}",
            got=key.shape[0],
        )
    if lists and (lists.q_len, lists.kv_len) != (inputs.q_len, inputs.kv_max):
        raise BlockMaskError(
            "the BlockMask was made for other lengths",
            expected=f"seq_lengths=({inputs.q_len}, {inputs.kv_max}), which a slice needs set",
            got=f"seq_lengths=({lists.q_len}, {lists.kv_len})",
        )


def _effective(block_mask: BlockMask | None) -> BlockMask | None:
    if isinstance(block_mask, BlockMask) and block_mask.mask_mod is noop_mask:
        sizes = block_mask.BLOCK_SIZE
        if isinstance(sizes, tuple) and all(type(n) is int and n >= _WHOLE for n in sizes):
            return None
    return block_mask


def _options(kernel_options: Mapping[str, Any]) -> Options:
    if not isinstance(kernel_options, Mapping):
        raise ScheduleError(
            "kernel_options are no dictionary",
            expected="a dict of names and values",
            got=type(kernel_options).__name__,
        )
    unknown = [str(name) for name in kernel_options if name not in _KERNEL_OPTIONS]
    if unknown:
        raise ScheduleError(
            "kernel_options that pyflex does not have",
            expected=f"of torch's, {', '.join(_KERNEL_OPTIONS)}; the others can be left out",
            got=", ".join(unknown),
        )
    return Options(**{_KERNEL_OPTIONS[name]: value for name, value in kernel_options.items()})


def _compiled(
    score_mod: Callable[..., Any] | None, kernel_options: Mapping[str, Any] | None
) -> _Compiled:
    options = None if kernel_options is None else _options(kernel_options)
    key = (identity(score_mod), options)
    compiled = _COMPILED.get(key) or _Compiled(compile(score_mod, options=options))
    _COMPILED.pop(key, None)
    _COMPILED[key] = compiled  # the last one again
    keep_recent(_COMPILED, _MOST_COMPILED)
    return compiled
