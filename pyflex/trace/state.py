"""What one trace has built so far."""

from __future__ import annotations

from types import CodeType

import torch

from pyflex.errors import LeakedValueError, PyflexError, SourceLine, user_line
from pyflex.trace.builder import Builder, Value
from pyflex.trace.captures import Captures
from pyflex.trace.values import TracedScalar


class Trace:
    """The lines of a mod that is being traced, and what it has read."""

    def __init__(self, device: torch.device, boundary: CodeType, origin: SourceLine | None) -> None:
        self.device = device
        # Without a driver for `device`, tensors cannot name it; then none can be captured either.
        self.tensor_device = device if _has_backend(device) else torch.device("cpu")
        self._boundary = boundary
        self._origin = origin
        self.builder = Builder(self.locate)
        self.refusal: PyflexError | None = None
        self.captures = Captures(self.builder, device)

    def locate(self) -> SourceLine | None:
        """The user's line that runs now; the mod's definition where only library code runs."""
        return user_line(self._boundary) or self._origin

    def own(self, tensor: torch.Tensor) -> TracedScalar:
        """The traced scalar, refused if it is another trace's."""
        if not isinstance(tensor, TracedScalar) or tensor.owner is not self:
            raise LeakedValueError(
                "a value of another trace is used",
                expected="a mod that keeps no traced value",
                got=repr(tensor),
            )
        return tensor

    def scalar(self, value: Value) -> TracedScalar:
        return TracedScalar.create(self, value)

    def constant(self, tensor: torch.Tensor) -> torch.Tensor:
        """What torch has just made of numbers: one of them, or a table that the kernel reads."""
        if tensor.ndim > 0:
            return tensor
        return self.scalar(self.builder.constant(tensor.item(), tensor.dtype))


def _has_backend(device: torch.device) -> bool:
    if device.type == "cpu":
        return True
    backend = getattr(torch, device.type, None)
    return backend is not None and bool(backend.is_available())
