#!/usr/bin/env bash
# Writes the documentation of the dialects and passes: docs.sh OUTPUT_FOLDER.
# <dialect>.md comes from passes/<dialect>/*Ops.td, <folder>-passes.md from
# passes/<folder>/Passes.td, passes.md from passes/Passes.td.
set -euo pipefail
mkdir -p "$1"
out=$(realpath "$1")
cd "$(dirname "$0")/.."
llvm=/usr/lib/llvm-$(<tools/llvm_version.txt)

tblgen() {
  "$llvm/bin/mlir-tblgen" -I"$llvm/include" -Ipasses "$@"
}

rm -f "$out"/*.md
find passes -name '*Ops.td' | sort | while read -r td; do
  dialect=$(basename "$(dirname "$td")")
  tblgen -gen-dialect-doc --dialect="$dialect" "$td" -o "$out/$dialect.md"
done
find passes -name Passes.td | sort | while read -r td; do
  folder=$(dirname "${td#passes/}")
  name=${folder#.}
  tblgen -gen-pass-doc "$td" -o "$out/${name:+$name-}passes.md"
done
sed -i '/^\[TOC\]$/,+1d' "$out"/*.md  # a marker that only MLIR's site understands
