//===- TritonBase.td - Types and enumerations of the tt mirror -------------===//

#ifndef PYFLEX_TT_BASE
#define PYFLEX_TT_BASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def TT_Dialect : Dialect {
  let name = "tt";
  let cppNamespace = "::mlir::tt";
  let summary = "The part of Triton's dialect that pyflex emits.";
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def TT_PtrType : TypeDef<TT_Dialect, "Pointer"> {
  let mnemonic = "ptr";
  let summary = "A pointer to a scalar in an address space (1: global).";
  let parameters = (ins "::mlir::Type":$pointeeType,
                        DefaultValuedParameter<"int", "1">:$addressSpace);
  let builders = [TypeBuilderWithInferredContext<
    (ins "::mlir::Type":$pointeeType), [{
      return $_get(pointeeType.getContext(), pointeeType, 1);
    }]>];
  let assemblyFormat = "`<` $pointeeType (`,` $addressSpace^)? `>`";
  let genVerifyDecl = 1;
}

def TT_Float : AnyTypeOf<[F16, BF16, F32, F64], "floating-point">;
def TT_Int : AnyTypeOf<[I1, I8, I16, I32, I64], "integer">;
def TT_Scalar : AnyTypeOf<[TT_Float, TT_Int, TT_PtrType]>;
def TT_Tensor : StaticShapeTensorOf<[TT_Float, TT_Int, TT_PtrType]>;
def TT_Any : AnyTypeOf<[TT_Scalar, TT_Tensor]>;
def TT_FloatTensor : StaticShapeTensorOf<[TT_Float]>;
def TT_PtrLike
    : AnyTypeOf<[TT_PtrType, StaticShapeTensorOf<[TT_PtrType]>], "pointer or tensor of pointers">;
def TT_IntLike : AnyTypeOf<[TT_Int, StaticShapeTensorOf<[TT_Int]>], "integer or tensor of integers">;
def TT_BoolLike : AnyTypeOf<[I1, StaticShapeTensorOf<[I1]>], "i1 or tensor of i1">;

//===----------------------------------------------------------------------===//
// Enumerations; the numbers are Triton's
//===----------------------------------------------------------------------===//

class TT_I32Enum<string name, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, "", cases> {
  let cppNamespace = "::mlir::tt";
}

def TT_ProgramDim : TT_I32Enum<"ProgramIDDim", [
  I32EnumAttrCase<"X", 0, "x">, I32EnumAttrCase<"Y", 1, "y">,
  I32EnumAttrCase<"Z", 2, "z">]>;
def TT_CacheModifier : TT_I32Enum<"CacheModifier", [
  I32EnumAttrCase<"NONE", 1, "none">, I32EnumAttrCase<"CA", 2, "ca">,
  I32EnumAttrCase<"CG", 3, "cg">, I32EnumAttrCase<"WB", 4, "wb">,
  I32EnumAttrCase<"CS", 5, "cs">, I32EnumAttrCase<"WT", 6, "wt">,
  I32EnumAttrCase<"CV", 7, "cv">]>;
def TT_EvictionPolicy : TT_I32Enum<"EvictionPolicy", [
  I32EnumAttrCase<"NORMAL", 1, "evict_normal">,
  I32EnumAttrCase<"EVICT_FIRST", 2, "evict_first">,
  I32EnumAttrCase<"EVICT_LAST", 3, "evict_last">]>;
def TT_PaddingOption : TT_I32Enum<"PaddingOption", [
  I32EnumAttrCase<"PAD_ZERO", 1, "zero">, I32EnumAttrCase<"PAD_NAN", 2, "nan">]>;
def TT_InputPrecision : TT_I32Enum<"InputPrecision", [
  I32EnumAttrCase<"TF32", 0, "tf32">, I32EnumAttrCase<"TF32x3", 1, "tf32x3">,
  I32EnumAttrCase<"IEEE", 2, "ieee">]>;

#endif // PYFLEX_TT_BASE
