"""Parses, verifies and prints each `*.mlir` of a folder with the Triton of this process.

For `case.mlir` it writes `case.printed`, Triton's own text, and `case.ops`, the ops it saw.
Triton may end the process on text that it cannot read, so each name is printed before.
"""

import sys
from pathlib import Path

from triton._C.libtriton import amd, ir, nvidia


def main(folder: Path) -> None:
    context = ir.context()
    ir.load_dialects(context)
    nvidia.load_dialects(context)
    amd.load_dialects(context)
    for path in sorted(folder.glob("*.mlir")):
        print(path.stem, flush=True)
        module = ir.parse_mlir_module(str(path), context)
        if not module.verify():
            sys.exit("does not verify")
        ops: list[str] = []
        module.walk(lambda op, ops=ops: ops.append(op.get_name()))
        path.with_suffix(".ops").write_text("\n".join(ops))
        path.with_suffix(".printed").write_text(module.str_nodebug())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
