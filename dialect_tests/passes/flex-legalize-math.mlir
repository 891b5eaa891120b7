// RUN: pyflex-opt %s --flex-legalize-math | FileCheck %s --check-prefixes=CHECK,CUDA
// RUN: pyflex-opt %s --flex-legalize-math=target=hip | FileCheck %s --check-prefixes=CHECK,HIP,GFX9
// RUN: pyflex-opt %s --flex-legalize-math="target=hip gfx=11" | FileCheck %s --check-prefixes=CHECK,HIP,GFX11
// RUN: pyflex-opt %s --flex-legalize-math="target=hip gfx=12" | FileCheck %s --check-prefixes=CHECK,HIP,GFX12

// CHECK-LABEL: tt.func @tile(
// CHECK-SAME: %[[X:.*]]: tensor<16x64xf32>)
tt.func @tile(%x: tensor<16x64xf32>) -> tensor<16x64xf32> {
  // CUDA-NEXT: %[[Y:.*]] = tt.extern_elementwise %[[X]] {libname = "", libpath = "", pure = true, symbol = "__nv_tanhf"} : (tensor<16x64xf32>) -> tensor<16x64xf32>
  // HIP-NEXT: %[[Y:.*]] = tt.extern_elementwise %[[X]] {libname = "", libpath = "", pure = true, symbol = "__ocml_tanh_f32"} : (tensor<16x64xf32>) -> tensor<16x64xf32>
  // CHECK-NEXT: tt.return %[[Y]]
  %y = math.tanh %x : tensor<16x64xf32>
  tt.return %y : tensor<16x64xf32>
}

// CHECK-LABEL: tt.func @scalar(
tt.func @scalar(%x: f32) -> f32 {
  // CUDA: symbol = "__nv_sinf"} : (f32) -> f32
  // HIP: symbol = "__ocml_sin_f32"} : (f32) -> f32
  %y = math.sin %x : f32
  tt.return %y : f32
}

// CHECK-LABEL: tt.func @double(
tt.func @double(%x: tensor<16xf64>) -> tensor<16xf64> {
  // CUDA: symbol = "__nv_cos"} : (tensor<16xf64>)
  // HIP: symbol = "__ocml_cos_f64"} : (tensor<16xf64>)
  %y = math.cos %x : tensor<16xf64>
  tt.return %y : tensor<16xf64>
}

// CHECK-LABEL: tt.func @two_operands(
// CHECK-SAME: %[[X:.*]]: tensor<16xf32>, %[[Y:.*]]: tensor<16xf32>)
tt.func @two_operands(%x: tensor<16xf32>, %y: tensor<16xf32>) -> tensor<16xf32> {
  // CHECK: tt.extern_elementwise %[[X]], %[[Y]] {
  // CUDA-SAME: "__nv_atan2f"
  // HIP-SAME: "__ocml_atan2_f32"
  %0 = math.atan2 %x, %y : tensor<16xf32>
  tt.return %0 : tensor<16xf32>
}

// CHECK-LABEL: tt.func @names_that_differ_from_c(
tt.func @names_that_differ_from_c(%x: f32) -> (f32, f32) {
  // CUDA: "__nv_powf"
  // CUDA: "__nv_rintf"
  // HIP: "__ocml_pow_f32"
  // HIP: "__ocml_rint_f32"
  %0 = math.powf %x, %x : f32
  %1 = math.roundeven %x : f32
  tt.return %0, %1 : f32, f32
}

// CHECK-LABEL: tt.func @set_bits(
// CHECK-SAME: %[[X:.*]]: tensor<16xi32>)
tt.func @set_bits(%x: tensor<16xi32>) -> tensor<16xi32> {
  // CUDA-NEXT: tt.elementwise_inline_asm "popc.b32 $0, $1;" {constraints = "=r,r", {{.*}}} %[[X]] : tensor<16xi32> -> tensor<16xi32>
  // HIP-NEXT: tt.elementwise_inline_asm "v_bcnt_u32_b32 $0, $1, 0" {constraints = "=v,v", {{.*}}} %[[X]] : tensor<16xi32> -> tensor<16xi32>
  %y = math.ctpop %x : tensor<16xi32>
  tt.return %y : tensor<16xi32>
}

