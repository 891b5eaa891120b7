// RUN: pyflex-opt %s --flex-overlap-kernels | FileCheck %s

// The first kernel lets the second one start once all of its own programs have.
// CHECK-LABEL: tt.func public @decode(
// CHECK-NEXT:    tt.elementwise_inline_asm "griddepcontrol.launch_dependents; // $0" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
// CHECK-NEXT:    flex.for
// CHECK-NOT:     griddepcontrol
tt.func public @decode(%blocks: !flex.blocks, %n: i32, %p: !tt.ptr<i32>) {
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  %1 = flex.for %blocks below %n init(%0 : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.store %p, %1 : !tt.ptr<i32>
  tt.return
}

// The second one reads nothing before the first one's memory is there.
// CHECK-LABEL: tt.func public @decode_combine(
// CHECK:         flex.combine {{.*}} -> %{{.*}} waits
tt.func public @decode_combine(%p: !tt.ptr<f32>, %n: i32, %s: i64) {
  %out = flex.view %p[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  flex.combine %p, %p splits(%n) heads(%n) q_len(%n) -> %out {value_dim = 64 : i32, chunk = 8 : i32} : !flex.view<4 x f32>
  tt.return
}

// A kernel that nothing combines is left alone.
// CHECK-LABEL: tt.func public @whole(
// CHECK-NOT:     griddepcontrol
tt.func public @whole(%blocks: !flex.blocks, %n: i32, %p: !tt.ptr<i32>) {
  %0 = flex.for %blocks below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.store %p, %0 : !tt.ptr<i32>
  tt.return
}

// A kernel that is listed for starts at once, and waits where it needs the lists.
// CHECK-LABEL: tt.func public @listed_blocks(
// CHECK-NEXT:    tt.elementwise_inline_asm "griddepcontrol.launch_dependents; // $0" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
// CHECK-NEXT:    tt.store
tt.func public @listed_blocks(%p: !tt.ptr<i32>, %n: i32) {
  tt.store %p, %n : !tt.ptr<i32>
  tt.return
}

// CHECK-LABEL: tt.func public @listed(
// CHECK-NEXT:    tt.load
// CHECK-NEXT:    flex.list
// CHECK-NEXT:    flex.list
// CHECK-NEXT:    tt.elementwise_inline_asm "griddepcontrol.wait; // $0" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
// CHECK-NEXT:    flex.for
// CHECK-NOT:     griddepcontrol
tt.func public @listed(%table: !flex.block_table, %p: !tt.ptr<i32>) {
  %n = tt.load %p : !tt.ptr<i32>
  %partial = flex.list %table[%n, %n, %n]
  %full = flex.list %table[%n, %n, %n]
  %0 = flex.for %partial below %n init(%n : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  %1 = flex.for %full below %n init(%0 : i32) {
  ^bb0(%kv: tensor<64xi32>, %kv_valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.store %p, %1 : !tt.ptr<i32>
  tt.return
}
