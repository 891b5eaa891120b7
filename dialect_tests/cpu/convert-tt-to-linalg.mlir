// RUN: pyflex-opt %s --convert-tt-to-linalg --canonicalize --split-input-file | FileCheck %s

// The arguments lie in slots of eight bytes behind one pointer; then come the program's indices
// and the grid's extents.
// CHECK-LABEL: func.func @entry_convention(
// CHECK-SAME: %[[ARGS:.*]]: !llvm.ptr, %[[X:[^:]*]]: i32, %{{[^:]*}}: i32, %{{[^:]*}}: i32, %{{[^:]*}}: i32, %[[NY:[^:]*]]: i32, %{{[^:]*}}: i32)
tt.func public @entry_convention(%p: !tt.ptr<i32>, %n: i32, %f: f32) {
  // CHECK: %[[P:.*]] = llvm.load %[[ARGS]] : !llvm.ptr -> !llvm.ptr
  // CHECK: %[[SLOT:.*]] = llvm.getelementptr %[[ARGS]][8]
  // CHECK: %[[N:.*]] = llvm.load %[[SLOT]] : !llvm.ptr -> i32
  // CHECK: llvm.store %[[X]], %[[P]] : i32, !llvm.ptr
  %x = tt.get_program_id x : i32
  tt.store %p, %x : !tt.ptr<i32>
  // CHECK: %[[OFFSET:.*]] = arith.extsi %[[N]] : i32 to i64
  // CHECK: %[[BYTES:.*]] = arith.muli %[[OFFSET]], %{{.*}} overflow<nsw>
  // CHECK: %[[AT:.*]] = llvm.getelementptr %[[P]][%[[BYTES]]] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  // CHECK: llvm.store %[[NY]], %[[AT]]
  %at = tt.addptr %p, %n : !tt.ptr<i32>, i32
  %ny = tt.get_num_programs y : i32
  tt.store %at, %ny : !tt.ptr<i32>
  // CHECK: return
  tt.return
}

// An unused device function is dropped, whatever it holds.
// CHECK-NOT: @unused
tt.func private @unused(%t: tensor<16xf32>) -> tensor<16xf32> {
  tt.return %t : tensor<16xf32>
}

// -----

// One base, and offsets in bytes; a lane whose mask is false touches nothing.
// CHECK-LABEL: func.func @masked_load_and_store
tt.func public @masked_load_and_store(%p: !tt.ptr<bf16>, %n: i32) {
  // CHECK: %[[P:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
  // CHECK: %[[BYTES:.*]] = arith.muli %{{.*}}, %{{.*}} overflow<nsw> : tensor<16xi64>
  %r = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %s = tt.splat %p : !tt.ptr<bf16> -> tensor<16x!tt.ptr<bf16>>
  %at = tt.addptr %s, %r : tensor<16x!tt.ptr<bf16>>, tensor<16xi32>
  %m = tt.splat %n : i32 -> tensor<16xi32>
  %mask = arith.cmpi slt, %r, %m : tensor<16xi32>
  // CHECK: %[[V:.*]] = linalg.generic {{.*}} ins(%[[P]], %[[BYTES]], %{{.*}} : !llvm.ptr, tensor<16xi64>, tensor<16xi1>)
  // CHECK: ^bb0(%[[BASE:.*]]: !llvm.ptr, %[[OFFSET:.*]]: i64, %[[BIT:.*]]: i1,
  // CHECK: scf.if %[[BIT]] -> (bf16)
  // CHECK: %[[AT:.*]] = llvm.getelementptr %[[BASE]][%[[OFFSET]]] : (!llvm.ptr, i64) -> !llvm.ptr, i8
  // CHECK: llvm.load %[[AT]] : !llvm.ptr -> bf16
  // CHECK: else
  // CHECK: scf.yield %{{.*}} : bf16
  %v = tt.load %at, %mask : tensor<16x!tt.ptr<bf16>>
  // CHECK: linalg.generic {{.*}} ins(%[[P]], %[[BYTES]], %[[V]], %{{.*}} : !llvm.ptr, tensor<16xi64>, tensor<16xbf16>, tensor<16xi1>)
  // CHECK: scf.if
  // CHECK: llvm.store
  tt.store %at, %v, %mask : tensor<16x!tt.ptr<bf16>>
  tt.return
}

// -----

