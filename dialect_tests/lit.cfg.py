"""Configures lit for the tests of the dialects and passes: `lit dialect_tests`.

`config` and `lit_config` are names that lit defines before it runs this file.
"""

import os
import sys
from pathlib import Path

import lit.formats

root = Path(__file__).resolve().parent.parent
llvm_version = (root / "tools" / "llvm_version.txt").read_text().strip()
llvm_tools = Path(f"/usr/lib/llvm-{llvm_version}/bin")  # FileCheck, not, split-file
pyflex_tools = root / "build" / "bin"

for tool in (llvm_tools / "FileCheck", pyflex_tools / "pyflex-opt"):
    if not tool.exists():
        lit_config.fatal(f"{tool} does not exist; run `make build`")

config.name = "pyflex"
config.suffixes = [".mlir"]
config.test_format = lit.formats.ShTest(execute_external=False)
config.test_source_root = str(root / "dialect_tests")
config.test_exec_root = str(root / "build" / "dialect_tests")
config.environment["PATH"] = os.pathsep.join(
    [str(pyflex_tools), str(llvm_tools), os.environ["PATH"]]
)
# The passes over Triton's IR, which are Python's.
config.environment["PYTHONPATH"] = str(root)
config.substitutions.append(("%ttg-opt", f"{sys.executable} -m pyflex.ttg"))
# A name bound in one function's checks is unbound in the next.
config.environment["FILECHECK_OPTS"] = "--enable-var-scope"
