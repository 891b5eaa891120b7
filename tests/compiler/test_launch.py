"""The launcher, against a driver that only tells what it was asked, and against none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Runs in a process of its own, whose libcuda.so.1 is the fake; gives what each case printed.
CASES = """
import ctypes, json, os
from dataclasses import replace
from pyflex.cache import Binary
from pyflex.launch import GpuKernel, Launcher

fake = ctypes.CDLL("libcuda.so.1")
fake.fake_log.restype = ctypes.c_char_p
# The code tells the fake how many arguments the kernel declares, and their sizes.
first = Binary(bytes([5, 8, 4, 8, 8, 8]), "decode", ("ptr", "i32", "i64"), 128, 70000, False)
second = Binary(bytes([4, 8, 4, 8, 8]), "combine", ("ptr", "i32"), 32, 0, False)
said = {}

def case(name, run, fails=""):
    fake.fake_clear()
    os.environ["FAKE_DRIVER_FAILS"] = fails
    try:
        result = run()
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
    os.environ["FAKE_DRIVER_FAILS"] = ""
    said[name] = [fake.fake_log().decode(), result]

def figures():
    kernel = GpuKernel(first, "cuda", 3)
    return [kernel.registers, kernel.spilled, kernel.programs]

if FAILS:
    case("initial failure", lambda: GpuKernel(first, "cuda", 0), FAILS)
else:
    case("load", figures)
    case("load of little", lambda: GpuKernel(second, "cuda", 0).registers)
    single = Launcher(GpuKernel(first, "cuda", 3))
    pair = Launcher(GpuKernel(first, "cuda", 0), GpuKernel(second, "cuda", 0))
    waiting = replace(second, waits=True)
    overlapping = Launcher(GpuKernel(first, "cuda", 0), GpuKernel(waiting, "cuda", 0))
    case("launch", lambda: single.launch(0xabc, ((40, 2),), (8, -7, 1 << 40)))
    case("pair", lambda: pair.launch(0, ((5, 6), (9, 1)), (1, 2, 3, 4, 5)))
    case("overlap", lambda: overlapping.launch(0, ((5, 6), (9, 1)), (1, 2, 3, 4, 5)))
    three = [GpuKernel(one, "cuda", 0) for one in (first, waiting, second)]
    case("three", lambda: Launcher(*three).launch(0, ((5, 6), (7, 8), (9, 1)), tuple(range(7))))
    chain = [GpuKernel(one, "cuda", 0) for one in (first, waiting, waiting)]
    case("chain", lambda: Launcher(*chain).launch(0, ((5, 6), (7, 8), (16, 1)), tuple(range(7))))
    early = GpuKernel(replace(first, waits=True), "cuda", 0)
    crowd = Launcher(GpuKernel(second, "cuda", 0), early)
    for programs in (132, 133, 500):
        case(f"spread {programs}", lambda: crowd.launch(
            0, ((9, 1), (programs, 1)), (4, 5, 1, 2, 3)))
    for grid in ((32, 4), (12, 1), (9, 1), (264, 2), (272, 2)):
        case(f"apart {grid}", lambda: overlapping.launch(0, ((5, 6), grid), (1, 2, 3, 4, 5)))
    case("none apart", lambda: Launcher(*(GpuKernel(one, "cuda", 0) for one in (first, waiting)))
        .launch(0, ((5, 6), (32, 4)), (1, 2, 3, 4, 5)), "cuOccupancyMaxActiveClusters")
    room = GpuKernel(replace(first, shared=1000, clusters=True), "cuda", 0, 90000)
    case("load for clusters", lambda: GpuKernel(room.binary, "cuda", 0, 90000).cluster_at)
    case("clusters", lambda: [room.clusters(size) for size in (2, 8)])
    case("no clusters", lambda: GpuKernel(first, "cuda", 0).clusters(2))
    case("cluster", lambda: Launcher(room).launch(0, ((5, 4),), (1, 2, 3), 1, 600))
    behind = Launcher(GpuKernel(second, "cuda", 0), GpuKernel(
        replace(room.binary, waits=True), "cuda", 0, 90000))
    case("cluster behind", lambda: behind.launch(0, ((9, 1), (5, 4)), (4, 5, 1, 2, 3), 2, 600))
    case("too few", lambda: single.launch(0, ((1, 1),), (1, 2)))
    case("too large", lambda: single.launch(0, ((1, 1),), (1, 1 << 31, 3)))
    case("wrong type", lambda: single.launch(0, ((1, 1),), (1, 2, "3")))
    others = {"fewer": [4, 8, 4, 8, 8], "more": [6, 8, 4, 8, 8, 8, 8], "wider": [5, 8, 8, 8, 8, 8]}
    for name, code in others.items():
        case(name, lambda: GpuKernel(replace(first, image=bytes(code)), "cuda", 0))
    for call in ("cuModuleLoadData", "cuModuleGetFunction", "cuFuncSetAttribute"):
        case(call, lambda: GpuKernel(first, "cuda", 2), call)
    case("refused", lambda: single.launch(0, ((1, 1),), (1, 2, 3)), "launch")
