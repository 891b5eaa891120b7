"""Pictures of masks: the kinds of blocks, as text, and as PNG."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch

import pyflex
from pyflex import BlockKind, MaskPicture, errors, visualize
from tests.masks import GYM, whole
from tests.mods import Sizes, causal, window

SMALL = """\
64 queries x 64 keys, blocks of 16 x 16
b 0, h 0 0     64
       0 ▒▒······
      16 ▒▒▒▒····
      32 ▒▒▒▒▒▒··
      48 ··▒▒▒▒▒▒
· none 7  ▒ some 9  █ all 0  (31.7% of the scores are visible)"""
LINES = """\
2 queries x 40 keys, blocks of 2 x 8
         0       40
b 0, h 1 ▒▒▒▒······
b 0, h 2 ██▒▒······
b 1, h 1 ······▒▒▒▒
b 1, h 2 ····▒▒██▒▒
· none 11  ▒ some 7  █ all 2  (44.9% of the scores are visible)"""


def sizes_for(seed: int, positions: int) -> Sizes:
    generator = torch.Generator().manual_seed(seed)
    return Sizes(2, 3, positions, torch.device("cpu"), generator)


def by_definition(mask: Any, b: int, h: int, queries: range, keys: int, blocks: Any) -> Any:
    """The kinds of blocks, from the whole mask."""
    q = torch.arange(queries.start, queries.stop)[:, None]
    seen = mask(torch.tensor(b), torch.tensor(h), q, torch.arange(keys)).expand(len(queries), keys)
    return torch.tensor(
        [
            [int(part.any()) + int(part.all()) for part in row.split(blocks[1], 1)]
            for row in seen.split(blocks[0], 0)
        ]
    )


@pytest.mark.parametrize("name", GYM)
def test_kinds_are_those_of_the_whole_mask(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = sizes_for(seed, 120)
    q_len, keys = whole(sizes, 1, 60), whole(sizes, 1, 120)
    blocks, offset = (whole(sizes, 1, 20), whole(sizes, 1, 50)), whole(sizes, 0, 60)
    mask = GYM[name](sizes)
    for most_scores, most_keys in ((1 << 21, 1 << 16), (150, 16)):
        monkeypatch.setitem(visualize.__globals__, "_MOST_SCORES", most_scores)
        monkeypatch.setitem(visualize.__globals__, "_MOST_KEYS", most_keys)
        picture = visualize(
            mask.fn, q_len, keys, b=range(2), h=range(3), q_offset=offset, block_size=blocks
        )
        assert [(panel.b, panel.h) for panel in picture.panels] == [
            (b, h) for b in range(2) for h in range(3)
        ]
        for panel in picture.panels:
            queries = range(offset, offset + q_len)
            wanted = by_definition(mask.fn, panel.b, panel.h, queries, keys, blocks)
            assert torch.equal(panel.kinds.long(), wanted), mask


def test_printed() -> None:
    assert visualize(window(25), 64, 64, block_size=16).text(80) == SMALL


def test_offsets_and_lengths_of_batch_entries() -> None:
    sizes = torch.tensor([0, 9, 17])
    lengths, offsets = torch.tensor([14, 40]), torch.tensor([12, 38], dtype=torch.int32)

    def mask(b: Any, h: Any, q: Any, kv: Any) -> Any:
        return (kv <= q) & (q - kv < sizes[h])

    picture = visualize(mask, 2, lengths, b=(0, 1), h=(1, 2), q_offset=offsets, block_size=(2, 8))
    assert picture.text(80) == LINES
    assert [panel.kv_len for panel in picture.panels] == [14, 14, 40, 40]
    given = {"b": (0, 1), "h": 2, "block_size": (2, 8)}
    single = visualize(mask, 2, torch.tensor(40), q_offset=torch.tensor(38), **given)
    assert single.text(80) == visualize(mask, 2, 40, q_offset=38, **given).text(80)


FAR, TENTH = torch.tensor(2**40), torch.tensor(0.1, dtype=torch.float64)


@pytest.mark.parametrize(
    ("mask", "hidden"),
    [
        (lambda b, h, q, kv: kv - q < FAR, lambda kv: kv < 0),
        (lambda b, h, q, kv: (kv * 0.1 - TENTH) * 7 != kv, lambda kv: kv < 0),
        (lambda b, h, q, kv: torch.where(kv > 7, FAR, q) < 9, lambda kv: kv > 7),
        (lambda b, h, q, kv: kv.clamp(min=FAR) > q + FAR - 2, lambda kv: kv < 0),
        (lambda b, h, q, kv: q < FAR + b, lambda kv: kv < 0),
        (lambda b, h, q, kv: kv - q.long() * 2**33 < 5 - FAR, lambda kv: kv >= 0),
    ],
    ids=["comparison", "float64", "where", "clamp", "query", "both"],
)
def test_numbers_wider_than_an_index(mask: Any, hidden: Any) -> None:
    """As in a call, an operand without dimensions widens one of a narrower dtype."""
    picture = visualize(mask, 1, 300, q_offset=1, block_size=1)
    wanted = hidden(torch.arange(300)).logical_not()
    assert torch.equal(picture.panels[0].kinds[0] == BlockKind.ALL, wanted)
    keys, values = torch.zeros(1, 1, 300, 16), torch.eye(300)[None, None, :, :256]
    weights = pyflex.compile(mask_fn=mask)(torch.zeros(1, 1, 1, 16), keys, values, q_offset=1)
    assert torch.allclose(weights[0, 0, 0] * wanted.sum(), wanted[:256].float())


def test_narrow_terminal_and_long_sequence_share_signs() -> None:
    picture = visualize(causal, 4096, 4096, block_size=16)
    assert [picture.count(kind) for kind in BlockKind] == [255 * 128, 256, 255 * 128]
    for width in (20, 40, 77, 1000):
        lines = picture.text(width).splitlines()
        assert all(len(line) <= max(width, 64) for line in lines[2:-1])
        assert len(lines) <= 44
        drawn = [line.split(maxsplit=1)[1] for line in lines[2:-1]]
        assert [row.count("▒") for row in drawn] != [0] * len(drawn)
        assert len({len(row) for row in drawn}) == 1


def test_a_million_keys() -> None:
    picture = visualize(window(4096), 1, 1_000_000, q_offset=999_999, block_size=(1, 128))
    assert [picture.count(kind) for kind in BlockKind] == [7780, 1, 32]
    assert picture.density == 4096 / 1_000_000


def decoded(image: bytes) -> tuple[list[bytes], bytes]:
    """The lines of palette indices of a PNG file, and the palette."""
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(image):
        (length,) = struct.unpack_from(">I", image, at)
        name, data = image[at + 4 : at + 8], image[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", image, at + 8 + length)
        assert crc == zlib.crc32(name + data)
        chunks[name], at = data, at + 12 + length
    assert list(chunks) == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    columns, rows, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind == [8, 3, 0, 0, 0]
    raw = zlib.decompress(chunks[b"IDAT"])
    lines = [raw[start : start + columns + 1] for start in range(0, len(raw), columns + 1)]
    assert len(lines) == rows
    assert all(line[0] == 0 for line in lines)
    return [line[1:] for line in lines], chunks[b"PLTE"]


def test_png(tmp_path: Path) -> None:
    file = tmp_path / "mask.png"
    picture = visualize(window(25), 64, 80, h=(0, 1), block_size=16, path=file)
    image = file.read_bytes()
    assert image == picture.png() == picture._repr_png_()
    lines, palette = decoded(image)
    assert max(max(line) for line in lines) < len(palette) // 3
    side = len(lines[0]) // 5
    top = 0
    for panel in picture.panels:
        for row in range(4):
            middle = lines[top + row * side + side // 2 - 1]
            seen = [middle[column * side + side // 2 - 1] for column in range(5)]
            assert seen == panel.kinds[row].tolist()
        top = len(lines) - 4 * side


def test_png_of_many_blocks() -> None:
    lines, _ = decoded(visualize(causal, 1, 5000, q_offset=2500, block_size=1).png())
    assert [len(line) for line in lines] == [5000]
    assert lines[0].count(BlockKind.ALL) == 2501


def test_bool_result_and_device() -> None:
    everything = visualize(lambda b, h, q, kv: True, 3, 5, device="cpu")
    assert everything.panels[0].kinds.tolist() == [[BlockKind.ALL]]
    assert isinstance(everything, MaskPicture)
    assert str(everything).startswith("3 queries x 5 keys")


TABLE = torch.zeros(10, dtype=torch.bool)
NAN_LENGTHS = torch.ones(2)

MISTAKES: list[tuple[str, type[errors.PyflexError], dict[str, Any], tuple[str, ...]]] = [
    ("no function", errors.ModArityError, {"mask_fn": 3}, ("callable", "int")),
    ("arity", errors.ModArityError, {"mask_fn": lambda q, kv: q >= kv}, ("4 arguments",)),
    ("result", errors.ModResultError, {"mask_fn": lambda b, h, q, kv: q - kv}, ("bool", "int32")),
    ("control flow", errors.DataDependentControlFlowError,
     {"mask_fn": lambda b, h, q, kv: q > 3 and kv > 3}, ("bool",)),
    ("table over keys", errors.CaptureIndexError,
     {"mask_fn": lambda b, h, q, kv: TABLE[kv]}, ("at least 64", "got: 10")),
    ("table over queries", errors.CaptureIndexError,
     {"mask_fn": lambda b, h, q, kv: TABLE[q]}, ("out of bounds", "q_idx 0 to 63")),
    ("no queries", errors.ShapeError, {"q_len": 0}, ("q_len", "got: 0")),
    ("no keys", errors.ShapeError, {"kv_len": 0}, ("kv_len", "got: 0")),
    ("queries no int", errors.DTypeError, {"q_len": 1.5}, ("q_len", "float")),
    ("float lengths", errors.DTypeError, {"kv_len": NAN_LENGTHS}, ("kv_len", "torch.float32")),
    ("too few offsets", errors.ShapeError, {"q_offset": torch.tensor([1]), "b": (0, 1)},
     ("q_offset", "at least 2 values", "shape [1]")),
    ("far queries", errors.ShapeError, {"q_offset": 2**31 - 60}, ("q_offset + q_len",)),
    ("negative head", errors.ShapeError, {"h": -1}, ("h is out of range", "got: -1")),
    ("no index", errors.DTypeError, {"b": None}, ("b is no index", "NoneType")),
    ("no device", errors.DeviceError, {"device": "foo"}, ("no such device", "foo")),
    ("device without memory", errors.DeviceError, {"device": "meta"}, ("meta",)),
    ("path", errors.DTypeError, {"path": [3]}, ("path", "list")),
    ("no entries", errors.ShapeError, {"b": ()}, ("b lists nothing",)),
    ("block size", errors.ShapeError, {"block_size": 0}, ("block_size", "got: 0")),
    ("block sizes", errors.ShapeError, {"block_size": (1, 2, 3)}, ("two of them", "(1, 2, 3)")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "changes", "said"), [m[1:] for m in MISTAKES],
                         ids=[m[0] for m in MISTAKES])  # fmt: skip
def test_mistakes(
    kind: type[errors.PyflexError], changes: dict[str, Any], said: tuple[str, ...]
) -> None:
    arguments = {"mask_fn": causal, "q_len": 64, "kv_len": 64, **changes}
    with pytest.raises(kind) as raised:
        pyflex.visualize(**arguments)
    for part in said:
        assert part in str(raised.value)
