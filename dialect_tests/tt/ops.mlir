// RUN: pyflex-opt %s | pyflex-opt | FileCheck %s
// RUN: pyflex-opt %s --mlir-print-op-generic | pyflex-opt | FileCheck %s

// CHECK-LABEL: tt.func private @declaration(i32) -> f32
tt.func private @declaration(i32) -> f32

// CHECK-LABEL: tt.func private @identity(
// CHECK-SAME: %[[X:.*]]: f32) -> f32
tt.func private @identity(%x: f32) -> f32 {
  // CHECK: tt.return %[[X]] : f32
  tt.return %x : f32
}

// CHECK-LABEL: tt.func @no_visibility()
tt.func @no_visibility() {
  // CHECK-NEXT: tt.return{{$}}
  tt.return
}

// CHECK-LABEL: tt.func public @arguments_with_attributes(
// CHECK-SAME: %{{.*}}: !tt.ptr<bf16> {tt.divisibility = 16 : i32}, %{{.*}}: i64 {tt.divisibility = 8 : i32})
// CHECK-SAME: attributes {noinline = false}
tt.func public @arguments_with_attributes(%p: !tt.ptr<bf16> {tt.divisibility = 16 : i32},
    %s: i64 {tt.divisibility = 8 : i32}) attributes {noinline = false} {
  tt.return
}

// CHECK-LABEL: tt.func @pointer_types(
// CHECK-SAME: !tt.ptr<i1>, %{{.*}}: !tt.ptr<f64>, %{{.*}}: !tt.ptr<f32, 3>, %{{.*}}: tensor<4x!tt.ptr<i64>>
tt.func @pointer_types(%a: !tt.ptr<i1>, %b: !tt.ptr<f64>, %c: !tt.ptr<f32, 3>,
                       %d: tensor<4x!tt.ptr<i64>>) {
  tt.return
}

// CHECK-LABEL: tt.func @calls
tt.func @calls(%x: f32, %i: i32) {
  // CHECK: tt.call @identity(%{{.*}}) : (f32) -> f32
  %0 = tt.call @identity(%x) : (f32) -> f32
  // CHECK: tt.call @declaration(%{{.*}}) : (i32) -> f32
  %1 = tt.call @declaration(%i) : (i32) -> f32
  // CHECK: tt.call @no_visibility() : () -> ()
  tt.call @no_visibility() : () -> ()
  tt.return
}

// CHECK-LABEL: tt.func @grid
tt.func @grid() {
  // CHECK: tt.get_program_id x : i32
  %x = tt.get_program_id x : i32
  // CHECK: tt.get_program_id y : i32
  %y = tt.get_program_id y : i32
  // CHECK: tt.get_program_id z : i32
  %z = tt.get_program_id z : i32
  // CHECK: tt.get_num_programs x : i32
  %nx = tt.get_num_programs x : i32
  // CHECK: tt.get_num_programs y : i32
  %ny = tt.get_num_programs y : i32
  // CHECK: tt.get_num_programs z : i32
  %nz = tt.get_num_programs z : i32
  tt.return
}

// CHECK-LABEL: tt.func @shapes
tt.func @shapes(%p: !tt.ptr<f16>, %tile: tensor<16x64xf32>) {
  // CHECK: tt.make_range {end = 24 : i32, start = 8 : i32} : tensor<16xi32>
  %range = tt.make_range {start = 8 : i32, end = 24 : i32} : tensor<16xi32>
  // CHECK: tt.splat %{{.*}} : !tt.ptr<f16> -> tensor<16x!tt.ptr<f16>>
  %splat = tt.splat %p : !tt.ptr<f16> -> tensor<16x!tt.ptr<f16>>
  // CHECK: tt.expand_dims %{{.*}} {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %column = tt.expand_dims %range {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  // CHECK: tt.broadcast %{{.*}} : tensor<16x1xi32> -> tensor<16x64xi32>
  %wide = tt.broadcast %column : tensor<16x1xi32> -> tensor<16x64xi32>
  // CHECK: tt.trans %{{.*}} {order = array<i32: 1, 0>} : tensor<16x64xf32> -> tensor<64x16xf32>
  %trans = tt.trans %tile {order = array<i32: 1, 0>} : tensor<16x64xf32> -> tensor<64x16xf32>
  // CHECK: tt.reshape %{{.*}} : tensor<16x64xf32> -> tensor<8x64x2xf32>
  %pairs = tt.reshape %tile : tensor<16x64xf32> -> tensor<8x64x2xf32>
  // CHECK: tt.split %{{.*}} : tensor<8x64x2xf32> -> tensor<8x64xf32>
  %half, %other = tt.split %pairs : tensor<8x64x2xf32> -> tensor<8x64xf32>
  tt.return
}

