// RUN: pyflex-opt %s --flex-decode-pipeline=kernel=dense | FileCheck %s --check-prefix=DENSE --implicit-check-not=flex. --implicit-check-not=math. --implicit-check-not=tt.extern
// RUN: pyflex-opt %s --flex-decode-pipeline | FileCheck %s --check-prefix=SPARSE --implicit-check-not=flex. --implicit-check-not='tt.func private' --implicit-check-not=tt.extern
// RUN: pyflex-opt %s --flex-decode-pipeline=heads=2 | FileCheck %s --check-prefix=HEADS
// RUN: pyflex-opt %s --flex-decode-pipeline=pack-gqa=0 | FileCheck %s --check-prefix=UNPACKED --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline=fuse-block-loops=0 | FileCheck %s --check-prefix=UNFUSED --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline=split-kv=0 | FileCheck %s --check-prefix=UNSPLIT --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline=inline-mods=0 | FileCheck %s --check-prefix=TILED --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline=kernel=decode_combine | FileCheck %s --check-prefix=COMBINE --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline="kernel=dense_blocks derive-bounds=0 list-blocks=1 queries=1 overlap-kernels=1" | FileCheck %s --check-prefix=BLOCKS --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline="kernel=dense derive-bounds=0 list-blocks=1 overlap-kernels=1" | FileCheck %s --check-prefix=LISTED --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline="combine-in-cluster=1 overlap-kernels=1" | FileCheck %s --check-prefix=CLUSTER --implicit-check-not=flex.
// RUN: pyflex-opt %s --flex-decode-pipeline="target=hip combine-in-cluster=1 overlap-kernels=1" | FileCheck %s --check-prefix=HIP
// RUN: pyflex-opt %s --flex-decode-pipeline=fast-math=0 | FileCheck %s --check-prefix=LIBRARY
// RUN: pyflex-opt %s --flex-decode-pipeline="pack-gqa=0 fuse-block-loops=0 split-kv=0 inline-mods=0" | FileCheck %s --check-prefix=PLAINEST --implicit-check-not=flex.

// tanh(s) + slopes[h] * (kv - q)
tt.func private @softcap_alibi(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %slopes: !tt.ptr<f32>) -> f32 {
  %capped = math.tanh %s : f32
  %address = tt.addptr %slopes, %h : !tt.ptr<f32>, i32
  %slope = tt.load %address : !tt.ptr<f32>
  %distance = arith.subi %kv, %q : i32
  %distance_f = arith.sitofp %distance : i32 to f32
  %bias = arith.mulf %slope, %distance_f : f32
  %result = arith.addf %capped, %bias : f32
  tt.return %result : f32
}

tt.func private @causal(%b: i32, %h: i32, %q: i32, %kv: i32) -> i1 {
  %keep = arith.cmpi sge, %q, %kv : i32
  tt.return %keep : i1
}

// One kernel; four heads in a tile; the mask in the loop; the end of a split chosen at run time.
// DENSE-NOT: tt.func
// DENSE: tt.func public @dense(
// DENSE-SAME: %[[Q:[^:]*]]: !tt.ptr<bf16>, %[[K:[^:]*]]: !tt.ptr<bf16>
// DENSE-SAME: %[[SPLITS:[^:]*]]: i32, %{{[^:]*}}: !tt.ptr<f32> {tt.divisibility = 16 : i32}, %{{[^:]*}}: !tt.ptr<f32> {tt.divisibility = 16 : i32})
// DENSE: tt.get_program_id y
// DENSE: %[[QUERY:.*]] = tt.load %{{.*}} : tensor<16x64x!tt.ptr<bf16>>
// DENSE: scf.for
// DENSE: %[[KEY:.*]] = tt.load %{{.*}} : tensor<64x64x!tt.ptr<bf16>>
// DENSE: %[[KT:.*]] = tt.trans %[[KEY]]
// DENSE: tt.dot %[[QUERY]], %[[KT]]
// DENSE: arith.cmpi sge, {{.*}} : tensor<16x64xi32>
// DENSE: tt.load %{{.*}} : tensor<64x64x!tt.ptr<bf16>>
// DENSE: "ex2.approx
// DENSE: tt.dot
// DENSE: scf.yield
// DENSE-NOT: scf.for
// DENSE: scf.if
// DENSE: tt.store %{{.*}} : tensor<16x64x!tt.ptr<bf16>>
// DENSE: } else {
// DENSE: tt.store %{{.*}} : tensor<16x64x!tt.ptr<f32>>
// DENSE: tt.store %{{.*}} : tensor<16x1x!tt.ptr<f32>>
// DENSE-NOT: tt.func

