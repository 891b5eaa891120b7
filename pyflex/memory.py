"""Which tensors have memory that a kernel can be pointed at."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch._C._functorch import is_functorch_wrapped_tensor

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
    modes = torch._C._TorchDispatchModeKey
    if torch._C._get_dispatch_mode(modes.FAKE) is not None:
        return "FakeTensorMode"
    if torch._C._get_dispatch_mode(modes.PROXY) is not None:
        return "make_fx"
    return None if torch._C._get_tracing_state() is None else "torch.jit.trace"
