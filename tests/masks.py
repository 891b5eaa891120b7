"""The masks that people use, for tests of what a kernel may leave out.

Each one is drawn at random for given sizes and written as a plain torch function of whole numbers,
so that pyflex traces what eager torch runs on tensors that broadcast. No mask reads past its
captured tensors for b < batch, h < heads, kv_idx < positions, and q_idx in [0, positions) or, where
`any_query` says so, any int32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from tests.mods import Mod, Sizes


@dataclass(frozen=True)
class Mask:
    """A mask_mod, the parameters that it was drawn with, and which indices it depends on.

    The indices may be left out, as in torch's create_block_mask, unless `by_batch` or `by_head`.
    """

    name: str
    fn: Mod
    parameters: str = ""
    by_batch: bool = False
    by_head: bool = False
    any_query: bool = False

    def __str__(self) -> str:
        return f"{self.name}({self.parameters})"


def whole(sizes: Sizes, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included; `low` where there is none between."""
    return int(torch.randint(low, max(high, low) + 1, (), generator=sizes.generator))


def spread(sizes: Sizes, low: int, high: int) -> int:
    """As `whole`, with small numbers as likely as large ones."""
    return min(max(low, whole(sizes, low, low + (1 << whole(sizes, 0, high.bit_length())))), high)


def causal(sizes: Sizes) -> Mask:
    """Every key up to the query."""
    return Mask("causal", lambda b, h, q, kv: kv <= q, any_query=True)


def sliding_window(sizes: Sizes) -> Mask:
    """The last `size` keys."""
    size = spread(sizes, 1, sizes.positions)
    return Mask(
        "sliding_window",
        lambda b, h, q, kv: (kv <= q) & (q - kv < size),
        f"size={size}",
        any_query=True,
    )


def dilated_sliding_window(sizes: Sizes) -> Mask:
    """Every `step`-th of the last `size` keys."""
    size, step = spread(sizes, 1, sizes.positions), whole(sizes, 2, 9)
    return Mask(
        "dilated_sliding_window",
        lambda b, h, q, kv: (kv <= q) & (q - kv < size) & ((q - kv) % step == 0),
        f"size={size}, step={step}",
        any_query=True,
    )


