"""The disk cache: what it saves, when it is asked, and what it does with damage."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import pyflex
from pyflex import cache, gpu
from pyflex.cache import Binary
from pyflex.kernel import KernelSpec
from pyflex.lowered import Lowered
from pyflex.target import parse_target

ROOT = Path(__file__).resolve().parents[2]
TARGET = parse_target("cuda:90")
BINARY = Binary(b"\x7fELF" + bytes(range(256)) * 9, "decode", ("ptr", "i32"), 128, 1024, True)
KEY = "0" * 64

PROCESS = """
import sys, torch, pyflex
from pyflex import steps
from pyflex.lowered import Lowered
from pyflex.target import parse_target
key = torch.ones(1, 1, 64, 16)
decode = pyflex.compile(lambda s, b, h, q, kv: s * 2)
decode(key[:, :, :1], key, key)
with steps.collect() as seconds:
    decode_kernel, combine, _ = Lowered(decode._last).binaries(parse_target("cuda:90"))
print(decode_kernel.name, combine.name, sorted(seconds), "triton" in sys.modules)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "kernels"
    monkeypatch.setenv("PYFLEX_CACHE_DIR", str(place))
    return place


@pytest.fixture(scope="module")
def spec() -> KernelSpec:
    decode = pyflex.compile(lambda s, b, h, q, kv: s * 3)
    key = torch.ones(1, 1, 64, 16)
    decode(key[:, :, :1], key, key)
    assert decode._last is not None
    return decode._last


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands in for Triton, and lists what was compiled."""
    texts: list[str] = []

    def compile_ttir(ttir: str, *_: Any) -> gpu.Compiled:
        texts.append(ttir)
        return gpu.Compiled(BINARY, {})

    monkeypatch.setattr(gpu, "compile_ttir", compile_ttir)
    return texts


def test_another_process_needs_no_triton() -> None:
    def run() -> str:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", PROCESS]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run() == "decode decode_combine ['cache', 'passes', 'triton'] True\n"
    assert run() == "decode decode_combine ['cache'] False\n"


def test_round_trip(folder: Path) -> None:
    assert cache.load(KEY) is None
    cache.store(KEY, BINARY)
    assert cache.load(KEY) == BINARY
    assert [path.name for path in folder.iterdir()] == [KEY]


@pytest.mark.parametrize("length", [0, 7, 40, 52, 60, 300, -1])
def test_torn_file_is_written_anew(
    length: int, folder: Path, spec: KernelSpec, compilations: list[str]
) -> None:
    Lowered(spec).binary(TARGET)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    assert Lowered(spec).binary(TARGET) == BINARY
    assert path.read_bytes() == whole
    assert Lowered(spec).binary(TARGET) == BINARY
    assert len(compilations) == 2


def test_every_changed_byte_is_seen(folder: Path) -> None:
    cache.store(KEY, BINARY)
    path = folder / KEY
    whole = path.read_bytes()
    for index in range(0, len(whole), 5):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 64]) + whole[index + 1 :])
        assert cache.load(KEY) is None


def test_writers_and_readers_at_once(folder: Path) -> None:
    binaries = [replace(BINARY, image=bytes([n]) * (1 << (8 + n))) for n in range(8)]

    def work(binary: Binary) -> bool:
        for _ in range(25):
            cache.store(KEY, binary)
            if cache.load(KEY) not in binaries:
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, binaries))
    assert [path.name for path in folder.iterdir()] == [KEY]


def test_folder_that_cannot_be_written(
    folder: Path, spec: KernelSpec, compilations: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file in the folder's place")
    for _ in range(2):
        assert Lowered(spec).binary(TARGET) == BINARY
    assert len(compilations) == 2
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 2  # once that it cannot be read, once that it cannot be written
    assert f"cannot write the kernel cache in {folder}: " in told[1]


def test_switched_off(
    spec: KernelSpec, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYFLEX_CACHE_DIR", "")
    assert cache.folder() is None
    for _ in range(2):
        Lowered(spec).binary(TARGET)
    assert len(compilations) == 2


def test_folder_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PYFLEX_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "pyflex"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "pyflex"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.folder() == tmp_path / ".cache" / "pyflex"
    monkeypatch.setenv("PYFLEX_CACHE_DIR", "~/kernels")
    assert cache.folder() == tmp_path / "kernels"


def without(spec: KernelSpec, name: str) -> KernelSpec:
    return replace(spec, options=replace(spec.options, disable_passes=(name,)))


def test_key_does_not_depend_on_where_a_mod_stands(spec: KernelSpec) -> None:
    decode = pyflex.compile(lambda s, b, h, q, kv: s * 3)
    key = torch.ones(1, 1, 64, 16)
    decode(key[:, :, :1], key, key)
    assert decode._last is not None
    assert decode._last.score is not None
    assert spec.score is not None
    assert decode._last.score.text != spec.score.text
    assert keys(decode._last) == keys(spec)


def test_files_can_be_read_as_others_of_the_user_can(
    spec: KernelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[str]
) -> None:
    monkeypatch.setenv("PYFLEX_CACHE_DIR", str(tmp_path / "kernels"))
    Lowered(spec).binary(TARGET)
    other = tmp_path / "other"
    other.touch()
    (file,) = (tmp_path / "kernels").iterdir()
    assert file.stat().st_mode == other.stat().st_mode


def keys(spec: KernelSpec) -> list[str]:
    return [Lowered(spec)._key(TARGET)]


def test_key_holds_everything_that_changes_code(
    spec: KernelSpec, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = keys(spec)
    assert keys(spec) == seen
    seen.append(Lowered(spec)._key(parse_target("cuda:100")))
    schedule = spec.schedule
    for change in ({"num_warps": 8}, {"num_stages": 5}, {"keys": 256}):
        seen += keys(replace(spec, schedule=replace(schedule, **change)))
    for name in pyflex.OPTIMISATIONS:
        # A kernel without a split has no second one, whatever its own text.
        if Lowered(spec)._pipeline(TARGET) != Lowered(without(spec, name))._pipeline(TARGET) or (
            name.startswith("ttg-")
        ):
            seen += keys(without(spec, name))
    seen += keys(replace(spec, score=None))
    another: dict[str, Any] = {"build_id": lambda: "", "_triton_id": lambda: "", "_OWN_ID": ""}
    for name, value in another.items():
        with monkeypatch.context() as patch:
            patch.setattr(gpu, name, value)
            seen += keys(spec)
    with monkeypatch.context() as patch:
        patch.setenv("DISABLE_LLVM_OPT", "1")
        seen += keys(spec)
        tool = tmp_path / "ptxas"
        patch.setenv("TRITON_PTXAS_PATH", str(tool))
        seen += keys(spec)
        tool.write_text("an assembler")
        seen += keys(spec)
    assert len(set(seen)) == len(seen)
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    assert keys(spec) == seen[:1]


def test_stages_after_a_hit(spec: KernelSpec, compilations: list[str]) -> None:
    Lowered(spec).binary(TARGET)
    compilations.clear()
    fresh = Lowered(spec)
    fresh.binary(TARGET)
    assert compilations == []
    assert "tt.func" in fresh.ir("ttir", TARGET)
    assert fresh.stages(TARGET)[:2] == ("traced", "flex")
    assert len(compilations) == 1
