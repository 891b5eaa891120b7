// RUN: pyflex-opt %s --flex-decode-pipeline=kernel=causal | FileCheck %s --check-prefix=CAUSAL --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline=kernel=window | FileCheck %s --check-prefix=WINDOW --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline=kernel=prefix | FileCheck %s --check-prefix=PREFIX --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline="kernel=window derive-bounds=0" | FileCheck %s --check-prefix=WHOLE --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline="kernel=window_bounds report-bounds=1" | FileCheck %s --check-prefix=REPORT --implicit-check-not=flex.

// Bounds in whole kernels: what is computed before the loop, and what is left in it.

!view = !flex.view<4 x bf16>

tt.func private @causal_mask(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

// The loop ends behind the last row's query. A tile starts where it did: its number times its keys.
// CAUSAL: tt.func public @causal(
// CAUSAL-COUNT-2: "tt.reduce"(%{{.*}}) <{axis = {{[01]}} : i32}>
// CAUSAL: %[[TILES:.*]] = arith.divsi %{{.*}}, %c64_i32 : i32
// CAUSAL: scf.for %[[I:[^ ]*]] =
// CAUSAL-NEXT: %[[START:.*]] = arith.muli %[[I]], %c64_i32 : i32
// CAUSAL-NOT: arith.addi %{{.*}}, %[[START]] : i32
// CAUSAL: arith.cmpi sge, {{.*}} : tensor<16x64xi32>
// CAUSAL-NOT: arith.ori
// CAUSAL: scf.yield
tt.func public @causal(%query: !tt.ptr<bf16>, %key: !tt.ptr<bf16>, %value: !tt.ptr<bf16>, %out: !tt.ptr<bf16>,
    %s: i64, %kv_heads: i32, %q_len: i32, %kv_max: i32, %scale: f32, %lens: !tt.ptr<i32>, %given: i1) {
  %one = arith.constant 1 : i64
  %q = flex.view %query[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %k = flex.view %key[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %v = flex.view %value[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %o = flex.view %out[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %len = flex.per_batch %kv_max, %lens if %given : !tt.ptr<i32>
  flex.decode %q, %k, %v -> %o kv_heads(%kv_heads) q_len(%q_len) kv_max(%kv_max) scale(%scale)
      q_offset(%len) kv_len(%len) mask_mod @causal_mask
      {group = 4 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !view, !view, !view -> !view
  tt.return
}

tt.func private @window_mask(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %behind = arith.cmpi sge, %q, %kv : i32
  %distance = arith.subi %q, %kv : i32
  %width = arith.constant 1024 : i32
  %near = arith.cmpi slt, %distance, %width : i32
  %keep = arith.andi %behind, %near : i1
  tt.return %keep : i1
}

// The first tile starts at the first key of the window; K and V are read from there on.
// WINDOW: tt.func public @window(
// WINDOW: %[[BEGIN:.*]] = "tt.reduce"(%{{.*}}) <{axis = 0 : i32}>
// WINDOW: arith.minsi
// WINDOW: (tensor<16xi32>) -> i32
// WINDOW: %[[END:.*]] = arith.maxsi %{{.*}}, %{{.*}} : i32
// WINDOW: %[[KEYS:.*]] = arith.subi %[[END]], %[[FIRST:.*]] : i32
// WINDOW: %[[RAISED:.*]] = arith.addi %[[KEYS]], %c63_i32 : i32
// WINDOW: arith.divsi %[[RAISED]], %c64_i32 : i32
// WINDOW: scf.for %[[I:[^ ]*]] =
// WINDOW-NEXT: %[[OFFSET:.*]] = arith.muli %[[I]], %c64_i32 : i32
// WINDOW-NEXT: %[[START:.*]] = arith.addi %[[FIRST]], %[[OFFSET]] : i32
// WINDOW: scf.yield

// Without the pass all keys are visited.
// WHOLE: tt.func public @window(
// WHOLE-NOT: tt.reduce
// WHOLE: scf.for

// The kernel that reports has no loop, and stores four numbers.
// REPORT: tt.func public @window_bounds({{.*}}, %[[BOUNDS:[^:]*]]: !tt.ptr<i32>) {
// REPORT-NOT: scf.for
// REPORT-COUNT-4: tt.store %{{.*}}, %{{.*}} : !tt.ptr<i32>
// REPORT-NOT: tt.store
tt.func public @window(%query: !tt.ptr<bf16>, %key: !tt.ptr<bf16>, %value: !tt.ptr<bf16>, %out: !tt.ptr<bf16>,
    %s: i64, %kv_heads: i32, %q_len: i32, %kv_max: i32, %scale: f32, %lens: !tt.ptr<i32>, %given: i1) {
  %one = arith.constant 1 : i64
  %q = flex.view %query[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %k = flex.view %key[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %v = flex.view %value[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %o = flex.view %out[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %len = flex.per_batch %kv_max, %lens if %given : !tt.ptr<i32>
  flex.decode %q, %k, %v -> %o kv_heads(%kv_heads) q_len(%q_len) kv_max(%kv_max) scale(%scale)
      q_offset(%len) kv_len(%len) mask_mod @window_mask
      {group = 4 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !view, !view, !view -> !view
  tt.return
}

tt.func private @prefix_mask(%b: i32, %h: i32, %q: i32, %kv: i32, %lengths: !tt.ptr<i32>) -> i1 {
  %at = tt.addptr %lengths, %b : !tt.ptr<i32>, i32
  %length = tt.load %at : !tt.ptr<i32>
  %in_prefix = arith.cmpi slt, %kv, %length : i32
  %behind = arith.cmpi sge, %q, %kv : i32
  %keep = arith.ori %in_prefix, %behind : i1
  tt.return %keep : i1
}

// The length is loaded once, for the bounds and for the mask.
// PREFIX: tt.func public @prefix(
// PREFIX: %[[LENGTH:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
// PREFIX: "tt.reduce"
// PREFIX-NOT: tt.load {{.*}} : !tt.ptr<i32>
// PREFIX: scf.for
// PREFIX-NOT: tt.load {{.*}} : !tt.ptr<i32>
// PREFIX: scf.yield
tt.func public @prefix(%query: !tt.ptr<bf16>, %key: !tt.ptr<bf16>, %value: !tt.ptr<bf16>, %out: !tt.ptr<bf16>,
    %s: i64, %kv_heads: i32, %q_len: i32, %kv_max: i32, %scale: f32, %lens: !tt.ptr<i32>, %given: i1, %p: !tt.ptr<i32>) {
  %one = arith.constant 1 : i64
  %q = flex.view %query[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %k = flex.view %key[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %v = flex.view %value[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %o = flex.view %out[%s, %s, %s, %one] : !tt.ptr<bf16> -> !view
  %len = flex.per_batch %kv_max, %lens if %given : !tt.ptr<i32>
  flex.decode %q, %k, %v -> %o kv_heads(%kv_heads) q_len(%q_len) kv_max(%kv_max) scale(%scale)
      q_offset(%len) kv_len(%len) mask_mod @prefix_mask mask_captures(%p : !tt.ptr<i32>)
      {group = 4 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !view, !view, !view -> !view
  tt.return
}