tt.func public @dense(%query: !tt.ptr<bf16>, %key: !tt.ptr<bf16>, %value: !tt.ptr<bf16>, %out: !tt.ptr<bf16>,
    %s: i64, %kv_heads: i32, %q_len: i32, %kv_max: i32, %scale: f32, %lens: !tt.ptr<i32>, %given: i1) {
  %one = arith.constant 1 : i64
  %q = flex.view %query[%s, %s, %s, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %k = flex.view %key[%s, %s, %s, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %v = flex.view %value[%s, %s, %s, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %o = flex.view %out[%s, %s, %s, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %len = flex.per_batch %kv_max, %lens if %given : !tt.ptr<i32>
  flex.decode %q, %k, %v -> %o kv_heads(%kv_heads) q_len(%q_len) kv_max(%kv_max) scale(%scale)
      q_offset(%len) kv_len(%len) mask_mod @causal
      {group = 4 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x bf16>, !flex.view<4 x bf16>, !flex.view<4 x bf16> -> !flex.view<4 x bf16>
  tt.return
}

// The kernel ahead: one query for all heads, a row of keys at a time.
// BLOCKS-NOT: tt.func
// BLOCKS: tt.func public @dense_blocks(
// BLOCKS: tt.elementwise_inline_asm "griddepcontrol.launch_dependents
// BLOCKS: scf.for
// BLOCKS: arith.cmpi sge, %{{.*}} : tensor<1x32x64xi32>
// BLOCKS: "tt.reduce"
// BLOCKS: tt.store %{{.*}} : !tt.ptr<i64>
// BLOCKS: tt.return

// And the kernel behind it: waits for its words, lists the blocks, and has one loop over the list.
// LISTED: tt.func public @dense(
// LISTED: tt.elementwise_inline_asm "griddepcontrol.launch_dependents
// LISTED: tt.load %{{.*}} : tensor<16x64x!tt.ptr<bf16>>
// LISTED: tt.elementwise_inline_asm "griddepcontrol.wait
// LISTED: tt.load %{{.*}} : tensor<32x!tt.ptr<i64>>
// LISTED: "tt.scan"
// LISTED: tt.elementwise_inline_asm "bar.sync 0;
// LISTED: tt.load %{{.*}} : !tt.ptr<i32>
// LISTED: scf.for
// LISTED: tt.dot
// LISTED: arith.ori
// LISTED: scf.yield
// LISTED-NOT: tt.dot
// LISTED: tt.return

// Row r holds head r % 4 of query r / 4. The slopes are loaded once, before the one loop,
// which reads of two lists the one that a tile is from and masks the tiles of the first.
// SPARSE: tt.func public @decode(
// SPARSE: %[[FOUR:.*]] = arith.constant dense<4> : tensor<16xi32>
// SPARSE: arith.remsi %{{.*}}, %[[FOUR]]
// SPARSE: arith.divsi %{{.*}}, %[[FOUR]]
// SPARSE: tt.load %{{.*}} : tensor<16x64x!tt.ptr<f32>>
// SPARSE: tt.load %{{.*}} : tensor<16x1x!tt.ptr<f32>>
// SPARSE: scf.for %[[I:[^ ]*]] =
// SPARSE: %[[UNMASKED:.*]] = arith.cmpi sge, %[[I]],
// SPARSE: "div.approx
// SPARSE: "copysign.f32
// SPARSE-NOT: tensor<16x1x!tt.ptr<f32>>
// SPARSE: %[[KEEP:.*]] = arith.cmpi sge, {{.*}} : tensor<16x64xi32>
// SPARSE: %[[ALL:.*]] = tt.splat %[[UNMASKED]] : i1 -> tensor<16x64xi1>
// SPARSE: %[[EITHER:.*]] = arith.ori %[[KEEP]], %[[ALL]]
// SPARSE: %[[EXISTS:.*]] = arith.andi %{{.*}}, %[[EITHER]]
// SPARSE: arith.select %[[EXISTS]]
// SPARSE: scf.yield
// SPARSE-NOT: scf.for
// SPARSE: scf.if

// HEADS: %[[TWO:.*]] = arith.constant dense<2> : tensor<16xi32>
// HEADS: arith.divsi %{{.*}}, %[[TWO]]
// HEADS: scf.for

// Programs that form a cluster read each other's memory; a GPU that has none combines the parts by a second kernel.
// CLUSTER: griddepcontrol.launch_dependents
// CLUSTER: scf.for
// CLUSTER: scf.yield
// CLUSTER: barrier.cluster.wait
// CLUSTER: mapa.shared::cluster
// CLUSTER: tt.store %{{.*}} : tensor<4x
// CLUSTER: barrier.cluster.wait
// HIP-NOT: griddepcontrol
// HIP-NOT: cluster
// HIP: scf.for
// HIP-NOT: griddepcontrol
// HIP-NOT: cluster

// One head in a tile: its number is a scalar.
// UNPACKED: tt.func public @decode(
// UNPACKED-NOT: arith.remsi {{.*}} : tensor<16xi32>
// UNPACKED: arith.remui %{{.*}}, %c4_i32
// UNPACKED-NOT: arith.remsi {{.*}} : tensor<16xi32>
// UNPACKED: scf.for
// UNPACKED-NOT: scf.for
// UNPACKED: scf.if

// Two loops; only the first asks the mask; each is divided.
// UNFUSED: tt.func public @decode({{.*}} %[[SPLITS:[^:]*]]: i32, %{{[^:]*}}: !tt.ptr<f32> {tt.divisibility = 16 : i32}, %{{[^:]*}}: !tt.ptr<f32> {tt.divisibility = 16 : i32}) {
// UNFUSED: %[[S:.*]]:4 = scf.for
// UNFUSED: arith.cmpi sge, {{.*}} : tensor<16x64xi32>
// UNFUSED: scf.yield
// UNFUSED: scf.for {{.*}} = %[[S]]#0
// UNFUSED-NOT: arith.cmpi sge
// UNFUSED: scf.yield
// UNFUSED: scf.if

// The kernel has its own arguments alone, and one way to end.
// UNSPLIT: tt.func public @decode(
// UNSPLIT-NOT: tt.divisibility
// UNSPLIT-NOT: tt.get_program_id y
// UNSPLIT: scf.for
// UNSPLIT-NOT: scf.if
// UNSPLIT: tt.store %{{.*}} : tensor<16x64x!tt.ptr<f32>>
// UNSPLIT-NOT: scf.if

// The slope is loaded for each element.
// TILED: tt.func public @decode(
// TILED-NOT: tt.load {{.*}} : tensor<16x1x
// TILED: scf.for
// TILED: tt.load %{{.*}} : tensor<16x64x!tt.ptr<f32>>
// TILED: scf.yield

// COMBINE-NOT: tt.func
// COMBINE: tt.func public @decode_combine(%{{[^:]*}}: !tt.ptr<f32> {tt.divisibility = 16 : i32}, %{{[^:]*}}: !tt.ptr<f32> {tt.divisibility = 16 : i32}, %[[SPLITS:[^:]*]]: i32,
// COMBINE: scf.for %{{.*}} to %[[SPLITS]] step %c{{[0-9]+}}_i32
// COMBINE: tt.store
// COMBINE-NOT: tt.func

// HIP: tt.extern_elementwise {{.*}} symbol = "__ocml_copysign_f32"

// The library's own tanh.
// LIBRARY: tt.extern_elementwise {{.*}} symbol = "__nv_tanhf"

// PLAINEST: tt.func public @decode(
// PLAINEST-NOT: tt.get_program_id y
// PLAINEST: scf.for
// PLAINEST: scf.for
// PLAINEST-NOT: scf.if

tt.func public @decode(%query: !tt.ptr<f32>, %key: !tt.ptr<f32>, %value: !tt.ptr<f32>, %out: !tt.ptr<f32>,
    %s: i64, %kv_heads: i32, %q_len: i32, %kv_max: i32, %scale: f32, %lens: !tt.ptr<i32>, %given: i1,
    %blocks: !tt.ptr<i32>, %slopes: !tt.ptr<f32>) {
  %one = arith.constant 1 : i64
  %q = flex.view %query[%s, %s, %s, %one] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %k = flex.view %key[%s, %s, %s, %one] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %v = flex.view %value[%s, %s, %s, %one] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %o = flex.view %out[%s, %s, %s, %one] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %len = flex.per_batch %kv_max, %lens if %given : !tt.ptr<i32>
  %partial = flex.block_table %blocks, %blocks strides(%s, %s, %s) blocks(128 x 128)
  %full = flex.block_table %blocks, %blocks strides(%s, %s, %s) blocks(128 x 256)
  flex.decode %q, %k, %v -> %o kv_heads(%kv_heads) q_len(%q_len) kv_max(%kv_max) scale(%scale)
      q_offset(%len) kv_len(%len)
      score_mod @softcap_alibi score_captures(%slopes : !tt.ptr<f32>) mask_mod @causal
      partial(%partial) full(%full)
      {group = 4 : i32, head_dim = 64 : i32, value_dim = 64 : i32, rows = 16 : i32, keys = 64 : i32}
      : !flex.view<4 x f32>, !flex.view<4 x f32>, !flex.view<4 x f32> -> !flex.view<4 x f32>
  tt.return
}
