// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-lower-matmul))' | FileCheck %s

// CHECK-LABEL: func.func @four_rows_of_sixteen
// CHECK-SAME: %[[A:.*]]: memref<16x64xf32>, %[[B:.*]]: memref<64x32xf32>, %[[C:.*]]: memref<16x32xf32>
func.func @four_rows_of_sixteen(%a: memref<16x64xf32>, %b: memref<64x32xf32>, %c: memref<16x32xf32>) {
  // CHECK: scf.for %[[M:[^ ]*]] =
  // CHECK: scf.for %[[N:[^ ]*]] =
  // CHECK: vector.load %[[C]][%[[M]], %[[N]]] : memref<16x32xf32>, vector<16xf32>
  // CHECK-COUNT-3: vector.load %[[C]]
  // CHECK: scf.for %[[K:[^ ]*]] =
  // CHECK: %[[RIGHT:.*]] = vector.load %[[B]][%[[K]], %[[N]]]
  // CHECK: memref.load %[[A]][%[[M]], %[[K]]]
  // CHECK: vector.fma %{{.*}}, %[[RIGHT]], %{{.*}} : vector<16xf32>
  // CHECK-COUNT-3: vector.fma
  // CHECK: scf.yield
  // CHECK-COUNT-4: vector.store %{{.*}}, %[[C]]
  linalg.matmul ins(%a, %b : memref<16x64xf32>, memref<64x32xf32>) outs(%c : memref<16x32xf32>)
  return
}

// Rows and columns that no block divides get smaller blocks.
// CHECK-LABEL: func.func @odd_sizes
func.func @odd_sizes(%a: memref<6x5xf64>, %b: memref<5x12xf64>, %c: memref<6x12xf64>) {
  // CHECK-COUNT-2: vector.load %{{.*}} : memref<6x12xf64>, vector<4xf64>
  // CHECK: scf.for
  linalg.matmul ins(%a, %b : memref<6x5xf64>, memref<5x12xf64>) outs(%c : memref<6x12xf64>)
  return
}
