"""Tracing: a torch function of 0-d tensors in, one scalar `tt.func` out."""

from pyflex.trace.guards import Guards
from pyflex.trace.program import CaptureParameter, HostCheck, TracedMod
from pyflex.trace.tracer import trace_mask_mod, trace_score_mod

__all__ = [
    "CaptureParameter",
    "Guards",
    "HostCheck",
    "TracedMod",
    "trace_mask_mod",
    "trace_score_mod",
]
