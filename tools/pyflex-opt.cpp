//===- pyflex-opt.cpp - Runs pyflex's passes on a file --------------------===//

#include "RegisterAll.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::pyflex::registerAllDialects(registry);
  mlir::pyflex::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "pyflex optimizer driver", registry));
}