def global_sliding_window(sizes: Sizes) -> Mask:
    """The first tokens, which every query sees and which see every key, and the last `size` keys.

    As in StreamingLLM where the query is later than the first tokens.
    """
    first, size = whole(sizes, 1, 20), spread(sizes, 1, sizes.positions // 2)
    return Mask(
        "global_sliding_window",
        lambda b, h, q, kv: (kv < first) | (q < first) | ((kv <= q) & (q - kv < size)),
        f"first={first}, size={size}",
        any_query=True,
    )


def prefix_lm(sizes: Sizes) -> Mask:
    """A prompt that is seen as a whole, of another length in each batch entry, then causal."""
    prefix = sizes.integers(0, sizes.positions + 1, sizes.batch)
    return Mask(
        "prefix_lm",
        lambda b, h, q, kv: (kv < prefix[b]) | (kv <= q),
        f"prefix={prefix.tolist()}",
        by_batch=True,
        any_query=True,
    )


def _document_starts(sizes: Sizes, count: int) -> torch.Tensor:
    """Where `count` documents that lie behind one another start; the first at 0."""
    starts = sizes.integers(0, sizes.positions, count).sort().values
    starts[0] = 0
    return starts


def _documents(sizes: Sizes, starts: torch.Tensor) -> torch.Tensor:
    """The document of each position."""
    positions = torch.arange(sizes.positions, dtype=torch.int32, device=sizes.device)
    return (torch.searchsorted(starts, positions, right=True) - 1).to(torch.int32)


def document(sizes: Sizes) -> Mask:
    """The keys of the query's document."""
    starts = _document_starts(sizes, whole(sizes, 1, 9))
    documents = _documents(sizes, starts)
    return Mask(
        "document",
        lambda b, h, q, kv: documents[q] == documents[kv],
        f"starts={starts.tolist()}",
    )


def packed_causal_document(sizes: Sizes) -> Mask:
    """The keys of the query's document up to the query."""
    starts = _document_starts(sizes, whole(sizes, 1, 9))
    documents = _documents(sizes, starts)
    return Mask(
        "packed_causal_document",
        lambda b, h, q, kv: (documents[q] == documents[kv]) & (kv <= q),
        f"starts={starts.tolist()}",
    )


def shared_prefix(sizes: Sizes) -> Mask:
    """Several answers to each of some prompts, packed: causal within one, and its whole prompt."""
    starts = _document_starts(sizes, whole(sizes, 2, 9))
    documents = _documents(sizes, starts)
    ends = torch.cat([starts[1:], starts.new_tensor([sizes.positions])])
    every = whole(sizes, 2, 4)  # a prompt and its answers
    prompts = torch.arange(len(starts), device=sizes.device) // every * every

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        own = documents[q]
        prompt = prompts[own]
        within = (kv >= starts[own]) & (kv <= q)
        return within | ((prompt != own) & (kv >= starts[prompt]) & (kv < ends[prompt]))

    return Mask("shared_prefix", mask, f"starts={starts.tolist()}, every={every}")


def tree_causal(sizes: Sizes) -> Mask:
    """Speculative decoding: a context, and behind it a tree of drafts that see their ancestors."""
    nodes = whole(sizes, 1, 40)
    parents = [-1, *(whole(sizes, 0, node - 1) for node in range(1, nodes))]
    ancestors = torch.eye(nodes, dtype=torch.bool)
    for node in range(1, nodes):
        ancestors[node] |= ancestors[parents[node]]
    ancestors = ancestors.to(sizes.device)
    context = sizes.integers(0, max(sizes.positions - nodes, 0) + 1, sizes.batch)

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        query, key = q - context[b], kv - context[b]
        drafted = ancestors[query.clamp(0, nodes - 1), key.clamp(0, nodes - 1)]
        return (key < 0) | ((key < nodes) & drafted)

    parameters = f"context={context.tolist()}, parents={parents}"
    return Mask("tree_causal", mask, parameters, by_batch=True)


def block_causal(sizes: Sizes) -> Mask:
    """Block diffusion as it generates: every key up to the end of the query's block."""
    block = whole(sizes, 2, 40)
    return Mask("block_causal", lambda b, h, q, kv: kv // block <= q // block, f"block={block}")


def block_diffusion(sizes: Sizes) -> Mask:
    """Block diffusion as it is trained: noised tokens, and behind them as many clean ones.

    Noised tokens see their own block and the clean blocks before it; clean ones are block causal.
    """
    length, block = max(sizes.positions // 2, 1), whole(sizes, 2, 40)

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        query_is_clean, key_is_clean = q >= length, kv >= length
        query, key = q % length // block, kv % length // block
        clean = key_is_clean & ((key < query) | (query_is_clean & (key == query)))
        return clean | (~query_is_clean & ~key_is_clean & (query == key))

    return Mask("block_diffusion", mask, f"length={length}, block={block}")


def _near(x: Any, y: Any, width: int, height: int, reach: tuple[int, int]) -> Any:
    """Whether two points (x[0], y[0]) and (x[1], y[1]) are neighbours.

    The neighbourhood of a point at the canvas's edge is moved inside.
    """
    centre_x = x[0].clamp(reach[0], max(width - 1 - reach[0], reach[0]))
    centre_y = y[0].clamp(reach[1], max(height - 1 - reach[1], reach[1]))
    return ((centre_x - x[1]).abs() <= reach[0]) & ((centre_y - y[1]).abs() <= reach[1])


def natten(sizes: Sizes) -> Mask:
    """The neighbourhood of a point of a picture, whose rows lie behind one another."""
    width = whole(sizes, 2, 40)
    height = -(-sizes.positions // width)
    reach = (whole(sizes, 0, 5), whole(sizes, 0, 5))
    return Mask(
        "natten",
        lambda b, h, q, kv: _near(
            (q % width, kv % width), (q // width, kv // width), width, height, reach
        ),
        f"width={width}, height={height}, reach={reach}",
    )


def _every_second_bit(code: Any) -> Any:
    code = code & 0x55555555
    for shift, kept in ((1, 0x33333333), (2, 0x0F0F0F0F), (4, 0x00FF00FF), (8, 0x0000FFFF)):
        code = (code | (code >> shift)) & kept
    return code


def morton(sizes: Sizes) -> Mask:
    """As `natten`, the points in the order of a curve that interleaves the bits of x and y."""
    side = 1 << -(-(sizes.positions - 1).bit_length() // 2)
    reach = (whole(sizes, 0, 5), whole(sizes, 0, 5))
    return Mask(
        "morton",
        lambda b, h, q, kv: _near(
            (_every_second_bit(q), _every_second_bit(kv)),
            (_every_second_bit(q >> 1), _every_second_bit(kv >> 1)),
            side,
            side,
            reach,
        ),
        f"side={side}, reach={reach}",
    )


def tiled_window(sizes: Sizes) -> Mask:
    """Sliding tiles: a picture cut in tiles, stored one by one, that see their neighbours."""
    tile, across = whole(sizes, 2, 32), whole(sizes, 1, 6)
    down = -(-sizes.positions // (tile * across))
    reach = (whole(sizes, 0, 2), whole(sizes, 0, 2))

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        query, key = q // tile, kv // tile
        x, y = (query % across, key % across), (query // across, key // across)
        return _near(x, y, across, down, reach)

    return Mask("tiled_window", mask, f"tile={tile}, across={across}, reach={reach}")


def vision_cross_attention(sizes: Sizes) -> Mask:
    """Text that sees the patches of the images since the last text, images lying in the cache."""
    patches = whole(sizes, 1, 40)
    images = -(-sizes.positions // patches)
    last = sizes.integers(-1, images, sizes.batch, sizes.positions).sort(dim=1).values
    first = last - sizes.integers(0, 2, sizes.batch, sizes.positions)

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        image = kv // patches
        return (image >= first[b, q]) & (image <= last[b, q])

    return Mask("vision_cross_attention", mask, f"patches={patches}", by_batch=True)


def head_windows(sizes: Sizes) -> Mask:
    """Windows of another size in each head, some of them empty and some without an end."""
    size = sizes.integers(0, sizes.positions, sizes.heads)
    return Mask(
        "head_windows",
        lambda b, h, q, kv: (kv <= q) & (q - kv < size[h]),
        f"size={size.tolist()}",
        by_head=True,
        any_query=True,
    )


GYM: dict[str, Callable[[Sizes], Mask]] = {
    draw.__name__: draw
    for draw in (
        causal,
        sliding_window,
        dilated_sliding_window,
        global_sliding_window,
        prefix_lm,
        document,
        packed_causal_document,
        shared_prefix,
        tree_causal,
        block_causal,
        block_diffusion,
        natten,
        morton,
        tiled_window,
        vision_cross_attention,
        head_windows,
    )
}