print(json.dumps(said))
"""

FULL_QUEUE = """
import ctypes, threading
from pyflex.cache import Binary
from pyflex.launch import GpuKernel, Launcher

fake = ctypes.CDLL("libcuda.so.1")
binary = Binary(bytes([3, 4, 8, 8]), "decode", ("i32",), 128, 900, False)
here, there = (Launcher(*(GpuKernel(binary, "cuda", device) for _ in "ab")) for device in (0, 1))
full = threading.Thread(target=here.launch, args=(0xf11, ((1, 1), (1, 1)), (1, 2)))
full.start()
while not fake.fake_waits():
    pass
there.launch(0x20, ((1, 1), (1, 1)), (1, 2))
print("launched")
fake.fake_drain()
full.join()
"""

NO_DRIVER = """
from pyflex.cache import Binary
from pyflex.errors import DeviceError
from pyflex.launch import GpuKernel
for driver in ("cuda", "hip", "metal"):
    try:
        GpuKernel(Binary(b"", "k", (), 32, 0, False), driver, 0)
    except DeviceError as error:
        print(str(error).replace("\\n", " "))
"""

Said = dict[str, tuple[str, object]]


def output(program: str, **variables: str) -> str:
    env = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def said(driver: Path) -> Said:
    """What the driver was asked in each case, and what came of it."""
    printed: Said = json.loads(output(f"FAILS = ''\n{CASES}", LD_LIBRARY_PATH=str(driver)))
    return printed


def test_load(said: Said) -> None:
    asked, figures = said["load"]
    assert asked.splitlines() == [
        "enter 0x103",
        "capture mode 2",
        "load",
        "function decode",
        "cache config 1",
        "attribute 8 = 232448",
        "occupancy of 128 threads, 70000 bytes",
        "capture mode 0",
        "leave",
    ]
    assert figures == [104, 103, 7]
    # Kernels that overlap want the same share of shared memory, however little they use.
    assert "cache config 1" in said["load of little"][0]


def test_launch(said: Said) -> None:
    asked, _ = said["launch"]
    assert asked.splitlines() == [
        "enter 0x103",
        "launch 40x2x1 of 128 threads, 70000 bytes, stream 0xabc: 8 -7 1099511627776 0 0",
        "leave",
    ]


@pytest.mark.parametrize(("name", "how"), [("pair", "launch"), ("overlap", "overlap")])
def test_second_kernel_follows(said: Said, name: str, how: str) -> None:
    asked, _ = said[name]
    assert asked.splitlines() == [
        "enter 0x100",
        "launch 5x6x1 of 128 threads, 70000 bytes, stream (nil): 1 2 3 0 0",
        f"{how} 9x1x1 of 32 threads, 0 bytes, stream (nil): 4 5 0 0",
        "leave",
    ]


def test_third_kernel_follows(said: Said) -> None:
    """Of three the second one may start early."""
    asked, _ = said["three"]
    assert asked.splitlines() == [
        "enter 0x100",
        "launch 5x6x1 of 128 threads, 70000 bytes, stream (nil): 0 1 2 0 0",
        "overlap 7x8x1 of 32 threads, 0 bytes, stream (nil): 3 4 0 0",
        "launch 9x1x1 of 32 threads, 0 bytes, stream (nil): 5 6 0 0",
        "leave",
    ]


def test_each_of_a_chain_may_start_early(said: Said) -> None:
    asked, _ = said["chain"]
    assert [line.partition(" of ")[0] for line in asked.splitlines()[1:4]] == [
        "launch 5x6x1",
        "overlap 7x8x1",
        "overlap 16x1x1 in clusters",
    ]


def test_programs_of_a_cluster(said: Said) -> None:
    """A cluster's memory lies behind the kernel's own, at a multiple of 16."""
    asked, at = said["load for clusters"]
    assert at == 1008
    assert "attribute 8 = 232448" in asked  # all that there may be: 91008 is less
    asked, found = said["clusters"]
    assert asked.count("bytes") == asked.count("91008 bytes") == 2
    assert found == [50, 12]
    assert said["no clusters"][1] == 0
    how = "5x4x1 in clusters of 1x4 of 128 threads, 1608 bytes, stream (nil): 1 2 3 0 0"
    assert f"launch {how}" in said["cluster"][0].splitlines()
    assert said["cluster behind"][0].splitlines()[1:3] == [
        "launch 9x1x1 of 32 threads, 0 bytes, stream (nil): 4 5 0 0",
        f"overlap {how}",
    ]


@pytest.mark.parametrize(
    ("programs", "shared"),
    # One a multiprocessor, two, and as many as there is room for: three would be below four.
    [(132, 115840), (133, 76928), (500, 70000)],
)
def test_programs_that_start_early_do_not_crowd(said: Said, programs: int, shared: int) -> None:
    asked, _ = said[f"spread {programs}"]
    how = f"{programs}x1x1 of 128 threads, {shared} bytes, stream (nil): 1 2 3 0 0"
    assert asked.splitlines()[2] == f"overlap {how}"


@pytest.mark.parametrize(
    ("grid", "clusters"),
    # Up to four a multiprocessor, by the largest of 8, 4 and 2 that leaves none over.
    [((32, 4), 8), ((12, 1), 4), ((9, 1), 1), ((264, 2), 8), ((272, 2), 1)],
)
def test_programs_without_shared_memory_are_kept_apart_by_clusters(
    said: Said, grid: tuple[int, int], clusters: int
) -> None:
    asked, _ = said[f"apart {grid}"]
    how = f" in clusters of {clusters}x1" if clusters > 1 else ""
    assert asked.splitlines()[2].startswith(f"overlap {grid[0]}x{grid[1]}x1{how} of 32 threads")


def test_programs_are_not_kept_apart_where_none_form_clusters(said: Said) -> None:
    assert "overlap 32x4x1 of 32 threads" in said["none apart"][0]


@pytest.mark.parametrize("name", ["too few", "too large", "wrong type"])
def test_arguments_are_checked(said: Said, name: str) -> None:
    asked, problem = said[name]
    assert asked == ""
    assert str(problem).startswith("TypeError: expected arguments (ptr, i32, i64)")


@pytest.mark.parametrize("declared", ["fewer", "more", "wider"])
def test_other_arguments_than_declared(said: Said, declared: str) -> None:
    _, problem = said[declared]
    assert "arguments are not those it was compiled for" in str(problem)


@pytest.mark.parametrize("call", ["cuModuleLoadData", "cuModuleGetFunction", "cuFuncSetAttribute"])
def test_load_that_fails(said: Said, call: str) -> None:
    asked, problem = said[call]
    assert asked.endswith("capture mode 0\nleave\n")
    assert str(problem).startswith("DeviceError: cuda:2 cannot load a kernel")
    assert "out of memory (error 2)" in str(problem)


def test_launch_that_fails(said: Said) -> None:
    _, problem = said["refused"]
    assert "refuses the launch" in str(problem)
    assert "out of memory (error 2)" in str(problem)


def test_full_queue_holds_up_no_other_stream(driver: Path) -> None:
    """Else two GPUs whose kernels wait for each other (a collective) never end."""
    assert output(FULL_QUEUE, LD_LIBRARY_PATH=str(driver)) == "launched\n"


def test_driver_that_does_not_start(driver: Path) -> None:
    printed = output(f"FAILS = 'cuInit'\n{CASES}", LD_LIBRARY_PATH=str(driver))
    _, problem = json.loads(printed)["initial failure"]
    assert "out of memory (error 2)" in problem


def test_no_driver(tmp_path: Path) -> None:
    for name in ("libcuda.so.1", "libamdhip64.so"):  # found before the machine's own
        (tmp_path / name).write_text("no library")
    lines = output(NO_DRIVER, LD_LIBRARY_PATH=str(tmp_path)).splitlines()
    for line, part in zip(lines, ["libcuda.so.1", "libamdhip64.so", "'metal'"], strict=True):
        assert "cannot load a kernel" in line
        assert part in line