// An address is the base's and an offset in bytes; what lies there may be seen as another type.
// CHECK-LABEL: func.func @addresses
tt.func public @addresses(%p: !tt.ptr<i8>, %out: !tt.ptr<i64>) {
  %s = tt.splat %p : !tt.ptr<i8> -> tensor<16x!tt.ptr<i8>>
  %r = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %at = tt.addptr %s, %r : tensor<16x!tt.ptr<i8>>, tensor<16xi32>
  // CHECK: %[[BASE:.*]] = llvm.ptrtoint %{{.*}} : !llvm.ptr to i64
  // CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[BASE]] : tensor<16xi64>, i64)
  // CHECK: arith.addi
  %addresses = tt.ptr_to_int %at : tensor<16x!tt.ptr<i8>> -> tensor<16xi64>
  %words = tt.bitcast %at : tensor<16x!tt.ptr<i8>> -> tensor<16x!tt.ptr<i32>>
  // CHECK: llvm.load %{{.*}} : !llvm.ptr -> i32
  %loaded = tt.load %words : tensor<16x!tt.ptr<i32>>
  %wide = arith.extui %loaded : tensor<16xi32> to tensor<16xi64>
  %sum = arith.addi %addresses, %wide : tensor<16xi64>
  // CHECK: llvm.ptrtoint %{{.*}} : !llvm.ptr to i64
  %one = tt.ptr_to_int %p : !tt.ptr<i8> -> i64
  tt.store %out, %one : !tt.ptr<i64>
  %o = tt.splat %out : !tt.ptr<i64> -> tensor<16x!tt.ptr<i64>>
  tt.store %o, %sum : tensor<16x!tt.ptr<i64>>
  tt.return
}

// -----

// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG: #[[$STRETCH:.*]] = affine_map<(d0, d1) -> (d0, 0)>
// CHECK-DAG: #[[$SWAP:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: func.func @shapes
tt.func public @shapes(%p: !tt.ptr<f32>, %f: f32) {
  // CHECK: linalg.index 0
  // CHECK: arith.index_cast
  // CHECK: linalg.generic {indexing_maps = [#[[$ROW]],
  // CHECK: linalg.generic {indexing_maps = [#[[$STRETCH]],
  // CHECK: linalg.generic {indexing_maps = [#[[$SWAP]],
  %r = tt.make_range {start = 0 : i32, end = 4 : i32} : tensor<4xi32>
  %c = tt.expand_dims %r {axis = 1 : i32} : tensor<4xi32> -> tensor<4x1xi32>
  %b = tt.broadcast %c : tensor<4x1xi32> -> tensor<4x8xi32>
  %t = tt.trans %b {order = array<i32: 1, 0>} : tensor<4x8xi32> -> tensor<8x4xi32>
  // CHECK: linalg.fill
  %v = tt.splat %f : f32 -> tensor<8x4xf32>
  %s = tt.splat %p : !tt.ptr<f32> -> tensor<8x4x!tt.ptr<f32>>
  %at = tt.addptr %s, %t : tensor<8x4x!tt.ptr<f32>>, tensor<8x4xi32>
  tt.store %at, %v : tensor<8x4x!tt.ptr<f32>>
  tt.return
}

// -----

// CHECK-LABEL: func.func @halves
tt.func public @halves(%p: !tt.ptr<f32>) {
  %ps = tt.splat %p : !tt.ptr<f32> -> tensor<8x4x!tt.ptr<f32>>
  %qs = tt.splat %p : !tt.ptr<f32> -> tensor<16x4x!tt.ptr<f32>>
  %v = tt.load %qs : tensor<16x4x!tt.ptr<f32>>
  // CHECK: %[[HALVES:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0, 1], [2]] output_shape [2, 8, 4] : tensor<16x4xf32> into tensor<2x8x4xf32>
  %h = tt.reshape %v : tensor<16x4xf32> -> tensor<2x8x4xf32>
  // CHECK: %[[LAST:.*]] = linalg.generic {{.*}} ins(%[[HALVES]]
  %t = tt.trans %h {order = array<i32: 1, 2, 0>} : tensor<2x8x4xf32> -> tensor<8x4x2xf32>
  // CHECK: linalg.generic {{.*}} ins(%[[LAST]] : tensor<8x4x2xf32>) outs(%{{.*}} : tensor<8x4xf32>)
  // CHECK: linalg.generic {{.*}} ins(%[[LAST]] : tensor<8x4x2xf32>) outs(%{{.*}} : tensor<8x4xf32>)
  %lhs, %rhs = tt.split %t : tensor<8x4x2xf32> -> tensor<8x4xf32>
  // CHECK: tensor.collapse_shape %[[LAST]] {{\[\[}}0], [1, 2]] : tensor<8x4x2xf32> into tensor<8x8xf32>
  %w = tt.reshape %t : tensor<8x4x2xf32> -> tensor<8x8xf32>
  %rs = tt.splat %p : !tt.ptr<f32> -> tensor<8x8x!tt.ptr<f32>>
  tt.store %ps, %lhs : tensor<8x4x!tt.ptr<f32>>
  tt.store %ps, %rhs : tensor<8x4x!tt.ptr<f32>>
  tt.store %rs, %w : tensor<8x8x!tt.ptr<f32>>
  tt.return
}

