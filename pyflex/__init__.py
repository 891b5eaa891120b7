"""pyflex: a compiler for decode attention.

Torch functions in (a score_mod and a mask_mod, FlexAttention's contract), one decode-attention
kernel out, for GPUs through Triton and for any CPU.
"""

from pyflex import errors
from pyflex.decode import Decode, compile
from pyflex.errors import PyflexError
from pyflex.explanation import Explanation
from pyflex.flex_attention import flex_attention
from pyflex.options import OPTIMISATIONS, Options
from pyflex.picture import BlockKind, MaskPicture
from pyflex.tune import Trial, Tuned, tune
from pyflex.visualize import visualize

__version__ = "0.1.0"

__all__ = [
    "OPTIMISATIONS",
    "BlockKind",
    "Decode",
    "Explanation",
    "MaskPicture",
    "Options",
    "PyflexError",
    "Trial",
    "Tuned",
    "compile",
    "errors",
    "flex_attention",
    "tune",
    "visualize",
]
