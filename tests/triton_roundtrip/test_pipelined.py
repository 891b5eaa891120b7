"""The passes between Triton's own know what each installed Triton makes of a loop."""

from pathlib import Path

from tests.conftest import TritonPython

HERE = Path(__file__).resolve().parent


def test_passes_find_their_loops(triton_python: TritonPython) -> None:
    triton_python.run(HERE / "pipelined.py")