// -----

// The operands are widened before the product, not in its inner loop.
// CHECK-LABEL: func.func @dot
tt.func public @dot(%p: !tt.ptr<bf16>, %out: !tt.ptr<f32>) {
  %c = arith.constant dense<1.0> : tensor<16x16xf32>
  %at = tt.splat %p : !tt.ptr<bf16> -> tensor<16x16x!tt.ptr<bf16>>
  // CHECK: %[[LOADED:.*]] = linalg.generic
  %a = tt.load %at : tensor<16x16x!tt.ptr<bf16>>
  // CHECK: %[[WIDE:.*]] = arith.extf %[[LOADED]] : tensor<16x16xbf16> to tensor<16x16xf32>
  // CHECK: linalg.matmul ins(%[[WIDE]], %{{.*}} : tensor<16x16xf32>, tensor<16x16xf32>)
  // CHECK-SAME: outs(%{{.*}} : tensor<16x16xf32>)
  %d = tt.dot %a, %a, %c : tensor<16x16xbf16> * tensor<16x16xbf16> -> tensor<16x16xf32>
  %o = tt.splat %out : !tt.ptr<f32> -> tensor<16x16x!tt.ptr<f32>>
  tt.store %o, %d : tensor<16x16x!tt.ptr<f32>>
  tt.return
}

// -----

// The first element starts the reduction; a sum may be reordered.
// CHECK-LABEL: func.func @scan
tt.func public @scan(%p: !tt.ptr<i32>, %o: !tt.ptr<i32>) {
  %s = tt.splat %p : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
  %a = tt.load %s : tensor<16x!tt.ptr<i32>>
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
  // CHECK: linalg.generic
  // CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<16xi32>
  // CHECK: scf.for %[[K:[^ ]*]] = %[[C0]] to %[[C16]] step %[[C1]] iter_args(%[[MADE:.*]] = %[[EMPTY]])
  // CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[K]],
  // CHECK: %[[BEFORE:.*]] = arith.select %[[FIRST]],
  // CHECK: %[[SUM:.*]] = tensor.extract %[[MADE]][%[[BEFORE]]]
  // CHECK: %[[NEXT:.*]] = tensor.extract %{{.*}}[%[[K]]]
  // CHECK: %[[MORE:.*]] = arith.addi %[[SUM]], %[[NEXT]]
  // CHECK: %[[HERE:.*]] = arith.select %[[FIRST]], %[[NEXT]], %[[MORE]]
  // CHECK: tensor.insert %[[HERE]] into %[[MADE]][%[[K]]]
  %r = "tt.scan"(%a) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%x: i32, %y: i32):
    %z = arith.addi %x, %y : i32
    tt.scan.return %z : i32
  }) : (tensor<16xi32>) -> tensor<16xi32>
  %q = tt.splat %o : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
  tt.store %q, %r : tensor<16x!tt.ptr<i32>>
  tt.return
}

// -----

// CHECK-LABEL: func.func @reduce
tt.func public @reduce(%p: !tt.ptr<f32>, %o: !tt.ptr<f32>) {
  %s = tt.splat %p : !tt.ptr<f32> -> tensor<8x16x!tt.ptr<f32>>
  %a = tt.load %s : tensor<8x16x!tt.ptr<f32>>
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
  // CHECK: %[[ROW:.*]] = linalg.index 0
  // CHECK: %[[FIRST:.*]] = tensor.extract %[[A:.*]][%[[ROW]], %[[C0]]]
  // CHECK: scf.for %[[K:[^ ]*]] = %[[C1]] to %[[C16]] step %[[C1]] iter_args(%[[ACC:.*]] = %[[FIRST]])
  // CHECK: %[[NEXT:.*]] = tensor.extract %[[A]][%[[ROW]], %[[K]]]
  // CHECK: arith.addf %[[ACC]], %[[NEXT]] fastmath<reassoc>
  %r = "tt.reduce"(%a) <{axis = 1 : i32}> ({
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    tt.reduce.return %z : f32
  }) : (tensor<8x16xf32>) -> tensor<8xf32>
  %q = tt.splat %o : !tt.ptr<f32> -> tensor<8x!tt.ptr<f32>>
  tt.store %q, %r : tensor<8x!tt.ptr<f32>>
  tt.return
}

