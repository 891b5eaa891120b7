"""What tests of tiles and of schedules have in common: a GPU, loops, and kinds of calls."""

from __future__ import annotations

import random

import torch

import pyflex
from pyflex.kind import Kind
from pyflex.places import Device, Shape
from pyflex.schedule import Work

#: As large as an H200.
GPU = Device(multiprocessors=132, shared=233472, bandwidth=4.814e6, clusters=True)
USUAL = Shape(itemsize=2, head_dim=128, value_dim=128, group=4, q_len=1, packed=True)


def random_works(count: int) -> list[Work]:
    draw = random.Random(11)
    works = []
    for _ in range(count):
        dims, q_len = (draw.randint(16, 256), draw.randint(16, 256)), draw.randint(1, 20)
        rest = (draw.randint(1, 16), q_len, draw.random() < 0.8, draw.choice((0, 5, 40)))
        shape = Shape(draw.choice((2, 4)), *dims, *rest)
        programs, length = draw.choice((1, 8, 50, 700)), draw.choice((1, 300, 5000, 2**20))
        works.append(Work(shape, programs, length, programs * q_len, draw.random() < 0.3))
    return works


WORKS = random_works(300)


def called_kind(decode: pyflex.Decode) -> Kind:
    """That of the one call so far, with the usual tile."""
    (found,) = decode._choices.values()
    return found._kinds[0]


def kind_on_one_head(
    decode: pyflex.Decode, head_dim: int, q_len: int, dtype: torch.dtype = torch.bfloat16
) -> Kind:
    key = torch.zeros(1, 1, 100, head_dim, dtype=dtype)
    decode(torch.zeros(1, 4, q_len, head_dim, dtype=dtype), key, key)
    return called_kind(decode)
