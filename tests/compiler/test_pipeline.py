"""run_pipeline and jit: text, snapshots, locations, and what they refuse."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

import pyflex
from pyflex.compiler import DiagnosedError, jit, run_pipeline
from pyflex.errors import CompilerError
from pyflex.trace import trace_mask_mod
from pyflex.trace.builder import MOST_OPS

MODULE = """
tt.func public @kernel(%p: !tt.ptr<i32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %a = arith.addi %n, %c0 : i32 loc("mod.py":7:3)
  %b = arith.addi %n, %c0 : i32
  %c = arith.muli %a, %b : i32
  tt.store %p, %c : !tt.ptr<i32>
  tt.return
}
"""


def test_pipeline_runs_and_prints() -> None:
    assert "arith.addi" in run_pipeline(MODULE, "").text
    text = run_pipeline(MODULE, "canonicalize,cse").text
    assert "arith.addi" not in text
    assert "arith.muli" in text
    assert run_pipeline(MODULE, "builtin.module(canonicalize,cse)").text == text
    assert run_pipeline(text, "canonicalize,cse").text == text


def test_generic_form_and_locations() -> None:
    assert '"arith.muli"' in run_pipeline(MODULE, "", generic=True).text
    plain = run_pipeline(MODULE, "").text
    located = run_pipeline(MODULE, "", debug_info=True).text
    assert "mod.py" not in plain
    assert '"mod.py":7:3' in located


def test_snapshots_are_in_order() -> None:
    result = run_pipeline(MODULE, "canonicalize,tt.func(cse)", snapshots=True)
    assert [snapshot.name for snapshot in result.snapshots][:1] == ["canonicalize"]
    assert result.snapshots[-1].text == result.text
    assert run_pipeline(MODULE, "canonicalize").snapshots == ()


@pytest.mark.parametrize(
    ("source", "pipeline", "message"),
    [
        ("tt.func public @k( {", "", "expected"),
        ("\x01\x02 {{{{", "", "expected"),
        ("tt.func public @k() { %0 = tt.nothing : i32 }", "", "unregistered|unknown|custom op"),
        ("%0 = arith.addi %1, %1 : i32", "", "undeclared"),
        (MODULE, "no-such-pass", "'no-such-pass' does not refer to a registered pass"),
        (MODULE, "cse{nothing=1}", "nothing"),
        (MODULE, "builtin.module(cse", "expected '\\)'"),
        (MODULE, "func.func(cse", "unbalanced parentheses"),
        (MODULE, ",,", "does not refer to a registered pass"),
    ],
    ids=["cut", "binary", "op", "value", "pass", "option", "anchor", "nesting", "commas"],
)
def test_malformed_text_is_diagnosed(source: str, pipeline: str, message: str) -> None:
    with pytest.raises(CompilerError, match=message) as caught:
        run_pipeline(source, pipeline)
    assert caught.value.diagnostics
    assert all(one.severity == "error" for one in caught.value.diagnostics)


def test_a_diagnostic_has_its_place_and_notes() -> None:
    source = """
    tt.func private @callee(%x: i32) -> i32 { tt.return %x : i32 }
    tt.func public @kernel(%p: !tt.ptr<i32>, %x: i64) {
      %y = tt.call @callee(%x) : (i64) -> i32 loc("mod.py":7:3)
      tt.store %p, %y : !tt.ptr<i32>
      tt.return
    }
    """
    with pytest.raises(DiagnosedError) as caught:
        run_pipeline(source, "")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.file, diagnostic.line, diagnostic.column) == ("mod.py", 7, 3)
    assert "expected the callee's type" in diagnostic.message
    (note,) = diagnostic.notes
    assert (note.severity, note.line) == ("note", 2)
    assert caught.value.at is not None
    assert caught.value.at.line == 7


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "expected one public tt.func, got none"),
        (
            "tt.func public @a() { tt.return }\ntt.func public @b() { tt.return }",
            "expected one public tt.func, got a second",
        ),
        (
            "tt.func public @k(%x: f32) {\n%y = tt.extern_elementwise %x "
            '{libname = "", libpath = "", pure = true, symbol = "__nv_odd"} : (f32) -> f32\n'
            "tt.return\n}",
            "unknown device function '__nv_odd'",
        ),
    ],
    ids=["none", "two", "extern"],
)
def test_jit_refuses(source: str, message: str) -> None:
    with pytest.raises(DiagnosedError, match=message):
        jit(source)


def test_arguments_are_checked() -> None:
    kernel = jit(MODULE)
    for args in ([], [0], [0, 0, 0], [0, 2**31], [-1, 0], [0, 1.5], [0, None]):
        with pytest.raises(TypeError, match="expected arguments \\(ptr, i32\\)"):
            kernel.launch((1, 1, 1), args)  # type: ignore[arg-type]
    kernel.launch((0, 1, 1), [0, 0])


def test_calls_from_many_threads() -> None:
    def work(index: int) -> str:
        if index % 3 == 0:
            with pytest.raises(DiagnosedError):
                run_pipeline(MODULE, f"no-pass-{index}")
        if index % 3 == 1:
            assert jit(MODULE).argument_types == ("ptr", "i32")
        return run_pipeline(MODULE, "canonicalize,cse").text

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(work, range(24)))) == 1


def test_kernels_are_freed() -> None:
    """Compiling again and again does not grow the process by whole kernels."""

    def pages() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1])

    for _ in range(5):
        jit(MODULE)
    before = pages()
    for _ in range(30):
        jit(MODULE)
    assert (pages() - before) * 4096 < 30 * 300_000


def test_a_mod_of_many_ops_on_a_small_stack() -> None:
    """Passes go into a chain of ops one by one: not on the caller's stack."""

    def causal(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return q + 4321 >= kv  # another test's kernel would have that test's lines

    def listed(b: Any, h: Any, q: Any, kv: Any) -> Any:
        shown = q >= kv
        for i in range((MOST_OPS - 1) // 3):
            shown = shown | (kv == i)
        return shown

    decode = pyflex.compile(None, causal)
    decode(*[torch.zeros(1, 1, 1, 16)] * 3)
    text, short = decode.ir("flex"), trace_mask_mod(causal, "cpu").text
    assert short in text
    text = text.replace(short, trace_mask_mod(listed, "cpu").text)
    kernels: list[str] = []

    def run() -> None:
        kernels.append(run_pipeline(text, "flex-decode-pipeline").text)

    before = threading.stack_size(256 << 10)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert kernels[0].count("arith.ori") > 1000


def test_no_thread_to_compile_in_is_diagnosed() -> None:
    """In a process of its own, which has too little memory left for a thread's stack."""
    code = """
import resource
from pathlib import Path
from pyflex.compiler import DiagnosedError, run_pipeline
run_pipeline("", "cse")
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + (32 << 20), resource.RLIM_INFINITY))
try:
    run_pipeline("", "cse")
except DiagnosedError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cannot start a thread to compile in" in run.stdout