// CHECK-LABEL: tt.func @what_triton_lowers(
tt.func @what_triton_lowers(%x: f32, %i: i32) {
  // CHECK-NEXT: math.absf
  // CHECK-NEXT: math.absi
  // CHECK-NEXT: math.ceil
  // CHECK-NEXT: math.erf
  // CHECK-NEXT: math.exp %
  // CHECK-NEXT: math.floor
  // CHECK-NEXT: math.fma
  // CHECK-NEXT: math.log %
  // CHECK-NEXT: math.log2
  // CHECK-NEXT: math.rsqrt
  // CHECK-NEXT: tt.return
  %0 = math.absf %x : f32
  %1 = math.absi %i : i32
  %2 = math.ceil %x : f32
  %3 = math.erf %x : f32
  %4 = math.exp %x : f32
  %6 = math.floor %x : f32
  %7 = math.fma %x, %x, %x : f32
  %8 = math.log %x : f32
  %9 = math.log2 %x : f32
  %10 = math.rsqrt %x : f32
  tt.return
}

// CHECK-LABEL: tt.func @every_other_function(
tt.func @every_other_function(%x: f32) {
  // CUDA: "__nv_acosf"
  // CUDA: "__nv_acoshf"
  // CUDA: "__nv_asinf"
  // CUDA: "__nv_asinhf"
  // CUDA: "__nv_atanf"
  // CUDA: "__nv_atanhf"
  // CUDA: "copysign.f32 $0, $2, $1;" {{.*}} %{{.*}}, %{{.*}} : f32, f32 -> f32
  // CUDA: "__nv_coshf"
  // CUDA: "__nv_erfcf"
  // CUDA: "__nv_expm1f"
  // CUDA: "__nv_log10f"
  // CUDA: "__nv_log1pf"
  // CUDA: "__nv_roundf"
  // CUDA: "__nv_sinhf"
  // CUDA: "__nv_sqrtf"
  // CUDA: "__nv_tanf"
  // CUDA: "__nv_truncf"
  // CHECK-NOT: math.
  // CHECK: tt.return
  %0 = math.acos %x : f32
  %1 = math.acosh %x : f32
  %2 = math.asin %x : f32
  %3 = math.asinh %x : f32
  %4 = math.atan %x : f32
  %5 = math.atanh %x : f32
  %6 = math.copysign %x, %0 : f32
  %7 = math.cosh %x : f32
  %8 = math.erfc %x : f32
  %9 = math.expm1 %x : f32
  %10 = math.log10 %x : f32
  %11 = math.log1p %x : f32
  %12 = math.round %x : f32
  %13 = math.sinh %x : f32
  %14 = math.sqrt %x : f32
  %15 = math.tan %x : f32
  %16 = math.trunc %x : f32
  tt.return
}

// CHECK-LABEL: tt.func @remainder(
tt.func @remainder(%x: tensor<16xf32>, %y: tensor<16xf32>) -> tensor<16xf32> {
  // CUDA: "__nv_fmodf"
  // HIP: "__ocml_fmod_f32"
  %0 = arith.remf %x, %y : tensor<16xf32>
  tt.return %0 : tensor<16xf32>
}

// CHECK-LABEL: tt.func @power_of_two(
// CHECK-SAME: %[[X:.*]]: tensor<16xf32>, %[[D:.*]]: f64)
tt.func @power_of_two(%x: tensor<16xf32>, %d: f64) -> (tensor<16xf32>, f64) {
  // CUDA-NEXT: tt.elementwise_inline_asm "ex2.approx.ftz.f32 $0, $1;" {constraints = "=f,f", packed_element = 1 : i32, pure = true} %[[X]] : tensor<16xf32> -> tensor<16xf32>
  // HIP-NEXT: math.exp2 %[[X]] : tensor<16xf32>
  // CHECK-NEXT: math.exp2 %[[D]] : f64
  %0 = math.exp2 %x : tensor<16xf32>
  %1 = math.exp2 %d : f64
  tt.return %0, %1 : tensor<16xf32>, f64
}

// A mod's logarithm may be of what is near 1, and is to be exact there.
// CHECK-LABEL: tt.func @approximate_logarithm(
// CHECK-SAME: %[[X:.*]]: f32, %[[D:.*]]: f64)
tt.func @approximate_logarithm(%x: f32, %d: f64) -> (f32, f32, f64) {
  // CUDA-NEXT: tt.elementwise_inline_asm "lg2.approx.f32 $0, $1;" {{.*}} %[[X]] : f32 -> f32
  // HIP-NEXT: math.log2 %[[X]] : f32
  // CHECK-NEXT: math.log2 %[[X]] : f32
  // CHECK-NEXT: math.log2 %[[D]] : f64
  %0 = math.log2 %x fastmath<afn> : f32
  %1 = math.log2 %x : f32
  %2 = math.log2 %d fastmath<afn> : f64
  tt.return %0, %1, %2 : f32, f32, f64
}