// -----

// CHECK-LABEL: func.func @device_functions
tt.func public @device_functions(%p: !tt.ptr<f32>, %f: f32) {
  // CHECK: %[[T:.*]] = math.tanh %{{.*}} : f32
  %t = tt.extern_elementwise %f {libname = "", libpath = "", pure = true, symbol = "__nv_tanhf"} : (f32) -> f32
  // CHECK: math.powf %[[T]], %{{.*}} : f32
  %w = tt.extern_elementwise %t, %f {libname = "", libpath = "", pure = true, symbol = "__nv_powf"} : (f32, f32) -> f32
  tt.store %p, %w : !tt.ptr<f32>
  tt.return
}

// -----

// CHECK-LABEL: func.func @arithmetic_by_instructions
tt.func public @arithmetic_by_instructions(%p: !tt.ptr<f32>, %x: f32, %y: f32) {
  // CHECK: %[[A:.*]] = math.exp2 %{{.*}} : f32
  %a = tt.elementwise_inline_asm "ex2.approx.ftz.f32 $0, $1;" {constraints = "=f,f", packed_element = 1 : i32, pure = true} %x : f32 -> f32
  // CHECK: %[[B:.*]] = math.log2 %[[A]] : f32
  %b = tt.elementwise_inline_asm "lg2.approx.f32 $0, $1;" {constraints = "=f,f", packed_element = 1 : i32, pure = true} %a : f32 -> f32
  // CHECK: %[[C:.*]] = arith.divf %[[B]], %[[Y:.*]] : f32
  %c = tt.elementwise_inline_asm "div.approx.ftz.f32 $0, $1, $2;" {constraints = "=f,f,f", packed_element = 1 : i32, pure = true} %b, %y : f32, f32 -> f32
  // CHECK: %[[D:.*]] = math.copysign %[[C]], %[[Y]] : f32
  %d = tt.elementwise_inline_asm "copysign.f32 $0, $2, $1;" {constraints = "=f,f,f", packed_element = 1 : i32, pure = true} %c, %y : f32, f32 -> f32
  tt.store %p, %d : !tt.ptr<f32>
  tt.return
}

// -----

// CHECK-LABEL: func.func @bits_by_an_instruction
tt.func public @bits_by_an_instruction(%p: !tt.ptr<i32>, %x: i32) {
  // CHECK: math.ctpop %{{.*}} : i32
  %a = tt.elementwise_inline_asm "popc.b32 $0, $1;" {constraints = "=r,r", packed_element = 1 : i32, pure = true} %x : i32 -> i32
  tt.store %p, %a : !tt.ptr<i32>
  tt.return
}

// -----

// One kernel runs after the other.
// CHECK-LABEL: func.func @order_of_kernels
tt.func public @order_of_kernels(%p: !tt.ptr<f32>, %f: f32) {
  // CHECK-NOT: griddepcontrol
  // CHECK: llvm.store
  %0 = tt.elementwise_inline_asm "griddepcontrol.wait; // $0" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  tt.store %p, %f : !tt.ptr<f32>
  tt.return
}

// -----

