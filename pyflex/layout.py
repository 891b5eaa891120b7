"""Where the tensors of a call lie in memory."""

from __future__ import annotations

from typing import NamedTuple

import torch

Strides = tuple[int, ...]


class Lines(NamedTuple):
    """What is compiled in of how query, key and value lie.

    Attributes:
        aligned: whether every line is contiguous and starts at a multiple of 16 bytes.
        key, value: if so, elements from one key or value of a head to the next where these are the
            dimension, or that of all heads; else 0, and they are an argument.
    """

    aligned: bool
    key: int
    value: int


class Layout(NamedTuple):
    """Addresses and strides of query, key and value, the length of the cache, and its lines."""

    query: int
    key: int
    value: int
    query_strides: Strides
    key_strides: Strides
    value_strides: Strides
    kv_max: int
    lines: Lines


def layout_of(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> Layout:
    """Where three tensors of rank 4 and one dtype lie."""
    query_strides, key_strides, value_strides = query.stride(), key.stride(), value.stride()
    query_b, query_h, query_n, query_d = query_strides
    key_b, key_h, key_n, key_d = key_strides
    value_b, value_h, value_n, value_d = value_strides
    query_at, key_at, value_at = query.data_ptr(), key.data_ptr(), value.data_ptr()
    steps = query_b | query_h | query_n | key_b | key_h | key_n | value_b | value_h | value_n
    places = query_at | key_at | value_at | steps * query.element_size()
    lines = Lines(False, 0, 0)
    if query_d == key_d == value_d == 1 and places & 15 == 0:
        lines = Lines(True, _usual_line(key, key_n), _usual_line(value, value_n))
    strides = (query_strides, key_strides, value_strides)
    return Layout(query_at, key_at, value_at, *strides, key.shape[2], lines)


def _usual_line(tensor: torch.Tensor, step: int) -> int:
    """`step` if it takes one from a line to the next, or past those of all heads, as in caches.

    Otherwise 0; GpuCall.cpp has the same.
    """
    _, heads, _, dim = tensor.shape
    return step if step in (dim, heads * dim) else 0
