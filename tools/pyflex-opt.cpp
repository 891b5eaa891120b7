//===- pyflex-opt.cpp - Runs pyflex's passes on a file --------------------===//

#include "Passes.h"
#include "flex/Flex.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mlir::arith::ArithDialect, mlir::math::MathDialect,
                  mlir::scf::SCFDialect, mlir::tt::TTDialect,
                  mlir::flex::FlexDialect>();
  mlir::registerTransformsPasses();
  mlir::flex::registerFlexPasses();
  mlir::flex::registerFlexPipelines();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "pyflex optimizer driver", registry));
}
