"""Every op that has a lowering of its own; importing this package fills the table."""

from pyflex.trace.lowering import LOWERINGS
from pyflex.trace.lowerings import activation, arithmetic, division, logic, power, rounding, shape
from pyflex.trace.lowerings import math as math_ops

__all__ = [
    "LOWERINGS",
    "activation",
    "arithmetic",
    "division",
    "logic",
    "math_ops",
    "power",
    "rounding",
    "shape",
]
