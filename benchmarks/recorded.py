"""Peers that cannot run beside pyflex in one process: their times as once recorded.

Measured on one NVIDIA H200 with torch 2.11.0, by the method of `pyflex.timing`: FlashAttention-3
as vLLM builds it, and the best of FlashInfer 0.6.18's four ways. Another run differs in its clock,
so that only the share of the floor of their own run is comparable.
"""

from __future__ import annotations

#: (floor, FlashAttention-3, FlashInfer) in microseconds; None where it does not serve the mod.
RECORDED: dict[str, tuple[float, float | None, float | None]] = {
    "b1_8k": (12.0, 21.8, 22.0),
    "b1_128k": (119.0, 138.8, 131.9),
    "b16_8k": (119.0, 132.0, 131.1),
    "b64_8k_g8": (460.8, 481.4, 477.5),
    "b8_32k_mha": (914.1, 951.9, 936.7),
    "b16_8k_g7": (62.6, 76.0, 73.9),
    "b16_8k_g5": (119.0, 132.0, 131.6),
    "b16_8k_mq4": (119.2, 131.7, 135.4),
    "b16_32k_window1k": (19.3, 30.2, None),
    "b16_32k_softcap": (460.3, 486.9, None),
    "b16_32k_d64": (233.2, 244.6, None),
    "b16_8k_d256": (233.2, 249.3, None),
    "b64_512": (33.3, 48.6, 45.3),
    "b1_512": (4.8, 16.5, 12.7),
}


def recorded_share(workload: str) -> float | None:
    """The best recorded share of the floor, 0.9 for 90%."""
    if workload not in RECORDED:
        return None
    floor, *times = RECORDED[workload]
    return max(floor / us for us in times if us is not None)
