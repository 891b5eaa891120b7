"""Which tensors have memory that a kernel can be pointed at."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch._C._functorch import (
    TransformType,
    is_functorch_wrapped_tensor,
    peek_interpreter_stack,
)
from torch.autograd import forward_ad
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from pyflex.errors import LayoutError

#: What a subclass has that leaves all operations to torch.
_NO_DISPATCH: Final[Any] = torch.Tensor.__torch_dispatch__


def has_plain_memory(tensor: torch.Tensor) -> bool:
    """Whether its elements lie where its address and strides say, as they are.

    Not so for sparse and nested tensors, a lazy negation (`x.conj().imag`), subclasses with
    operations of their own (FakeTensor), tensors inside torch.func's transformations, and those
    whose storage was freed. A meta tensor passes: its device says that it has no memory.
    """
    kind = type(tensor)
    return (
        (kind is torch.Tensor or kind.__torch_dispatch__ is _NO_DISPATCH)
        and tensor.layout is torch.strided
        and not tensor.is_nested
        and not tensor.is_neg()
        and not is_functorch_wrapped_tensor(tensor)
        and (tensor.data_ptr() != 0 or tensor.numel() == 0 or tensor.is_meta)
    )


def recorder() -> str | None:
    """What records torch's operations, or has tensors without memory for them; None if nothing is.

    A call of a kernel would not be in the record, and its result there a constant.
    """
    if torch._C._len_torch_dispatch_stack():
        for mode in _get_current_dispatch_mode_stack():
            if getattr(mode, "traces_mods", False):
                return "the trace of a mod"
    modes = torch._C._TorchDispatchModeKey
    if torch._C._get_dispatch_mode(modes.FAKE) is not None:
        return "FakeTensorMode"
    if torch._C._get_dispatch_mode(modes.PROXY) is not None:
        return "make_fx"
    if torch._C._get_tracing_state() is not None:
        return "torch.jit.trace"
    transform = peek_interpreter_stack()
    differentiates = transform is not None and transform.key() in (
        TransformType.Grad,
        TransformType.Jvp,
    )
    return "torch.func.grad or jvp" if differentiates else None


def recorded_by(name: str) -> LayoutError:
    """What to raise where this records torch's operations."""
    return LayoutError(
        "a call needs tensors with memory and leaves nothing in a record of torch's operations",
        expected=f"a call outside of {name}",
        got=name,
    )


def has_tangent(tensor: torch.Tensor) -> bool:
    """Whether a derivative is carried along with it, inside `forward_ad.dual_level`."""
    if forward_ad._current_level < 0:
        return False
    return forward_ad.unpack_dual(tensor).tangent is not None  # type: ignore[no-untyped-call]
