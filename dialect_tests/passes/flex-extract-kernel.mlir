// RUN: pyflex-opt %s --flex-extract-kernel | FileCheck %s
// RUN: pyflex-opt %s --flex-extract-kernel=kernel=decode_combine | FileCheck %s --check-prefix=COMBINE

// Calls and mods both count as uses, through any number of functions.
// CHECK-NOT: tt.func
// CHECK: tt.func private @called_by_mod
// CHECK: tt.func private @mod
// CHECK: tt.func private @called
// CHECK: tt.func public @decode(
// CHECK-NOT: tt.func

// COMBINE-NOT: tt.func
// COMBINE: tt.func public @decode_combine
// COMBINE-NOT: tt.func

tt.func private @unused() {
  tt.return
}

tt.func private @called_by_mod(%x: f32) -> f32 {
  tt.return %x : f32
}

tt.func private @mod(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32) -> f32 {
  %0 = tt.call @called_by_mod(%s) : (f32) -> f32
  tt.return %0 : f32
}

tt.func private @called(%n: i32) {
  %0 = arith.cmpi eq, %n, %n : i32
  scf.if %0 {
    tt.call @called(%n) : (i32) -> ()
  }
  tt.return
}

tt.func public @decode(%s: tensor<16x64xf32>, %b: i32, %row: tensor<16xi32>, %kv: tensor<64xi32>) {
  %0 = flex.score_mod @mod(%s, %b, %row, %row, %kv)
      : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
  tt.call @called(%b) : (i32) -> ()
  tt.return
}

tt.func public @decode_combine() {
  tt.return
}