// CHECK-LABEL: tt.func @addptr
tt.func @addptr(%p: !tt.ptr<f16>, %i: i64, %ps: tensor<8x!tt.ptr<f16>>, %is: tensor<8xi32>) {
  // CHECK: tt.addptr %{{.*}}, %{{.*}} : !tt.ptr<f16>, i64
  %0 = tt.addptr %p, %i : !tt.ptr<f16>, i64
  // CHECK: tt.addptr %{{.*}}, %{{.*}} : tensor<8x!tt.ptr<f16>>, tensor<8xi32>
  %1 = tt.addptr %ps, %is : tensor<8x!tt.ptr<f16>>, tensor<8xi32>
  tt.return
}

// CHECK-LABEL: tt.func @loads
tt.func @loads(%p: !tt.ptr<f16>, %ps: tensor<8x!tt.ptr<f16>>, %mask: tensor<8xi1>,
               %other: tensor<8xf16>) {
  // CHECK: tt.load %{{.*}} : !tt.ptr<f16>
  %0 = tt.load %p : !tt.ptr<f16>
  // CHECK: tt.load %{{.*}}, %{{.*}} : tensor<8x!tt.ptr<f16>>
  %1 = tt.load %ps, %mask : tensor<8x!tt.ptr<f16>>
  // CHECK: tt.load %{{.*}}, %{{.*}}, %{{.*}} : tensor<8x!tt.ptr<f16>>
  %2 = tt.load %ps, %mask, %other : tensor<8x!tt.ptr<f16>>
  // CHECK: tt.load %{{.*}} cacheModifier = ca evictionPolicy = evict_first : !tt.ptr<f16>
  %3 = tt.load %p cacheModifier = ca evictionPolicy = evict_first : !tt.ptr<f16>
  // CHECK: tt.load %{{.*}} evictionPolicy = evict_last {isVolatile = true} : !tt.ptr<f16>
  %4 = tt.load %p evictionPolicy = evict_last {isVolatile = true} : !tt.ptr<f16>
  // CHECK: tt.load %{{.*}} {boundaryCheck = array<i32: 0>, padding = 2 : i32} : !tt.ptr<f16>
  %5 = tt.load %p {boundaryCheck = array<i32: 0>, padding = 2 : i32} : !tt.ptr<f16>
  tt.return
}

// CHECK-LABEL: tt.func @stores
tt.func @stores(%p: !tt.ptr<f16>, %x: f16, %ps: tensor<8x!tt.ptr<f16>>, %mask: tensor<8xi1>,
                %xs: tensor<8xf16>) {
  // CHECK: tt.store %{{.*}}, %{{.*}} : !tt.ptr<f16>
  tt.store %p, %x : !tt.ptr<f16>
  // CHECK: tt.store %{{.*}}, %{{.*}}, %{{.*}} : tensor<8x!tt.ptr<f16>>
  tt.store %ps, %xs, %mask : tensor<8x!tt.ptr<f16>>
  // CHECK: tt.store %{{.*}}, %{{.*}} cacheModifier = wt evictionPolicy = evict_first : !tt.ptr<f16>
  tt.store %p, %x cacheModifier = wt evictionPolicy = evict_first : !tt.ptr<f16>
  tt.return
}

// CHECK-LABEL: tt.func @dots
tt.func @dots(%a: tensor<16x32xf32>, %b: tensor<32x16xf32>, %c: tensor<16x16xf32>) {
  // CHECK: tt.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<16x32xf32> * tensor<32x16xf32> -> tensor<16x16xf32>
  %0 = tt.dot %a, %b, %c : tensor<16x32xf32> * tensor<32x16xf32> -> tensor<16x16xf32>
  // CHECK: tt.dot {{.*}}, inputPrecision = tf32 :
  %1 = tt.dot %a, %b, %c, inputPrecision = tf32 : tensor<16x32xf32> * tensor<32x16xf32> -> tensor<16x16xf32>
  // CHECK: tt.dot {{.*}}, inputPrecision = tf32x3 {maxNumImpreciseAcc = 8 : i32} :
  %2 = tt.dot %a, %b, %c, inputPrecision = tf32x3 {maxNumImpreciseAcc = 8 : i32}
      : tensor<16x32xf32> * tensor<32x16xf32> -> tensor<16x16xf32>
  tt.return
}

