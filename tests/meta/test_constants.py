"""What Python and C++ both have to know is the same in both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pyflex import OPTIMISATIONS, inputs, library, listing, places, repeat, schedule, ttg

PASSES = Path(__file__).resolve().parents[2] / "passes"


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        ("transforms/LowerCombineInCluster.cpp", "kPrograms", places.MOST_IN_CLUSTER),
        ("transforms/LowerCombineInCluster.cpp", "kLoads", schedule._MEET_LOADS),
        ("flex/Width.h", "fewParts", places.FEW_PARTS),
        ("transforms/ListBlocks.cpp", "kTileElements", listing._TILE_ELEMENTS),
        ("transforms/LowerBlockLists.cpp", "kChunk", schedule._LISTED),
        ("transforms/ListBlocks.cpp", "kTileKeys", listing._TILE_KEYS),
        ("transforms/ListBlocks.cpp", "kWordBlocks", listing._MOST_BLOCKS),
        ("capi/GpuCall.cpp", "room", listing._ROOM),
        ("capi/GpuCall.cpp", "listPrograms", listing._PROGRAMS),
        ("capi/GpuCall.cpp", "mostKeys", inputs.MOST_LENGTH),
        ("capi/GpuCall.h", "mostArguments", repeat._MOST_ARGUMENTS),
    ],
)
def test_a_constant_is_the_same(file: str, name: str, value: int) -> None:
    found = re.findall(rf"\b{name} = (\d+)", (PASSES / file).read_text())
    assert [int(number) for number in found] == [value]


def test_the_optimisations_are_the_pipelines_options() -> None:
    """In one order: each pass that can be left out has an option of its name."""
    text = (PASSES / "Pipelines.cpp").read_text()
    options = re.findall(r'Option<bool> \w+\{\s*\*this, "([\w-]+)"', text)
    found = [f"flex-{name}" for name in options if name != "report-bounds"]
    assert (*found, *ttg.PASSES) == OPTIMISATIONS


def test_the_interface_has_one_version() -> None:
    (found,) = re.findall(
        r"pyflex_abi_version\(void\) { return (\d+);", (PASSES / "capi/pyflex.cpp").read_text()
    )
    assert int(found) == library._ABI_VERSION
