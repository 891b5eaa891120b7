"""What GPU tests are given."""

from __future__ import annotations

from typing import Any

import pytest

from pyflex import gpu


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The TTIR of every kernel that is compiled during the test."""
    texts: list[str] = []
    compile_ttir = gpu.compile_ttir

    def counting(ttir: str, *rest: Any) -> Any:
        texts.append(ttir)
        return compile_ttir(ttir, *rest)

    monkeypatch.setattr(gpu, "compile_ttir", counting)
    return texts
