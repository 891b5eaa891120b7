// RUN: pyflex-opt %s --pass-pipeline='builtin.module(func.func(cpu-lower-matmul))' --verify-diagnostics --split-input-file

func.func @mixed_types(%a: memref<16x16xbf16>, %b: memref<16x16xbf16>, %c: memref<16x16xf32>) {
  // expected-error @+1 {{expected buffers of one float type}}
  linalg.matmul ins(%a, %b : memref<16x16xbf16>, memref<16x16xbf16>) outs(%c : memref<16x16xf32>)
  return
}

// -----

func.func @dynamic_size(%a: memref<?x16xf32>, %b: memref<16x16xf32>, %c: memref<?x16xf32>) {
  // expected-error @+1 {{expected buffers of static size}}
  linalg.matmul ins(%a, %b : memref<?x16xf32>, memref<16x16xf32>) outs(%c : memref<?x16xf32>)
  return
}

// -----

#left = affine_map<(m, n, k) -> (k, m)>
#right = affine_map<(m, n, k) -> (k, n)>
#result = affine_map<(m, n, k) -> (m, n)>

func.func @transposed(%a: memref<16x16xf32>, %b: memref<16x16xf32>, %c: memref<16x16xf32>) {
  // expected-error @+1 {{expected rows times columns, got maps of its own}}
  linalg.matmul indexing_maps = [#left, #right, #result]
      ins(%a, %b : memref<16x16xf32>, memref<16x16xf32>) outs(%c : memref<16x16xf32>)
  return
}

// -----

func.func @columns_side_by_side(%a: memref<16x16xf32>, %b: memref<16x16xf32, strided<[1, 16]>>,
                                %c: memref<16x16xf32>) {
  // expected-error @+1 {{expected a right side and a result whose rows have a stride of 1}}
  linalg.matmul ins(%a, %b : memref<16x16xf32>, memref<16x16xf32, strided<[1, 16]>>)
                outs(%c : memref<16x16xf32>)
  return
}
