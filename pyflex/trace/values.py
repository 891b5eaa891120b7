"""The tensors that a mod sees while it is traced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from pyflex.errors import LeakedValueError
from pyflex.trace.builder import Value

if TYPE_CHECKING:
    from pyflex.trace.captures import CaptureView
    from pyflex.trace.state import Trace


class TracedTensor(torch.Tensor):
    """A tensor without data that belongs to one trace."""

    owner: Trace

    # The function mode of the trace sees every call; torch's own wrapping would only cost time.
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> torch.Tensor:
        raise LeakedValueError(
            "a traced value was used after its trace had ended",
            expected="a mod that keeps no traced value",
            got=str(func),
        )

    def __hash__(self) -> int:
        # By identity, as torch has it, it would be in no set and in no dictionary.
        raise TypeError(f"a {type(self).__name__} as a key of a dict or set")


class TracedScalar(TracedTensor):
    """One 0-d value of the mod."""

    value: Value

    @staticmethod
    def create(trace: Trace, value: Value) -> TracedScalar:
        tensor: TracedScalar = torch.Tensor._make_wrapper_subclass(
            TracedScalar, (), dtype=value.dtype, device=trace.tensor_device
        )
        tensor.owner = trace
        tensor.value = value
        return tensor

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"traced({self.value.name}, dtype={self.value.dtype})"

    def __iter__(self) -> Iterator[torch.Tensor]:
        raise TypeError(f"iteration over a {type(self).__name__} without dimensions")


class TracedView(TracedTensor):
    """A captured tensor of which traced indices have consumed some dimensions, but not all."""

    capture: CaptureView

    @staticmethod
    def create(trace: Trace, view: CaptureView) -> TracedView:
        tensor: TracedView = torch.Tensor._make_wrapper_subclass(
            TracedView,
            view.shape,
            strides=view.strides,
            dtype=view.source.dtype,
            device=trace.tensor_device,
        )
        tensor.owner = trace
        tensor.capture = view
        return tensor

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"traced_view(shape={tuple(self.shape)}, dtype={self.dtype})"
