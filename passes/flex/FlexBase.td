//===- FlexBase.td - Types of the flex dialect ----------------------------===//

#ifndef PYFLEX_FLEX_BASE
#define PYFLEX_FLEX_BASE

include "tt/TritonBase.td"
include "mlir/IR/AttrTypeBase.td"

def Flex_Dialect : Dialect {
  let name = "flex";
  let cppNamespace = "::mlir::flex";
  let summary = "Decode attention: one or a few queries against a long KV cache.";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tt::TTDialect"];
  let useDefaultTypePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Flex_View : TypeDef<Flex_Dialect, "View"> {
  let mnemonic = "view";
  let summary = "A strided tensor in memory, [batch, head, row] or [batch, head, row, column].";
  let parameters = (ins "int64_t":$rank, "::mlir::Type":$elementType);
  let assemblyFormat = "`<` $rank `x` $elementType `>`";
  let genVerifyDecl = 1;
}

def Flex_PerBatch : TypeDef<Flex_Dialect, "PerBatch"> {
  let mnemonic = "per_batch";
  let summary = "An i32 that may differ from one batch entry to the next.";
}

def Flex_BlockTable : TypeDef<Flex_Dialect, "BlockTable"> {
  let mnemonic = "block_table";
  let summary = "For each batch entry, head and block of queries, a list of KV blocks.";
}

def Flex_Blocks : TypeDef<Flex_Dialect, "Blocks"> {
  let mnemonic = "blocks";
  let summary = "A sequence of KV positions that a loop visits tile by tile.";
}

class Flex_PointerTo<Type element, string builder>
    : Type<CPred<"$_self == ::mlir::tt::PointerType::get(" # builder # ")">,
           "pointer to " # element.summary, "::mlir::tt::PointerType">,
      BuildableType<"::mlir::tt::PointerType::get(" # !subst("$_self.getContext()", "$_builder.getContext()", builder) # ")">;
def Flex_I32Pointer : Flex_PointerTo<I32, "::mlir::IntegerType::get($_self.getContext(), 32)">;
def Flex_I64Pointer : Flex_PointerTo<I64, "::mlir::IntegerType::get($_self.getContext(), 64)">;
def Flex_F32Pointer : Flex_PointerTo<F32, "::mlir::Float32Type::get($_self.getContext())">;

/// The dimensions of columns and scores are powers of two, as Triton wants them.
class Flex_PowerOfTwo<Type tensor>
    : Type<And<[tensor.predicate, CPred<"::mlir::flex::hasTileShape($_self)">]>,
           tensor.summary # " whose sizes are powers of two", "::mlir::RankedTensorType">;
def Flex_F32Column : Flex_PowerOfTwo<1DTensorOf<[F32]>>;
def Flex_I32Column : Flex_PowerOfTwo<1DTensorOf<[I32]>>;
def Flex_I1Column : Flex_PowerOfTwo<1DTensorOf<[I1]>>;
def Flex_ScoreTile : Flex_PowerOfTwo<2DTensorOf<[F32]>>;

/// Lines of a tensor in memory: flex/Width.h says how wide they are.
class Flex_Lines<Type tensor>
    : Type<And<[tensor.predicate, CPred<"::mlir::flex::hasLineShape($_self)">]>,
           tensor.summary # " of a power of two of lines, each as wide as one or two powers of two from 16 on",
           "::mlir::RankedTensorType">;
def Flex_Tile : Flex_Lines<2DTensorOf<[F16, BF16, F32]>>;
def Flex_ResultTile : Flex_Lines<2DTensorOf<[F32]>>;

#endif // PYFLEX_FLEX_BASE
