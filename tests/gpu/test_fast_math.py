"""The forms of flex-fast-math stay within their stated errors on the GPU."""

from __future__ import annotations

import pytest

from tests.fast_math import FORMS, Form, worst


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_error(form: Form) -> None:
    error = worst(form, "cuda", kv_heads=64, keys=4096)
    assert error <= form.gpu
