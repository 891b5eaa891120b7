"""What every test shares: the GPU rule, the seed and the Tritons to test against."""

import os
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "tools" / "requirements"
SEED = "PYFLEX_TEST_SEED"


@dataclass(frozen=True)
class TritonPython:
    """An interpreter that imports one version of Triton.

    Triton is loaded once a process, so each version runs in its own.
    """

    version: str
    env: dict[str, str]

    def run(self, *args: str | Path, timeout: float = 300) -> str:
        """Runs `python *args`; its standard output, or a failed test with all it printed."""
        done = subprocess.run(
            [sys.executable, *args], env=self.env, timeout=timeout, capture_output=True, text=True
        )
        if done.returncode != 0:
            pytest.fail(f"Triton {self.version}: {done.stdout}{done.stderr}", pytrace=False)
        return done.stdout


def _environment(*import_paths: Path) -> dict[str, str]:
    inherited = os.environ.get("PYTHONPATH")
    paths = [*map(str, import_paths), str(ROOT), *([inherited] if inherited else [])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _pinned(name: str) -> str:
    lines = (REQUIREMENTS / f"triton-{name}.txt").read_text().splitlines()
    return lines[-1].removeprefix("triton==")


@pytest.fixture(scope="session", params=["oldest", "newest"])
def triton_python(request: pytest.FixtureRequest) -> TritonPython:
    """The oldest Triton, the one of this environment, and the newest, beside it."""
    if request.param == "oldest":
        import triton

        return TritonPython(triton.__version__, _environment())
    newest = ROOT / ".triton-newest"
    if not newest.is_dir():
        pytest.skip("no .triton-newest here; `make setup` installs it")
    return TritonPython(_pinned("newest"), _environment(newest))


def pytest_configure() -> None:
    """Draws a run's seed ahead of the workers: a test that takes its process along names none."""
    os.environ.setdefault(SEED, str(int.from_bytes(os.urandom(4), "little")))


def pytest_report_header() -> str:
    """What to set to see this run's numbers again."""
    return f"{SEED}={os.environ[SEED]}"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Numbers nobody has seen before, of this test alone; PYFLEX_TEST_SEED brings them back."""
    print(f"{SEED}={os.environ[SEED]}")
    return zlib.crc32(f"{os.environ[SEED]} {request.node.nodeid}".encode())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what lies in tests/gpu, and skips what needs a GPU where there is none."""
    gpu_folder = ROOT / "tests" / "gpu"
    for item in items:
        if gpu_folder in item.path.parents:
            item.add_marker(pytest.mark.gpu)
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if not on_gpu:
        return
    import torch

    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason="needs a GPU that torch drives")
    for item in on_gpu:
        item.add_marker(skip)