// CHECK-LABEL: tt.func @reduces
tt.func @reduces(%tile: tensor<16x64xf32>, %column: tensor<16xi32>) {
  // CHECK: "tt.reduce"(%{{.*}}) <{axis = 1 : i32}> ({
  // CHECK: tt.reduce.return %{{.*}} : f32
  // CHECK: }) : (tensor<16x64xf32>) -> tensor<16xf32>
  %0 = "tt.reduce"(%tile) <{axis = 1 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    %max = arith.maxnumf %a, %b : f32
    tt.reduce.return %max : f32
  }) : (tensor<16x64xf32>) -> tensor<16xf32>
  // CHECK: (tensor<16xi32>, tensor<16xi32>) -> (i32, i32)
  %1:2 = "tt.reduce"(%column, %column) <{axis = 0 : i32}> ({
  ^bb0(%a: i32, %b: i32, %c: i32, %d: i32):
    tt.reduce.return %a, %d : i32, i32
  }) : (tensor<16xi32>, tensor<16xi32>) -> (i32, i32)
  tt.return
}

// CHECK-LABEL: tt.func @scans
tt.func @scans(%tile: tensor<16x64xf32>, %column: tensor<16xi32>) {
  // CHECK: "tt.scan"(%{{.*}}) <{axis = 0 : i32, reverse = false}> ({
  // CHECK: tt.scan.return %{{.*}} : i32
  // CHECK: }) : (tensor<16xi32>) -> tensor<16xi32>
  %0 = "tt.scan"(%column) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%a: i32, %b: i32):
    %sum = arith.addi %a, %b : i32
    tt.scan.return %sum : i32
  }) : (tensor<16xi32>) -> tensor<16xi32>
  // CHECK: <{axis = 1 : i32, reverse = true}>
  %1:2 = "tt.scan"(%tile, %tile) <{axis = 1 : i32, reverse = true}> ({
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    tt.scan.return %a, %d : f32, f32
  }) : (tensor<16x64xf32>, tensor<16x64xf32>) -> (tensor<16x64xf32>, tensor<16x64xf32>)
  tt.return
}

// CHECK-LABEL: tt.func @elementwise_inline_asm
tt.func @elementwise_inline_asm(%x: tensor<16xf32>) {
  // CHECK: tt.elementwise_inline_asm "griddepcontrol.wait; // $0" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  %0 = tt.elementwise_inline_asm "griddepcontrol.wait; // $0"
      {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  // CHECK: tt.elementwise_inline_asm "neg.f32 $0, $1;" {constraints = "=f,f", packed_element = 1 : i32, pure = true} %{{.*}} : tensor<16xf32> -> tensor<16xf32>
  %1 = tt.elementwise_inline_asm "neg.f32 $0, $1;"
      {constraints = "=f,f", packed_element = 1 : i32, pure = true} %x : tensor<16xf32> -> tensor<16xf32>
  tt.return
}

// CHECK-LABEL: tt.func @extern_elementwise
tt.func @extern_elementwise(%x: tensor<16xf32>) {
  // CHECK: tt.extern_elementwise %{{.*}}, %{{.*}} {libname = "", libpath = "", pure = true, symbol = "__nv_powf"} : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
  %0 = tt.extern_elementwise %x, %x {libname = "", libpath = "", pure = true, symbol = "__nv_powf"}
      : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
  tt.return
}

// CHECK-LABEL: tt.func @addresses
tt.func @addresses(%p: !tt.ptr<i8>, %ps: tensor<16x!tt.ptr<bf16>>) {
  // CHECK: tt.ptr_to_int %{{.*}} : !tt.ptr<i8> -> i64
  // CHECK: tt.ptr_to_int %{{.*}} : tensor<16x!tt.ptr<bf16>> -> tensor<16xi64>
  // CHECK: tt.bitcast %{{.*}} : tensor<16x!tt.ptr<bf16>> -> tensor<16x!tt.ptr<i32>>
  %0 = tt.ptr_to_int %p : !tt.ptr<i8> -> i64
  %1 = tt.ptr_to_int %ps : tensor<16x!tt.ptr<bf16>> -> tensor<16xi64>
  %2 = tt.bitcast %ps : tensor<16x!tt.ptr<bf16>> -> tensor<16x!tt.ptr<i32>>
  tt.return
}

// CHECK-LABEL: tt.func @bitcast
tt.func @bitcast(%x: tensor<16xf32>, %i: i16) {
  // CHECK: tt.bitcast %{{.*}} : tensor<16xf32> -> tensor<16xi32>
  // CHECK: tt.bitcast %{{.*}} : i16 -> bf16
  %0 = tt.bitcast %x : tensor<16xf32> -> tensor<16xi32>
  %1 = tt.bitcast %i : i16 -> bf16
  tt.return
}