// CHECK-LABEL: tt.func @division_by_reciprocal(
// CHECK-SAME: %[[X:.*]]: f32, %[[Y:.*]]: f32, %{{.*}}: f64)
tt.func @division_by_reciprocal(%x: f32, %y: f32, %d: f64) -> (f32, f32, f64) {
  // CUDA-NEXT: tt.elementwise_inline_asm "div.approx.ftz.f32 $0, $1, $2;" {{.*}} %[[X]], %[[Y]] : f32, f32 -> f32
  // HIP-NEXT: arith.divf %[[X]], %[[Y]] : f32
  // CHECK-NEXT: arith.divf %[[X]], %[[Y]] : f32
  // CHECK-NEXT: arith.divf %{{.*}} : f64
  %0 = arith.divf %x, %y fastmath<arcp> : f32
  %1 = arith.divf %x, %y : f32
  %2 = arith.divf %d, %d fastmath<arcp> : f64
  tt.return %0, %1, %2 : f32, f32, f64
}

// CHECK-LABEL: tt.func @division_that_decides(
// CHECK-SAME: %[[X:.*]]: f32, %[[Y:.*]]: f32)
tt.func @division_that_decides(%x: f32, %y: f32) -> (i1, i1) {
  // CUDA: tt.elementwise_inline_asm "div.rn.f32 $0, $1, $2;" {{.*}} %[[X]], %[[Y]] : f32, f32 -> f32
  // HIP: arith.divf %[[X]], %[[Y]] : f32
  // CHECK: arith.divf %[[Y]], %[[X]] : f32
  // CHECK: arith.cmpf olt, %{{.*}}, %{{.*}} : f32
  %one = arith.constant 1.0 : f32
  %0 = arith.divf %x, %y : f32
  %1 = arith.addf %0, %one : f32
  %2 = arith.cmpf ogt, %1, %one : f32
  %3 = arith.divf %y, %x : f32
  %4 = arith.cmpf olt, %3, %one fastmath<afn> : f32
  tt.return %2, %4 : i1, i1
}

// CHECK-LABEL: tt.func @negation(
// CHECK-SAME: %[[X:.*]]: tensor<16xf32>)
tt.func @negation(%x: tensor<16xf32>) -> tensor<16xf32> {
  // CHECK-NEXT: %[[ZERO:.*]] = arith.constant dense<-0.000000e+00> : tensor<16xf32>
  // CHECK-NEXT: arith.subf %[[ZERO]], %[[X]]
  %0 = arith.negf %x : tensor<16xf32>
  tt.return %0 : tensor<16xf32>
}

// CHECK-LABEL: tt.func @bits(
tt.func @bits(%x: tensor<16xf32>) -> tensor<16xi32> {
  // CHECK-NEXT: tt.bitcast %{{.*}} : tensor<16xf32> -> tensor<16xi32>
  %0 = arith.bitcast %x : tensor<16xf32> to tensor<16xi32>
  tt.return %0 : tensor<16xi32>
}

// CHECK-LABEL: tt.func @bf16_to_f64(
tt.func @bf16_to_f64(%x: tensor<16xbf16>) -> tensor<16xf64> {
  // CHECK-NEXT: arith.extf %{{.*}} : tensor<16xbf16> to tensor<16xf32>
  // CHECK-NEXT: arith.extf %{{.*}} : tensor<16xf32> to tensor<16xf64>
  %0 = arith.extf %x : tensor<16xbf16> to tensor<16xf64>
  tt.return %0 : tensor<16xf64>
}

// CHECK-LABEL: tt.func @barrier(
tt.func @barrier() -> (i32, i32) {
  // CUDA-NEXT: tt.elementwise_inline_asm "bar.sync 0; // $0" {constraints = "=r",
  // GFX9-NEXT: tt.elementwise_inline_asm "s_waitcnt vmcnt(0) lgkmcnt(0)\0A\09s_barrier ; $0" {constraints = "=v",
  // GFX11-NEXT: tt.elementwise_inline_asm "s_waitcnt vmcnt(0) lgkmcnt(0)\0A\09s_waitcnt_vscnt null, 0x0\0A\09s_barrier\0A\09buffer_gl0_inv ; $0" {constraints = "=v",
  // GFX12-NEXT: tt.elementwise_inline_asm "s_wait_loadcnt_dscnt 0x0{{.*}}s_wait_storecnt 0x0{{.*}}s_barrier_signal -1{{.*}}s_barrier_wait -1{{.*}}global_inv scope:SCOPE_SE ; $0" {constraints = "=v",
  %0 = tt.elementwise_inline_asm "bar.sync 0; // $0" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  // CHECK-NEXT: tt.elementwise_inline_asm "another; // $0" {constraints = "=r",
  %1 = tt.elementwise_inline_asm "another; // $0" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  tt.return %0, %1 : i32, i32
}
