//===- Triton.h - The mirrored part of Triton's dialect ---------*- C++ -*-===//

#ifndef PYFLEX_TT_TRITON_H
#define PYFLEX_TT_TRITON_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "tt/TritonDialect.h.inc"
#include "tt/TritonEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "tt/TritonTypes.h.inc"

namespace mlir::tt {

/// Bytes that a thread has to load at a time for Triton's pipeliner to ask for
/// them some tiles ahead.
inline constexpr int64_t kLeastAhead = 4;

/// f32 for !tt.ptr<f32>, tensor<4xf32> for tensor<4x!tt.ptr<f32>>.
Type pointeeTypeOf(Type pointerLike);

/// i1 for !tt.ptr<f32>, tensor<4xi1> for tensor<4x!tt.ptr<f32>>.
Type maskTypeOf(Type pointerLike);

} // namespace mlir::tt

#define GET_OP_CLASSES
#include "tt/TritonOps.h.inc"

#endif // PYFLEX_TT_TRITON_H