// The programs of a cluster reach each other through the runtime.
// CHECK-DAG: llvm.func @pyflex_cluster_memory(i32) -> i32
// CHECK-DAG: llvm.func @pyflex_cluster_map(i32, i32) -> i32
// CHECK-DAG: llvm.func @pyflex_cluster_store(i32, f32, i32) -> i32
// CHECK-DAG: llvm.func @pyflex_cluster_load(i32) -> f32
// CHECK-DAG: llvm.func @pyflex_cluster_wait() -> i32
// CHECK: func.func @programs_of_a_cluster
tt.func public @programs_of_a_cluster(%p: !tt.ptr<f32>, %at: i32, %f: f32, %on: i32) {
  // CHECK-DAG: %[[WAIT:.*]] = llvm.mlir.addressof @pyflex_cluster_wait
  // CHECK-DAG: %[[STORE:.*]] = llvm.mlir.addressof @pyflex_cluster_store
  // CHECK-DAG: %[[MEMORY:.*]] = llvm.mlir.addressof @pyflex_cluster_memory
  // CHECK: %[[OWN:.*]] = llvm.call %[[MEMORY]](%{{.*}}) : !llvm.ptr, (i32) -> i32
  %own = tt.elementwise_inline_asm "{ .reg .b32 base; mov.u32 base, global_smem; add.u32 $0, base, $1; }" {constraints = "=r,r", packed_element = 1 : i32, pure = true} %at : i32 -> i32
  %fs = tt.splat %f : f32 -> tensor<4xf32>
  %owns = tt.splat %own : i32 -> tensor<4xi32>
  %ons = tt.splat %on : i32 -> tensor<4xi32>
  // The callee is an operand: the operation keeps its extents without others.
  // CHECK: linalg.generic {{.*}} ins(%[[STORE]], %{{.*}}, %{{.*}}, %{{.*}} : !llvm.ptr, tensor<4xi32>, tensor<4xf32>, tensor<4xi32>) {
  // CHECK: ^bb0(%[[CALLEE:.*]]: !llvm.ptr, %{{.*}}: i32, %{{.*}}: f32, %{{.*}}: i32):
  // CHECK: llvm.call %[[CALLEE]](%{{.*}}, %{{.*}}, %{{.*}}) : !llvm.ptr, (i32, f32, i32) -> i32
  %0 = tt.elementwise_inline_asm "{ .reg .pred on; setp.ne.b32 on, $3, 0; @on st.shared.f32 [$1], $2; mov.b32 $0, 0; }" {constraints = "=r,r,f,r", packed_element = 1 : i32, pure = false} %owns, %fs, %ons : tensor<4xi32>, tensor<4xf32>, tensor<4xi32> -> tensor<4xi32>
  // CHECK: llvm.call %[[WAIT]]() : !llvm.ptr, () -> i32
  %1 = tt.elementwise_inline_asm "barrier.cluster.wait.acquire.aligned; mov.b32 $0, 0;" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  // CHECK: %[[OTHER:.*]] = llvm.call %{{.*}}(%[[OWN]], %{{.*}}) : !llvm.ptr, (i32, i32) -> i32
  %other = tt.elementwise_inline_asm "mapa.shared::cluster.u32 $0, $1, $2;" {constraints = "=r,r,r", packed_element = 1 : i32, pure = true} %own, %on : i32, i32 -> i32
  // CHECK: %[[FOUND:.*]] = llvm.call %{{.*}}(%[[OTHER]]) : !llvm.ptr, (i32) -> f32
  // CHECK: llvm.store %[[FOUND]]
  %found = tt.elementwise_inline_asm "ld.shared::cluster.f32 $0, [$1];" {constraints = "=f,r", packed_element = 1 : i32, pure = true} %other : i32 -> f32
  tt.store %p, %found : !tt.ptr<f32>
  tt.return
}

// -----

// A tensor of pointers is carried as its base and its offsets.
// CHECK-LABEL: func.func @carried_pointers
tt.func public @carried_pointers(%p: !tt.ptr<f32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %step = arith.constant dense<4> : tensor<4xi32>
  %v = arith.constant dense<0.0> : tensor<4xf32>
  %at = tt.splat %p : !tt.ptr<f32> -> tensor<4x!tt.ptr<f32>>
  // CHECK: %[[P:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
  // CHECK: scf.for {{.*}} iter_args(%[[OFFSETS:.*]] = %{{.*}}) -> (tensor<4xi64>)
  // CHECK: linalg.generic {{.*}} ins(%[[P]], %[[OFFSETS]], %{{.*}} : !llvm.ptr,
  // CHECK: %[[NEXT:.*]] = arith.addi %[[OFFSETS]], %{{.*}} overflow<nsw> : tensor<4xi64>
  // CHECK: scf.yield %[[NEXT]] : tensor<4xi64>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%q = %at) -> (tensor<4x!tt.ptr<f32>>) : i32 {
    tt.store %q, %v : tensor<4x!tt.ptr<f32>>
    %next = tt.addptr %q, %step : tensor<4x!tt.ptr<f32>>, tensor<4xi32>
    scf.yield %next : tensor<4x!tt.ptr<f32>>
  }
  tt.return
}
