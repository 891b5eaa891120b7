//===- TritonToLinalg.h - Shared by the parts of the lowering ---*- C++ -*-===//

#ifndef PYFLEX_CPU_TRITONTOLINALG_H
#define PYFLEX_CPU_TRITONTOLINALG_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Transforms/DialectConversion.h"

namespace mlir::cpu {

/// Gives the scalar (or none) that one element of a tile gets.
using TileBody =
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange inputs)>;

/// A linalg.generic over the shape of `space`, element by element. `maps` has
/// one map for each of the first inputs; the others are tiles of that shape or
/// scalars. With a result, the result's type is `space`; without, the body runs
/// for its effects and must use a scalar input that is no constant: MLIR takes
/// a generic whose operands were all folded for one without dimensions.
Value buildTile(OpBuilder &builder, Location loc, RankedTensorType space,
                ValueRange inputs, ArrayRef<AffineMap> maps, bool hasResult,
                TileBody body);

/// Patterns for addptr, ptr_to_int, load and store.
void populateMemoryPatterns(const TypeConverter &converter,
                            RewritePatternSet &patterns);

/// Patterns for dot, reduce, scan, bitcast, extern_elementwise,
/// elementwise_inline_asm and choices between pointers.
void populateArithmeticPatterns(const TypeConverter &converter,
                                RewritePatternSet &patterns);

} // namespace mlir::cpu

#endif // PYFLEX_CPU_TRITONTOLINALG_H
