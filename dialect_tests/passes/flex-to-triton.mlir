// RUN: pyflex-opt %s --flex-to-triton --canonicalize --cse | FileCheck %s --implicit-check-not=flex.

// One head and consecutive queries: row r is query r of the tile.
// CHECK-LABEL: tt.func @rows_of_one_head(
// CHECK-SAME: %[[KV_HEADS:.*]]: i32, %[[Q_LEN:.*]]: i32)
tt.func @rows_of_one_head(%kv_heads: i32, %q_len: i32) -> (i32, i32, i32, i32, tensor<16xi32>, tensor<16xi32>, tensor<16xi1>) {
  // CHECK: %[[UP:.*]] = arith.addi %[[Q_LEN]], %c15_i32
  // CHECK: %[[TILES:.*]] = arith.divsi %[[UP]], %c16_i32
  // CHECK: %[[ID:.*]] = tt.get_program_id x
  // CHECK: %[[TILE:.*]] = arith.remui %[[ID]], %[[TILES]]
  // CHECK: %[[REST:.*]] = arith.divui %[[ID]], %[[TILES]]
  // CHECK: %[[HEAD:.*]] = arith.remui %[[REST]], %[[KV_HEADS]]
  // CHECK: %[[BATCH:.*]] = arith.divui %[[REST]], %[[KV_HEADS]]
  // CHECK: %[[FIRST:.*]] = arith.muli %[[TILE]], %c16_i32
  // CHECK: %[[LAST:.*]] = arith.subi %[[Q_LEN]], %c1_i32
  // CHECK: %[[FIRST_CLAMPED:.*]] = arith.minsi %[[FIRST]], %[[LAST]]
  // CHECK: %[[RANGE:.*]] = tt.make_range {end = 16 : i32, start = 0 : i32}
  // CHECK: %[[SPLAT:.*]] = tt.splat %[[FIRST]]
  // CHECK: %[[QUERY:.*]] = arith.addi %[[SPLAT]], %[[RANGE]]
  // CHECK: %[[LIMIT:.*]] = tt.splat %[[Q_LEN]]
  // CHECK: %[[VALID:.*]] = arith.cmpi slt, %[[QUERY]], %[[LIMIT]]
  // CHECK: %[[HEADS:.*]] = tt.splat %[[HEAD]]
  // CHECK: %[[LASTS:.*]] = tt.splat %[[LAST]]
  // CHECK: %[[CLAMPED:.*]] = arith.minsi %[[QUERY]], %[[LASTS]]
  // CHECK: tt.return %[[BATCH]], %[[HEAD]], %[[HEAD]], %[[FIRST_CLAMPED]], %[[HEADS]], %[[CLAMPED]], %[[VALID]]
  %0:7 = flex.rows(%kv_heads, %q_len) group(1) tile(1 heads x 16 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return %0#0, %0#1, %0#2, %0#3, %0#4, %0#5, %0#6 : i32, i32, i32, i32, tensor<16xi32>, tensor<16xi32>, tensor<16xi1>
}

// Three of five heads and five queries: the group takes two programs, a row is left over, and so is a head.
// CHECK-LABEL: tt.func @rows_of_part_of_a_group(
tt.func @rows_of_part_of_a_group(%kv_heads: i32, %q_len: i32) -> (tensor<16xi32>, tensor<16xi1>) {
  // CHECK-DAG: %[[THREE:.*]] = arith.constant dense<3> : tensor<16xi32>
  // CHECK-DAG: %[[FIVE:.*]] = arith.constant dense<5> : tensor<16xi32>
  // CHECK-DAG: %[[FOUR:.*]] = arith.constant dense<4> : tensor<16xi32>
  // CHECK: %[[PORTION:.*]] = arith.remui %{{.*}}, %c2_i32
  // CHECK: %[[FIRST:.*]] = arith.muli %[[PORTION]], %c3_i32
  // CHECK: %[[ROW:.*]] = tt.make_range
  // CHECK: %[[HEAD_IN_TILE:.*]] = arith.remsi %[[ROW]], %[[THREE]]
  // CHECK: %[[QUERY_IN_TILE:.*]] = arith.divsi %[[ROW]], %[[THREE]]
  // CHECK: %[[FIRSTS:.*]] = tt.splat %[[FIRST]]
  // CHECK: %[[HEAD:.*]] = arith.addi %[[FIRSTS]], %[[HEAD_IN_TILE]]
  // CHECK: %[[A:.*]] = arith.cmpi slt
  // CHECK: %[[B:.*]] = arith.cmpi slt, %[[QUERY_IN_TILE]], %[[FIVE]]
  // CHECK: %[[AB:.*]] = arith.andi %[[A]], %[[B]]
  // CHECK: %[[C:.*]] = arith.cmpi slt, %[[HEAD]], %[[FIVE]]
  // CHECK: %[[VALID:.*]] = arith.andi %[[AB]], %[[C]]
  // CHECK: arith.minsi %[[HEAD]], %[[FOUR]]
  // CHECK: tt.return %{{.*}}, %[[VALID]]
  %0:7 = flex.rows(%kv_heads, %q_len) group(5) tile(3 heads x 5 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return %0#4, %0#6 : tensor<16xi32>, tensor<16xi1>
}

// 26 tiles of 5 queries fill a block of 128, none reaches into the next, and the last block has those it needs.
// CHECK-LABEL: tt.func @rows_within_a_block(
// CHECK-SAME: %{{[^:]*}}: i32, %[[Q_LEN:[^:]*]]: i32)
tt.func @rows_within_a_block(%kv_heads: i32, %q_len: i32) -> tensor<16xi1> {
  // CHECK-DAG: %[[REST:.*]] = arith.remsi %[[Q_LEN]], %c128_i32
  // CHECK-DAG: %[[UP:.*]] = arith.addi %[[REST]], %c4_i32
  // CHECK-DAG: %[[REST_TILES:.*]] = arith.divsi %[[UP]], %c5_i32
  // CHECK-DAG: %[[BLOCKS:.*]] = arith.divsi %[[Q_LEN]], %c128_i32
  // CHECK-DAG: %[[BLOCK_TILES:.*]] = arith.muli %[[BLOCKS]], %c26_i32
  // CHECK: %[[TILES:.*]] = arith.addi %[[BLOCK_TILES]], %[[REST_TILES]]
  // CHECK: %[[TILE:.*]] = arith.remui %{{.*}}, %[[TILES]]
  // CHECK: %[[BLOCK:.*]] = arith.divsi %[[TILE]], %c26_i32
  // CHECK: %[[START:.*]] = arith.muli %[[BLOCK]], %c128_i32
  // CHECK: %[[IN_BLOCK:.*]] = arith.remsi %[[TILE]], %c26_i32
  // CHECK: %[[END:.*]] = arith.addi %[[START]], %c128_i32
  // CHECK: %[[LIMIT:.*]] = arith.minsi %[[Q_LEN]], %[[END]]
  // CHECK: tt.splat %[[LIMIT]]
  // CHECK: arith.cmpi slt
  %0:7 = flex.rows(%kv_heads, %q_len) group(3) tile(3 heads x 5 queries) within(128) : tensor<16xi32>, tensor<16xi1>
  tt.return %0#6 : tensor<16xi1>
}

// One query has one tile, and is number 0 in all of its rows.
// CHECK-LABEL: tt.func @rows_of_one_query(
// CHECK-SAME: %[[KV_HEADS:.*]]: i32)
tt.func @rows_of_one_query(%kv_heads: i32) -> (i32, i32, tensor<16xi32>) {
  // CHECK: %[[ZEROS:.*]] = arith.constant dense<0> : tensor<16xi32>
  // CHECK: %[[ID:.*]] = tt.get_program_id x
  // CHECK-NEXT: %[[KV_HEAD:.*]] = arith.remui %[[ID]], %[[KV_HEADS]]
  // CHECK-NEXT: %[[BATCH:.*]] = arith.divui %[[ID]], %[[KV_HEADS]]
  // CHECK-NEXT: tt.return %[[BATCH]], %[[KV_HEAD]], %[[ZEROS]]
  %one = arith.constant 1 : i32
  %0:7 = flex.rows(%kv_heads, %one) group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  tt.return %0#0, %0#1, %0#5 : i32, i32, tensor<16xi32>
}

// CHECK-LABEL: tt.func @per_batch_value(
// CHECK-SAME: %[[N:.*]]: i32, %[[P:.*]]: !tt.ptr<i64>, %[[GIVEN:.*]]: i1, %[[B:.*]]: i32)
tt.func @per_batch_value(%n: i32, %p: !tt.ptr<i64>, %given: i1, %b: i32) -> i32 {
  // CHECK: %[[ADDRESS:.*]] = tt.addptr %[[P]], %[[B]]
  // CHECK: %[[LOADED:.*]] = tt.load %[[ADDRESS]], %[[GIVEN]], %c0_i64
  // A number past 32 bits is the nearest one that there is.
  // CHECK: %[[LESS:.*]] = arith.minsi %[[LOADED]], %c2147483647_i64
  // CHECK: %[[MORE:.*]] = arith.maxsi %[[LESS]], %c-2147483648_i64
  // CHECK: %[[NARROW:.*]] = arith.trunci %[[MORE]] : i64 to i32
  // CHECK: arith.select %[[GIVEN]], %[[NARROW]], %[[N]]
  %all = flex.per_batch %n, %p if %given : !tt.ptr<i64>
  %0 = flex.at %all[%b]
  tt.return %0 : i32
}

// Offsets are 64 bits wide; columns past the view's last are not read.
// CHECK-LABEL: tt.func @load(
// CHECK-SAME: %[[P:.*]]: !tt.ptr<bf16>, %[[SB:.*]]: i64, %[[SH:.*]]: i64, %[[SN:.*]]: i64, %[[B:.*]]: i32, %[[H:.*]]: i32, %[[INDEX:.*]]: tensor<64xi32>, %[[VALID:.*]]: tensor<64xi1>)
tt.func @load(%p: !tt.ptr<bf16>, %sb: i64, %sh: i64, %sn: i64, %b: i32, %h: i32, %index: tensor<64xi32>,
              %valid: tensor<64xi1>) -> tensor<64x64xbf16> {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<64x64xbf16>
  // CHECK-DAG: %[[LIMIT:.*]] = arith.constant dense<48> : tensor<1x64xi32>
  // CHECK: %[[B64:.*]] = arith.extsi %[[B]] : i32 to i64
  // CHECK: %[[BO:.*]] = arith.muli %[[B64]], %[[SB]] : i64
  // CHECK: tt.addptr %[[P]], %[[BO]]
  // CHECK: %[[COLUMN:.*]] = tt.expand_dims %[[INDEX]] {axis = 1 : i32}
  // CHECK: arith.extsi %[[COLUMN]] : tensor<64x1xi32> to tensor<64x1xi64>
  // CHECK: %[[H64:.*]] = arith.extsi %[[H]] : i32 to i64
  // CHECK: arith.muli %[[H64]], %[[SH]] : i64
  // CHECK: %[[IN_LINE:.*]] = arith.cmpi slt, %{{.*}}, %[[LIMIT]]
  // CHECK: %[[MASK:.*]] = arith.andi
  // CHECK: tt.load %{{.*}}, %[[MASK]], %[[ZERO]] : tensor<64x64x!tt.ptr<bf16>>
  %one = arith.constant 1 : i64
  %view = flex.view %p[%sb, %sh, %sn, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %0 = flex.load %view[%b, %h, %index] if %valid columns 48
      : !flex.view<4 x bf16>, i32, tensor<64xi32>, tensor<64xi1> -> tensor<64x64xbf16>
  tt.return %0 : tensor<64x64xbf16>
}

// CHECK-LABEL: tt.func @store(
tt.func @store(%p: !tt.ptr<bf16>, %l: !tt.ptr<f32>, %s: i64, %b: i32, %row: tensor<16xi32>, %valid: tensor<16xi1>,
               %tile: tensor<16x64xf32>, %column: tensor<16xf32>) {
  // CHECK: %[[BF16:.*]] = arith.truncf %{{.*}} : tensor<16x64xf32> to tensor<16x64xbf16>
  // CHECK: tt.store %{{.*}}, %[[BF16]], %{{.*}} : tensor<16x64x!tt.ptr<bf16>>
  %view = flex.view %p[%s, %s, %s, %s] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  flex.store %tile -> %view[%b, %row, %row] if %valid columns 64
      : tensor<16x64xf32> -> !flex.view<4 x bf16>, tensor<16xi32>, tensor<16xi1>
  // CHECK-NOT: arith.truncf
  // CHECK: tt.store %{{.*}}, %{{.*}}, %{{.*}} : tensor<16x1x!tt.ptr<f32>>
  %lse = flex.view %l[%s, %s, %s] : !tt.ptr<f32> -> !flex.view<3 x f32>
  flex.store %column -> %lse[%b, %row, %row] if %valid columns 1
      : tensor<16xf32> -> !flex.view<3 x f32>, tensor<16xi32>, tensor<16xi1>
  tt.return
}

// Positions are clamped below the limit; without a limit no tile is visited.
// CHECK-LABEL: tt.func @loop_over_range(
// CHECK-SAME: %[[LENGTH:.*]]: i32, %[[LIMIT:.*]]: i32, %[[INIT:.*]]: tensor<64xi32>)
tt.func @loop_over_range(%length: i32, %limit: i32, %init: tensor<64xi32>) -> tensor<64xi32> {
  // CHECK: %[[UP:.*]] = arith.addi %[[LENGTH]], %c63_i32
  // CHECK: %[[TILES:.*]] = arith.divsi %[[UP]], %c64_i32
  // CHECK: %[[ANY:.*]] = arith.cmpi sgt, %[[LIMIT]], %c0_i32
  // CHECK: %[[END:.*]] = arith.select %[[ANY]], %[[TILES]], %c0_i32
  // CHECK: %[[R:.*]] = scf.for %[[I:[^ ]*]] = %c0_i32 to %[[END]] step %c1_i32 iter_args(%[[IN:.*]] = %[[INIT]]) -> (tensor<64xi32>) : i32 {
  // CHECK: %[[START:.*]] = arith.muli %[[I]], %c64_i32
  // CHECK: %[[STARTS:.*]] = tt.splat %[[START]]
  // CHECK: %[[KV:.*]] = arith.addi %[[STARTS]], %{{.*}}
  // CHECK: %[[VALID:.*]] = arith.cmpi slt, %[[KV]], %{{.*}}
  // CHECK: %[[LAST:.*]] = arith.subi %[[LIMIT]], %c1_i32
  // CHECK: %[[LASTS:.*]] = tt.splat %[[LAST]]
  // CHECK: %[[CLAMPED:.*]] = arith.minsi %[[KV]], %[[LASTS]]
  // CHECK: %[[NEXT:.*]] = arith.select %[[VALID]], %[[CLAMPED]], %[[IN]]
  // CHECK: scf.yield %[[NEXT]]
  %all = flex.range %length
  %0 = flex.for %all below %limit init(%init : tensor<64xi32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %in: tensor<64xi32>):
    %next = arith.select %valid, %kv, %in : tensor<64xi1>, tensor<64xi32>
    flex.yield %next : tensor<64xi32>
  } -> tensor<64xi32>
  tt.return %0 : tensor<64xi32>
}

// Two tiles make up a block: one index is read for each tile, a tile ahead.
// CHECK-LABEL: tt.func @loop_over_large_blocks(
// CHECK-SAME: %[[COUNTS:.*]]: !tt.ptr<i32>, %[[INDICES:.*]]: !tt.ptr<i32>, %[[SB:.*]]: i64, %[[SH:.*]]: i64, %[[ROW:.*]]: i64,
tt.func @loop_over_large_blocks(%counts: !tt.ptr<i32>, %indices: !tt.ptr<i32>, %sb: i64, %sh: i64, %row: i64,
                                %b: i32, %h: i32, %q: i32, %limit: i32, %init: tensor<64xi32>) -> tensor<64xi32> {
  // CHECK: %[[BLOCK_OF_Q:.*]] = arith.divsi %{{.*}}, %c32_i32 : i32
  // CHECK: %[[AT:.*]] = tt.addptr %[[COUNTS]], %[[PLACE:.*]] :
  // CHECK: %[[GIVEN:.*]] = tt.load %[[AT]]
  // CHECK: %[[ROOM:.*]] = arith.trunci %[[ROW]]
  // CHECK: %[[COUNT:.*]] = arith.minsi %[[GIVEN]], %[[ROOM]]
  // CHECK: %[[LINE:.*]] = arith.muli %[[PLACE]], %[[ROW]] : i64
  // CHECK: %[[LIST:.*]] = tt.addptr %[[INDICES]], %[[LINE]]
  // CHECK: %[[TILES:.*]] = arith.muli %[[COUNT]], %c2_i32
  // CHECK: %[[END:.*]] = arith.select %{{.*}}, %[[TILES]], %c0_i32
  // CHECK: %[[ANY:.*]] = arith.cmpi sgt, %[[END]], %c0_i32
  // CHECK: %[[FIRST:.*]] = tt.load %[[LIST]], %[[ANY]], %c0_i32
  // CHECK: scf.for %[[I:[^ ]*]] = {{.*}} iter_args(%{{.*}} = %{{.*}}, %[[NUMBER:.*]] = %[[FIRST]])
  // CHECK-DAG: %[[LOW:.*]] = arith.minsi %[[NUMBER]], %c16777215_i32
  // CHECK-DAG: %[[KNOWN:.*]] = arith.maxsi %[[LOW]], %c0_i32
  // CHECK-DAG: %[[START:.*]] = arith.muli %[[KNOWN]], %c128_i32
  // CHECK-DAG: %[[PART:.*]] = arith.remsi %[[I]], %c2_i32
  // CHECK-DAG: %[[OFFSET:.*]] = arith.muli %[[PART]], %c64_i32
  // CHECK: arith.addi %[[START]], %[[OFFSET]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %c1_i32
  // CHECK: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]], %[[END]]
  // CHECK: %[[SLOT:.*]] = arith.divsi %[[NEXT]], %c2_i32
  // CHECK: %[[ADDRESS:.*]] = tt.addptr %[[LIST]], %[[SLOT]]
  // CHECK: %[[AHEAD:.*]] = tt.load %[[ADDRESS]], %[[MORE]], %c0_i32
  // CHECK: scf.yield %{{.*}}, %[[AHEAD]]
  %table = flex.block_table %counts, %indices strides(%sb, %sh, %row) blocks(32 x 128)
  %list = flex.list %table[%b, %h, %q]
  %0 = flex.for %list below %limit init(%init : tensor<64xi32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %in: tensor<64xi32>):
    flex.yield %kv : tensor<64xi32>
  } -> tensor<64xi32>
  tt.return %0 : tensor<64xi32>
}

// A tile runs across blocks: each position reads its own block's index.
// CHECK-LABEL: tt.func @loop_over_small_blocks(
tt.func @loop_over_small_blocks(%p: !tt.ptr<i32>, %s: i64, %n: i32, %init: tensor<64xi32>) -> tensor<64xi32> {
  // CHECK-DAG: %[[NOWHERE:.*]] = arith.constant dense<2147483647> : tensor<64xi32>
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0> : tensor<64xi32>
  // CHECK-DAG: %[[BLOCK:.*]] = arith.constant dense<48> : tensor<64xi32>
  // CHECK: %[[GIVEN:.*]] = tt.load
  // CHECK: %[[COUNT:.*]] = arith.minsi %[[GIVEN]], %{{.*}}
  // CHECK: %[[KEYS:.*]] = arith.muli %[[COUNT]], %c48_i32
  // CHECK: %[[UP:.*]] = arith.addi %[[KEYS]], %c63_i32
  // CHECK: arith.divsi %[[UP]], %c64_i32
  // CHECK: %[[FIRST:.*]] = tt.load {{.*}}, %[[ZERO]] : tensor<64x!tt.ptr<i32>>
  // CHECK: scf.for %[[I:[^ ]*]] = {{.*}}, %[[NUMBER:.*]] = %[[FIRST]])
  // CHECK: %[[LOW:.*]] = arith.minsi %[[NUMBER]]
  // CHECK: %[[KNOWN:.*]] = arith.maxsi %[[LOW]], %[[ZERO]]
  // CHECK: %[[START:.*]] = arith.muli %[[KNOWN]], %[[BLOCK]]
  // CHECK: %[[IN_BLOCK:.*]] = arith.remsi %[[PLACE:.*]], %[[BLOCK]]
  // CHECK: %[[KV:.*]] = arith.addi %[[START]], %[[IN_BLOCK]]
  // CHECK: %[[OWN:.*]] = arith.divsi %[[PLACE]], %[[BLOCK]]
  // CHECK: %[[HERE:.*]] = arith.cmpi slt, %[[OWN]]
  // CHECK: arith.select %[[HERE]], %[[KV]], %[[NOWHERE]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %c1_i32
  // CHECK: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]]
  // CHECK: %[[SLOT:.*]] = arith.divsi %{{.*}}, %[[BLOCK]]
  // CHECK: %[[THERE:.*]] = arith.cmpi slt, %[[SLOT]]
  // CHECK: %[[MORES:.*]] = tt.splat %[[MORE]]
  // CHECK: %[[EXISTS:.*]] = arith.andi %[[THERE]], %[[MORES]]
  // CHECK: %[[AHEAD:.*]] = tt.load %{{.*}}, %[[EXISTS]], %[[ZERO]] : tensor<64x!tt.ptr<i32>>
  // CHECK: scf.yield %{{.*}}, %[[AHEAD]]
  %table = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 48)
  %list = flex.list %table[%n, %n, %n]
  %0 = flex.for %list below %n init(%init : tensor<64xi32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %in: tensor<64xi32>):
    flex.yield %kv : tensor<64xi32>
  } -> tensor<64xi32>
  tt.return %0 : tensor<64xi32>
}

// A list is read where its loop is: what is stored on the way lies elsewhere.
// CHECK-LABEL: tt.func @list_named_ahead_of_a_store(
// CHECK-SAME: %[[P:[^:]*]]: !tt.ptr<i32>, %[[ELSEWHERE:[^:]*]]: !tt.ptr<i32>
tt.func @list_named_ahead_of_a_store(%p: !tt.ptr<i32>, %elsewhere: !tt.ptr<i32>, %s: i64, %n: i32,
                                     %init: tensor<64xi32>) -> tensor<64xi32> {
  // CHECK: tt.store %[[ELSEWHERE]]
  // CHECK: %[[AT:.*]] = tt.addptr %[[P]]
  // CHECK: tt.load %[[AT]]
  // CHECK: scf.for
  %table = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 64)
  %list = flex.list %table[%n, %n, %n]
  tt.store %elsewhere, %n : !tt.ptr<i32>
  %0 = flex.for %list below %n init(%init : tensor<64xi32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %in: tensor<64xi32>):
    flex.yield %kv : tensor<64xi32>
  } -> tensor<64xi32>
  tt.return %0 : tensor<64xi32>
}

// The loop knows which sequence a tile is from, and reads that one's list alone,
// a tile ahead.
// CHECK-LABEL: tt.func @loop_over_both_lists(
tt.func @loop_over_both_lists(%p: !tt.ptr<i32>, %s: i64, %n: i32, %init: i1) -> i1 {
  // CHECK: %[[GIVEN:.*]] = tt.load
  // CHECK: %[[COUNT:.*]] = arith.minsi %[[GIVEN]], %{{.*}}
  // CHECK: %[[TILES:.*]] = arith.muli %[[COUNT]], %c2_i32
  // CHECK: %[[MASKED:.*]] = arith.maxsi %[[TILES]], %c0_i32
  // CHECK: %[[TOTAL:.*]] = arith.addi %[[MASKED]], %{{.*}}
  // CHECK: %[[LEFT:.*]] = tt.load
  // CHECK: %[[RIGHT:.*]] = tt.load
  // CHECK: scf.for %[[I:[^ ]*]] = %c0_i32 to %[[END:[^ ]*]] {{.*}} %[[A:.*]] = %[[LEFT]], %[[B:.*]] = %[[RIGHT]])
  // CHECK: arith.minsi %[[A]], %c16777215_i32
  // CHECK: arith.subi %[[I]], %[[MASKED]]
  // CHECK: arith.minsi %[[B]], %c8388607_i32
  // CHECK: %[[IN_MASKED:.*]] = arith.cmpi slt, %[[I]], %[[MASKED]]
  // CHECK: %[[START:.*]] = arith.select %[[IN_MASKED]]
  // CHECK: %[[IN_UNMASKED:.*]] = arith.cmpi sge, %[[I]], %[[MASKED]]
  // CHECK: %[[NEXT:.*]] = arith.addi %[[I]], %c1_i32
  // CHECK: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]], %[[END]]
  // CHECK: %[[ONE:.*]] = arith.cmpi slt, %[[NEXT]], %[[MASKED]]
  // CHECK: %[[OTHER:.*]] = arith.cmpi sge, %[[NEXT]], %[[MASKED]]
  // CHECK: %[[READ_ONE:.*]] = arith.andi %[[MORE]], %[[ONE]]
  // CHECK: %[[A_AHEAD:.*]] = tt.load %{{.*}}, %[[READ_ONE]], %c0_i32
  // CHECK: %[[READ_OTHER:.*]] = arith.andi %[[MORE]], %[[OTHER]]
  // CHECK: %[[B_AHEAD:.*]] = tt.load %{{.*}}, %[[READ_OTHER]], %c0_i32
  // CHECK: arith.select %[[IN_UNMASKED]]
  // CHECK: scf.yield %{{.*}}, %[[A_AHEAD]], %[[B_AHEAD]]
  %table = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 128)
  %large = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 256)
  %masked = flex.list %table[%n, %n, %n]
  %full = flex.list %large[%n, %n, %n]
  %both = flex.concat %masked, %full
  %0 = flex.for %both below %n init(%init : i1) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %in: i1):
    %any = "tt.reduce"(%valid) <{axis = 0 : i32}> ({
    ^bb0(%x: i1, %y: i1):
      %either = arith.ori %x, %y : i1
      tt.reduce.return %either : i1
    }) : (tensor<64xi1>) -> i1
    %next = arith.select %unmasked, %any, %in : i1
    flex.yield %next : i1
  } -> i1
  tt.return %0 : i1
}

// Tiles that lie in one block each, and tiles that run across blocks: all are positions.
// CHECK-LABEL: tt.func @loop_over_blocks_of_two_kinds(
tt.func @loop_over_blocks_of_two_kinds(%p: !tt.ptr<i32>, %s: i64, %n: i32, %init: tensor<16xi32>) -> tensor<16xi32> {
  // CHECK: scf.for
  // CHECK: %[[ACROSS:.*]] = arith.select {{.*}} : tensor<16xi1>, tensor<16xi32>
  // CHECK: %[[WHOLE:.*]] = arith.addi {{.*}} : tensor<16xi32>
  // CHECK: %[[KEYS:.*]] = arith.select %{{.*}}, %[[WHOLE]], %[[ACROSS]]
  // CHECK: arith.cmpi slt, %[[KEYS]]
  %even = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 16)
  %odd = flex.block_table %p, %p strides(%s, %s, %s) blocks(128 x 24)
  %masked = flex.list %even[%n, %n, %n]
  %full = flex.list %odd[%n, %n, %n]
  %both = flex.concat %masked, %full
  %0 = flex.for %both below %n init(%init : tensor<16xi32>) {
  ^bb0(%kv: tensor<16xi32>, %valid: tensor<16xi1>, %unmasked: i1, %in: tensor<16xi32>):
    %next = arith.select %valid, %kv, %in : tensor<16xi1>, tensor<16xi32>
    flex.yield %next : tensor<16xi32>
  } -> tensor<16xi32>
  tt.return %0 : tensor<16xi32>
}

// Part p of n takes count / n tiles, and one more if it is among the first count % n.
// CHECK-LABEL: tt.func @loop_over_a_part(
// CHECK-SAME: %[[N:.*]]: i32, %[[PART:.*]]: i32, %[[PARTS:.*]]: i32, %{{.*}}: tensor<64xi32>)
tt.func @loop_over_a_part(%n: i32, %part: i32, %parts: i32, %init: tensor<64xi32>) -> tensor<64xi32> {
  // CHECK: %[[TILES:.*]] = arith.divsi %{{.*}}, %c64_i32
  // CHECK: %[[STOP:.*]] = arith.select %{{.*}}, %[[TILES]], %[[PART]]
  // CHECK: scf.for %[[TILE:.*]] = %[[PART]] to %[[STOP]] step %[[PARTS]]
  // CHECK: arith.muli %[[TILE]], %c64_i32
  %all = flex.range %n
  %mine = flex.slice %all, %part of %parts
  %0 = flex.for %mine below %n init(%init : tensor<64xi32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %in: tensor<64xi32>):
    flex.yield %kv : tensor<64xi32>
  } -> tensor<64xi32>
  tt.return %0 : tensor<64xi32>
}

// CHECK-LABEL: tt.func @scores(
// CHECK-SAME: %[[Q:.*]]: tensor<16x32xbf16>, %[[K:.*]]: tensor<64x32xbf16>, %[[SCALE:.*]]: f32, %[[VALID:.*]]: tensor<64xi1>)
tt.func @scores(%q: tensor<16x32xbf16>, %k: tensor<64x32xbf16>, %scale: f32, %valid: tensor<64xi1>) -> tensor<16x64xf32> {
  // CHECK-DAG: %[[NONE:.*]] = arith.constant dense<0xFF800000> : tensor<16x64xf32>
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<16x64xf32>
  // CHECK: %[[KT:.*]] = tt.trans %[[K]] {order = array<i32: 1, 0>}
  // CHECK: %[[DOT:.*]] = tt.dot %[[Q]], %[[KT]], %[[ZERO]], inputPrecision = tf32 :
  // CHECK: %[[SCALES:.*]] = tt.splat %[[SCALE]]
  // CHECK: %[[S:.*]] = arith.mulf %[[DOT]], %[[SCALES]]
  // CHECK: %[[EXISTS:.*]] = tt.broadcast
  // CHECK: arith.select %[[EXISTS]], %[[S]], %[[NONE]]
  %0 = flex.scores %q, %k, %scale precision tf32 : tensor<16x32xbf16>, tensor<64x32xbf16> -> tensor<16x64xf32>
  %1 = flex.bound %0 if %valid : tensor<16x64xf32>, tensor<64xi1>
  tt.return %1 : tensor<16x64xf32>
}

// The maximum is in base 2, and -inf is never subtracted from -inf.
// CHECK-LABEL: tt.func @online_softmax(
// CHECK-SAME: %[[M:.*]]: tensor<16xf32>, %[[L:.*]]: tensor<16xf32>, %[[ACC:.*]]: tensor<16x32xf32>, %[[S:.*]]: tensor<16x64xf32>, %[[V:.*]]: tensor<64x32xbf16>)
tt.func @online_softmax(%m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x32xf32>, %s: tensor<16x64xf32>,
                        %v: tensor<64x32xbf16>) -> (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>) {
  // CHECK-DAG: %[[LOG2E:.*]] = arith.constant dense<1.44269502> : tensor<16x64xf32>
  // CHECK-DAG: %[[NONE:.*]] = arith.constant dense<0xFF800000> : tensor<16xf32>
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0.000000e+00> : tensor<16xf32>
  // CHECK: %[[S2:.*]] = arith.mulf %[[S]], %[[LOG2E]]
  // CHECK: %[[TILE_MAX:.*]] = "tt.reduce"(%[[S2]]) <{axis = 1 : i32}>
  // CHECK: arith.maxnumf
  // CHECK: %[[MAX:.*]] = arith.maxnumf %[[M]], %[[TILE_MAX]]
  // CHECK: %[[EMPTY:.*]] = arith.cmpf oeq, %[[MAX]], %[[NONE]]
  // CHECK: %[[SHIFT:.*]] = arith.select %[[EMPTY]], %[[ZERO]], %[[MAX]]
  // CHECK: %[[WEIGHTS:.*]] = math.exp2 %{{.*}} : tensor<16x64xf32>
  // CHECK: %[[CHANGE:.*]] = arith.subf %[[M]], %[[SHIFT]]
  // CHECK: %[[DECAY:.*]] = math.exp2 %[[CHANGE]] : tensor<16xf32>
  // CHECK-DAG: %[[TILE_SUM:.*]] = "tt.reduce"(%[[WEIGHTS]]) <{axis = 1 : i32}>
  // CHECK-DAG: %[[OLD_SUM:.*]] = arith.mulf %[[L]], %[[DECAY]]
  // CHECK: %[[SUM:.*]] = arith.addf %[[OLD_SUM]], %[[TILE_SUM]]
  // CHECK: %[[OLD_ACC:.*]] = arith.mulf %[[ACC]],
  // CHECK: %[[W16:.*]] = arith.truncf %[[WEIGHTS]] : tensor<16x64xf32> to tensor<16x64xbf16>
  // CHECK: %[[NEW_ACC:.*]] = tt.dot %[[W16]], %[[V]], %[[OLD_ACC]] :
  // CHECK: tt.return %[[MAX]], %[[SUM]], %[[NEW_ACC]]
  %0:3 = flex.online_softmax(%m, %l, %acc), %s, %v
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>), tensor<16x64xf32>, tensor<64x32xbf16>
  tt.return %0#0, %0#1, %0#2 : tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>
}

// A row that saw no key gives 0, -inf and -inf.
// CHECK-LABEL: tt.func @softmax_finish(
// CHECK-SAME: %[[M:.*]]: tensor<16xf32>, %[[L:.*]]: tensor<16xf32>, %[[ACC:.*]]: tensor<16x32xf32>)
tt.func @softmax_finish(%m: tensor<16xf32>, %l: tensor<16xf32>, %acc: tensor<16x32xf32>)
    -> (tensor<16x32xf32>, tensor<16xf32>, tensor<16xf32>) {
  // CHECK-DAG: %[[LN2:.*]] = arith.constant dense<0.693147182> : tensor<16xf32>
  // CHECK-DAG: %[[NONE:.*]] = arith.constant dense<0xFF800000> : tensor<16xf32>
  // CHECK-DAG: %[[ONE:.*]] = arith.constant dense<1.000000e+00> : tensor<16xf32>
  // CHECK: %[[EMPTY:.*]] = arith.cmpf oeq, %[[L]],
  // CHECK: %[[SUM:.*]] = arith.select %[[EMPTY]], %[[ONE]], %[[L]]
  // CHECK: %[[OUT:.*]] = arith.divf %[[ACC]]
  // CHECK: %[[LOG:.*]] = math.log2 %[[SUM]]
  // CHECK: %[[LOG2:.*]] = arith.addf %[[M]], %[[LOG]]
  // CHECK: %[[NATURAL:.*]] = arith.mulf %[[LOG2]], %[[LN2]]
  // CHECK: %[[LSE:.*]] = arith.select %[[EMPTY]], %[[NONE]], %[[NATURAL]]
  // CHECK: %[[MAX:.*]] = arith.mulf %[[M]], %[[LN2]]
  // CHECK: tt.return %[[OUT]], %[[LSE]], %[[MAX]]
  %0:3 = flex.softmax_finish(%m, %l, %acc) : (tensor<16xf32>, tensor<16xf32>, tensor<16x32xf32>)
  tt.return %0#0, %0#1, %0#2 : tensor<16x32xf32>, tensor<16xf32>, tensor<16xf32>
}

// Up to 8 splits are combined without a loop, by as many programs as there are 128 columns; more in rounds.
// CHECK-LABEL: tt.func @combine(
// CHECK-SAME: %[[PO:[^:]*]]: !tt.ptr<f32>, %[[PS:[^:]*]]: !tt.ptr<f32>, %[[SPLITS:[^:]*]]: i32, %[[HEADS:[^:]*]]: i32, %[[Q_LEN:[^:]*]]: i32
tt.func @combine(%partial_acc: !tt.ptr<f32>, %partial_state: !tt.ptr<f32>, %splits: i32, %heads: i32, %q_len: i32,
                 %out: !tt.ptr<f16>, %lse: !tt.ptr<f32>, %s: i64) {
  // CHECK: %[[ROW:.*]] = tt.get_program_id x
  // CHECK: %[[QUERY:.*]] = arith.remui %[[ROW]], %[[Q_LEN]]
  // CHECK: %[[REST:.*]] = arith.divui %[[ROW]], %[[Q_LEN]]
  // CHECK: %[[HEAD:.*]] = arith.remui %[[REST]], %[[HEADS]]
  // CHECK: %[[BATCH:.*]] = arith.divui %[[REST]], %[[HEADS]]
  // CHECK: %[[STATE:.*]] = tt.addptr %[[PS]],
  // CHECK: %[[OUTS:.*]] = tt.addptr %[[PO]],
  // CHECK: %[[FEW:.*]] = arith.cmpi sle, %[[SPLITS]], %c8_i32
  // CHECK: scf.if %[[FEW]] {
  // CHECK-NOT: scf.for
  // CHECK: tt.load {{.*}} : tensor<8x!tt.ptr<f32>>
  // CHECK: tt.load {{.*}} : tensor<8x64x!tt.ptr<f32>>
  // CHECK: %[[RESULT:.*]] = arith.divf
  // CHECK: %[[F16:.*]] = arith.truncf %[[RESULT]] : tensor<64xf32> to tensor<64xf16>
  // CHECK: tt.store %{{.*}}, %[[F16]], %{{.*}} : tensor<64x!tt.ptr<f16>>
  // CHECK: tt.store %{{.*}}, %{{.*}} : !tt.ptr<f32>
  // CHECK: } else {
  // CHECK: %[[R:.*]]:3 = scf.for %{{.*}} = %c0_i32 to %[[SPLITS]] step %c16_i32
  // CHECK: tt.load {{.*}} : tensor<16x!tt.ptr<f32>>
  // CHECK: tt.load {{.*}} : tensor<16x32x!tt.ptr<f32>>
  // CHECK: scf.yield %{{.*}} : f32, f32, tensor<32xf32>
  // CHECK: arith.divf %[[R]]#2
  // CHECK: tt.store {{.*}} : tensor<32x!tt.ptr<f16>>
  // CHECK: tt.store %{{.*}}, %{{.*}} : !tt.ptr<f32>
  %out_view = flex.view %out[%s, %s, %s, %s] : !tt.ptr<f16> -> !flex.view<4 x f16>
  %lse_view = flex.view %lse[%s, %s, %s] : !tt.ptr<f32> -> !flex.view<3 x f32>
  flex.combine %partial_acc, %partial_state splits(%splits) heads(%heads) q_len(%q_len) -> %out_view
      lse(%lse_view : !flex.view<3 x f32>) {value_dim = 60 : i32, chunk = 16 : i32} : !flex.view<4 x f16>
  tt.return
}

// Two programs combine a row of 192 columns, or three of more than 8 splits, and one of them says its log-sum-exp.
// CHECK-LABEL: tt.func @combine_wide(
// CHECK: tt.get_program_id x
// CHECK: scf.if
// CHECK: %[[RANGE:.*]] = tt.make_range {end = 128 : i32, start = 0 : i32}
// CHECK: %[[PART:.*]] = tt.get_program_id y
// CHECK: %[[FIRST:.*]] = arith.muli %[[PART]], %c128_i32
// CHECK: %[[FIRSTS:.*]] = tt.splat %[[FIRST]]
// CHECK: %[[COLUMN:.*]] = arith.addi %[[FIRSTS]], %[[RANGE]]
// CHECK: %[[IS_FIRST:.*]] = arith.cmpi eq, %[[PART]], %c0_i32
// CHECK: arith.cmpi slt, %[[COLUMN]], %cst
// CHECK: tt.load {{.*}} : tensor<8x128x!tt.ptr<f32>>
// CHECK: tt.store {{.*}} : tensor<128x!tt.ptr<f16>>
// CHECK: tt.store %{{.*}}, %{{.*}}, %[[IS_FIRST]] : !tt.ptr<f32>
// CHECK: } else {
// CHECK: tt.get_program_id y
// CHECK: arith.muli %{{.*}}, %c64_i32
// CHECK: tt.load {{.*}} : tensor<32x64x!tt.ptr<f32>>
// CHECK: tt.store {{.*}} : tensor<64x!tt.ptr<f16>>
// CHECK: tt.store %{{.*}}, %{{.*}}, %{{.*}} : !tt.ptr<f32>
tt.func @combine_wide(%partial_acc: !tt.ptr<f32>, %partial_state: !tt.ptr<f32>, %n: i32, %out: !tt.ptr<f16>,
                      %lse: !tt.ptr<f32>, %s: i64) {
  %out_view = flex.view %out[%s, %s, %s, %s] : !tt.ptr<f16> -> !flex.view<4 x f16>
  %lse_view = flex.view %lse[%s, %s, %s] : !tt.ptr<f32> -> !flex.view<3 x f32>
  flex.combine %partial_acc, %partial_state splits(%n) heads(%n) q_len(%n) -> %out_view
      lse(%lse_view : !flex.view<3 x f32>) {value_dim = 192 : i32, chunk = 32 : i32} : !flex.view<4 x f16>
  tt.return
}

// The largest score is that of all splits; nothing more is read for it.
// CHECK-LABEL: tt.func @combine_largest_scores(
// CHECK-SAME: %{{[^:]*}}: !tt.ptr<f32>, %[[PS:[^:]*]]: !tt.ptr<f32>
// CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %c2_i64
// CHECK: %[[PAIRS:.*]] = tt.addptr %[[PS]], %[[FIRST]]
// CHECK: scf.if
// CHECK: %[[MAXIMA:.*]] = tt.load {{.*}} : tensor<8x!tt.ptr<f32>>
// CHECK: %[[SUMS:.*]] = tt.load {{.*}} : tensor<8x!tt.ptr<f32>>
// CHECK: tt.load {{.*}} : tensor<8x64x!tt.ptr<f32>>
// CHECK: "tt.reduce"(%[[MAXIMA]])
// CHECK: %[[WEIGHTS:.*]] = math.exp2 {{.*}} : tensor<8xf32>
// CHECK: arith.mulf %[[SUMS]], %[[WEIGHTS]]
// CHECK: tt.store {{.*}} : tensor<64x!tt.ptr<f32>>
// CHECK: %[[LARGEST:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK-NEXT: tt.store %{{.*}}, %[[LARGEST]] : !tt.ptr<f32>
// CHECK: } else {
// CHECK: %[[R:.*]]:3 = scf.for
// CHECK: %[[LARGEST:.*]] = arith.mulf %[[R]]#0, %{{.*}} : f32
// CHECK-NEXT: tt.store %{{.*}}, %[[LARGEST]], %{{.*}} : !tt.ptr<f32>
tt.func @combine_largest_scores(%partial_acc: !tt.ptr<f32>, %partial_state: !tt.ptr<f32>, %n: i32, %out: !tt.ptr<f32>,
                                %max: !tt.ptr<f32>, %s: i64) {
  %out_view = flex.view %out[%s, %s, %s, %s] : !tt.ptr<f32> -> !flex.view<4 x f32>
  %max_view = flex.view %max[%s, %s, %s] : !tt.ptr<f32> -> !flex.view<3 x f32>
  flex.combine %partial_acc, %partial_state splits(%n) heads(%n) q_len(%n) -> %out_view
      max_scores(%max_view : !flex.view<3 x f32>) {value_dim = 64 : i32, chunk = 16 : i32} : !flex.view<4 x f32>
  tt.return
}

// A kernel that started early reads nothing before the one ahead has ended; where its results go is known by then. It
// does all of it once before, with nothing to combine and nothing to store. It asks for all of a round at once.
// CHECK-LABEL: tt.func @combine_that_waits(
// CHECK-SAME: %[[N:[^ ]*]]: i32
// CHECK: scf.if
// CHECK: %[[AT:.*]] = tt.addptr %{{.*}}, %{{.*}} : tensor<64x!tt.ptr<f16>>
// CHECK-NEXT: %[[TURNS:.*]] = arith.minsi %[[N]], %c2_i32
// CHECK-NEXT: scf.for %[[TURN:.*]] = %c0_i32 to %[[TURNS]] step %c1_i32
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[TURN]], %c1_i32
// CHECK-NEXT: %[[REAL:.*]] = arith.cmpi eq, %[[NEXT]], %[[TURNS]]
// CHECK-NEXT: scf.if %[[REAL]] {
// CHECK-NEXT: tt.elementwise_inline_asm "griddepcontrol.wait; // $0" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
// CHECK-NEXT: }
// CHECK-NEXT: %[[PARTS:.*]] = arith.select %[[REAL]], %[[N]], %c0_i32
// CHECK: %[[UP_TO:.*]] = tt.splat %[[PARTS]]
// CHECK: %[[EXISTS:.*]] = arith.cmpi slt, %{{.*}}, %[[UP_TO]]
// CHECK: tt.load %{{.*}}, %[[EXISTS]], {{.*}} : tensor<8x!tt.ptr<f32>>
// CHECK: tt.load {{.*}} : tensor<8x64x!tt.ptr<f32>>
// CHECK-NEXT: tt.elementwise_inline_asm "fence.acq_rel.cta; // $0" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
// CHECK: "tt.reduce"
// CHECK: %[[ALL:.*]] = tt.splat %[[REAL]]
// CHECK: %[[STORED:.*]] = arith.andi %{{.*}}, %[[ALL]]
// CHECK: tt.store %[[AT]], %{{.*}}, %[[STORED]]
// CHECK: } else {
// CHECK: %[[AT:.*]] = tt.addptr %{{.*}}, %{{.*}} : tensor<32x!tt.ptr<f16>>
// CHECK: scf.for
// CHECK: tt.elementwise_inline_asm "griddepcontrol.wait; // $0"
// CHECK: %[[PARTS:.*]] = arith.select %{{.*}}, %[[N]], %c0_i32
// CHECK-NEXT: %[[ONCE:.*]] = arith.maxsi %[[PARTS]], %c1_i32
// CHECK-NEXT: scf.for %{{.*}} = %c0_i32 to %[[ONCE]] step
// CHECK: tt.load {{.*}} : tensor<64x32x!tt.ptr<f32>>
// CHECK-NEXT: tt.elementwise_inline_asm "fence.acq_rel.cta; // $0"
// CHECK: tt.store %[[AT]]
tt.func @combine_that_waits(%partial_acc: !tt.ptr<f32>, %partial_state: !tt.ptr<f32>, %n: i32, %out: !tt.ptr<f16>,
                            %s: i64) {
  %out_view = flex.view %out[%s, %s, %s, %s] : !tt.ptr<f16> -> !flex.view<4 x f16>
  flex.combine %partial_acc, %partial_state splits(%n) heads(%n) q_len(%n) -> %out_view waits
      {value_dim = 64 : i32, chunk = 64 : i32} : !flex.view<4 x f16>
  tt.return
}

// Without flex-inline-mods every op of a mod takes the whole tile, in the loop.
tt.func private @alibi(%s: f32, %b: i32, %h: i32, %q: i32, %kv: i32, %slopes: !tt.ptr<f32>) -> f32 {
  %address = tt.addptr %slopes, %h : !tt.ptr<f32>, i32
  %slope = tt.load %address : !tt.ptr<f32>
  %result = arith.mulf %s, %slope : f32
  tt.return %result : f32
}

// CHECK-LABEL: tt.func @mod_still_a_call(
tt.func @mod_still_a_call(%n: i32, %head: tensor<16xi32>, %q: tensor<16xi32>, %slopes: !tt.ptr<f32>,
                          %s0: tensor<16x64xf32>) -> tensor<16x64xf32> {
  // CHECK: scf.for
  // CHECK: %[[SLOPE:.*]] = tt.load %{{.*}} : tensor<16x64x!tt.ptr<f32>>
  // CHECK: arith.mulf %{{.*}}, %[[SLOPE]] : tensor<16x64xf32>
  %all = flex.range %n
  %0 = flex.for %all below %n init(%s0 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.score_mod @alibi(%s, %n, %head, %q, %kv) captures(%slopes : !tt.ptr<f32>)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %0 : tensor<16x64xf32>
}

// CHECK-LABEL: tt.func @no_flex(
tt.func @no_flex(%x: f32) -> f32 {
  // CHECK-NEXT: %[[Y:.*]] = arith.addf
  // CHECK-NEXT: tt.return %[[Y]]
  %y = arith.addf %x, %x : f32
  tt.return %y : f32
}

// The loads of a loop read consecutive lines: the tile is one scalar, the offsets in it stay the same.
// CHECK-LABEL: tt.func @load_of_a_tile(
// CHECK-SAME: %[[P:[^:]*]]: !tt.ptr<bf16>, %[[S:[^:]*]]: i64,
tt.func @load_of_a_tile(%p: !tt.ptr<bf16>, %s: i64, %b: i32, %h: i32, %length: i32, %init: tensor<64x128xbf16>)
    -> tensor<64x128xbf16> {
  %one = arith.constant 1 : i64
  %view = flex.view %p[%s, %s, %s, %one] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
  %blocks = flex.range %length
  // CHECK: scf.for %[[I:[^ ]*]] =
  // CHECK: %[[FIRST:.*]] = arith.muli %[[I]], %c64_i32
  // CHECK: %[[VALID:.*]] = arith.cmpi slt, %{{.*}}, %{{.*}} : tensor<64xi32>
  // The lines are counted from the tile's length on, and start as far before the first.
  // CHECK: %[[BEFORE:.*]] = arith.subi %[[FIRST]], %c64_i32
  // CHECK: %[[WIDE:.*]] = arith.extsi %[[BEFORE]] : i32 to i64
  // CHECK: %[[OFFSET:.*]] = arith.muli %[[WIDE]], %[[S]] : i64
  // CHECK: %[[START:.*]] = tt.addptr %{{.*}}, %[[OFFSET]] : !tt.ptr<bf16>, i64
  // CHECK: %[[STARTS:.*]] = tt.splat %[[START]] : !tt.ptr<bf16> -> tensor<64x128x!tt.ptr<bf16>>
  // CHECK: %[[ADDRESSES:.*]] = tt.addptr %[[STARTS]], %{{.*}} : tensor<64x128x!tt.ptr<bf16>>, tensor<64x128xi64>
  // CHECK: tt.load %[[ADDRESSES]],
  %0 = flex.for %blocks below %length init(%init : tensor<64x128xbf16>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %in: tensor<64x128xbf16>):
    %tile = flex.load %view[%b, %h, %kv] if %valid columns 128
        : !flex.view<4 x bf16>, i32, tensor<64xi32>, tensor<64xi1> -> tensor<64x128xbf16>
    flex.yield %tile : tensor<64x128xbf16>
  } -> tensor<64x128xbf16>
  tt.return %0 : tensor<64x128xbf16>
}

// The mask and the end of the keys are one choice, and the scale takes the base-2 factor with it.
// CHECK-LABEL: tt.func @masked_softmax(
tt.func @masked_softmax(%q: tensor<16x128xbf16>, %k: tensor<64x128xbf16>, %scale: f32, %keep: tensor<16x64xi1>,
                        %valid: tensor<64xi1>, %m: tensor<16xf32>, %acc: tensor<16x128xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x128xf32>) {
  // CHECK: %[[SCORES:.*]] = tt.dot
  // CHECK: %[[EXISTS:.*]] = arith.andi %{{.*}}, %{{.*}} : tensor<16x64xi1>
  // CHECK: %[[BASE2:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
  // CHECK: %[[FACTOR:.*]] = tt.splat %[[BASE2]] : f32 -> tensor<16x64xf32>
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[SCORES]], %[[FACTOR]]
  // CHECK: arith.select %[[EXISTS]], %[[SCALED]],
  // CHECK-NOT: arith.select {{.*}} : tensor<16x64xi1>
  %none = arith.constant dense<0xFF800000> : tensor<16x64xf32>
  %0 = flex.scores %q, %k, %scale : tensor<16x128xbf16>, tensor<64x128xbf16> -> tensor<16x64xf32>
  %1 = arith.select %keep, %0, %none : tensor<16x64xi1>, tensor<16x64xf32>
  %2 = flex.bound %1 if %valid : tensor<16x64xf32>, tensor<64xi1>
  %new_max, %new_sum, %new_acc = flex.online_softmax(%m, %m, %acc), %2, %k
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x128xf32>), tensor<16x64xf32>, tensor<64x128xbf16>
  tt.return %new_max, %new_sum, %new_acc : tensor<16xf32>, tensor<16xf32>, tensor<16x128xf32>
}

// 3e38 times log2 e is no f32: the factor stays behind the scale.
// CHECK-LABEL: tt.func @large_scale(
tt.func @large_scale(%q: tensor<16x128xbf16>, %k: tensor<64x128xbf16>, %m: tensor<16xf32>, %acc: tensor<16x128xf32>)
    -> (tensor<16xf32>, tensor<16xf32>, tensor<16x128xf32>) {
  // CHECK: %[[SCORES:.*]] = tt.dot
  // CHECK: %[[SCALED:.*]] = arith.mulf %[[SCORES]], %{{.*}} : tensor<16x64xf32>
  // CHECK: arith.mulf %[[SCALED]], %{{.*}} : tensor<16x64xf32>
  %scale = arith.constant 3.0e+38 : f32
  %0 = flex.scores %q, %k, %scale : tensor<16x128xbf16>, tensor<64x128xbf16> -> tensor<16x64xf32>
  %new_max, %new_sum, %new_acc = flex.online_softmax(%m, %m, %acc), %0, %k
      : (tensor<16xf32>, tensor<16xf32>, tensor<16x128xf32>), tensor<16x64xf32>, tensor<64x128xbf16>
  tt.return %new_max, %new_sum, %new_acc : tensor<16xf32>, tensor<16xf32>, tensor<16x128xf32>
}

tt.func private @documents(%b: i32, %h: i32, %q: i32, %kv: i32, %ids: !tt.ptr<i32>, %row: i64) -> (i1, i1) {
  %pq = tt.addptr %ids, %q : !tt.ptr<i32>, i32
  %pk = tt.addptr %ids, %kv : !tt.ptr<i32>, i32
  %dq = tt.load %pq : !tt.ptr<i32>
  %dk = tt.load %pk : !tt.ptr<i32>
  %same = arith.cmpi eq, %dq, %dk : i32
  %zero = arith.constant 0 : i32
  %exists = arith.cmpi sge, %q, %zero : i32
  tt.return %same, %exists : i1, i1
}

// Nothing is waited for before all is asked for; keys that all exist need neither clamp nor mask.
// CHECK-LABEL: tt.func @classify(
// CHECK-SAME: %[[QUERY:[^:]*]]: tensor<4xi32>, %[[LIMIT:[^:]*]]: i32, %[[KINDS:[^:]*]]: !tt.ptr<i64>
tt.func @classify(%b: i32, %query: tensor<4xi32>, %limit: i32, %kinds: !tt.ptr<i64>, %ids: !tt.ptr<i32>, %n: i64) {
  // CHECK-DAG: %[[HIDDEN:.*]] = arith.constant dense<2> : tensor<4x8x32xi32>
  // CHECK-DAG: %[[SEEN:.*]] = arith.constant dense<1> : tensor<4x8x32xi32>
  // CHECK-DAG: %[[BOTH:.*]] = arith.constant dense<3> : tensor<4x8x32xi32>
  // CHECK-DAG: %[[NO_BLOCK:.*]] = arith.constant dense<2> : tensor<8xi32>
  // CHECK-DAG: %[[FULL_BLOCK:.*]] = arith.constant dense<1> : tensor<8xi32>
  // CHECK-DAG: %[[BOTH_BITS:.*]] = arith.constant dense<4294967297> : tensor<8xi64>
  // CHECK-DAG: %[[BIT:.*]] = arith.constant dense<1> : tensor<8xi64>
  // CHECK-DAG: %[[NO_BIT:.*]] = arith.constant dense<0> : tensor<8xi64>
  // CHECK: %[[BLOCKS:.*]] = arith.divsi %{{.*}}, %c32_i32
  // CHECK: %[[WORDS:.*]] = arith.divsi %{{.*}}, %c8_i32
  // CHECK: %[[PART:.*]] = tt.get_program_id y
  // CHECK: %[[PARTS:.*]] = tt.get_num_programs y
  // CHECK-NOT: tt.load
  // CHECK: scf.for %[[WORD:.*]] = %[[PART]] to %[[WORDS]] step %[[PARTS]]
  // CHECK: %[[FIRST:.*]] = arith.muli %[[WORD]], %c256_i32
  // CHECK: %[[LEFT:.*]] = arith.subi %[[LIMIT]], %[[FIRST]]
  // CHECK: %[[WHOLE:.*]] = arith.cmpi sge, %[[LEFT]], %c256_i32
  // CHECK: %[[BITS:.*]] = scf.if %[[WHOLE]] -> (i64) {
  // CHECK-NOT: arith.minsi
  // CHECK: tt.load %{{.*}} : tensor<4x1x1x!tt.ptr<i32>>
  // CHECK-NEXT: tt.load %{{.*}} : tensor<1x8x32x!tt.ptr<i32>>
  // CHECK: %[[SAME:.*]] = arith.cmpi eq, %{{.*}} : tensor<4x8x32xi32>
  // CHECK: %[[SIGHT:.*]] = arith.select %[[SAME]], %[[SEEN]], %[[HIDDEN]]
  // CHECK: %[[IN_BOUNDS:.*]] = arith.select %{{.*}}, %[[SIGHT]], %[[BOTH]]
  // CHECK: %[[KEYS:.*]] = "tt.reduce"(%[[IN_BOUNDS]]) <{axis = 0 : i32}>
  // CHECK: arith.ori
  // CHECK: %[[KIND:.*]] = "tt.reduce"(%[[KEYS]]) <{axis = 1 : i32}>
  // CHECK: arith.ori
  // CHECK: %[[SOME:.*]] = arith.cmpi ne, %[[KIND]], %[[NO_BLOCK]]
  // CHECK: %[[EVERY:.*]] = arith.cmpi eq, %[[KIND]], %[[FULL_BLOCK]]
  // CHECK: %[[SEEN_BITS:.*]] = arith.select %[[EVERY]], %[[BOTH_BITS]], %[[BIT]]
  // CHECK: %[[MY_BITS:.*]] = arith.select %[[SOME]], %[[SEEN_BITS]], %[[NO_BIT]]
  // CHECK: %[[IN_PLACE:.*]] = arith.shli %[[MY_BITS]],
  // CHECK: %[[JOINED:.*]] = "tt.reduce"(%[[IN_PLACE]]) <{axis = 0 : i32}>
  // CHECK: scf.yield %[[JOINED]]
  // CHECK: } else {
  // CHECK: %[[EXISTS:.*]] = arith.cmpi slt, %{{.*}} : tensor<1x8x32xi32>
  // CHECK: arith.minsi %{{.*}} : tensor<1x8x32xi32>
  // CHECK: %[[SPREAD:.*]] = tt.broadcast %[[EXISTS]]
  // CHECK: arith.select %[[SPREAD]], %{{.*}}, %[[HIDDEN]]
  // CHECK: }
  // CHECK: %[[ADDRESS:.*]] = tt.addptr %[[KINDS]], %[[WORD]]
  // CHECK: tt.store %[[ADDRESS]], %[[BITS]] : !tt.ptr<i64>
  flex.classify @documents(%b, %query, %query) captures(%ids, %n : !tt.ptr<i32>, i64) below %limit -> %kinds
      blocks(8 x 32) : tensor<4xi32>, tensor<4xi32>
  tt.return
}

// 64 words of 8 blocks at a time, if any of them is not empty, and the next 64 asked for before: an
// entry is twice a block's number, plus one where its word says so. The first ones are not asked
// whether they are empty. The loop reads its first entry when all threads have written theirs.
// CHECK-LABEL: tt.func @compact(
// CHECK-SAME: %[[KINDS:[^:]*]]: !tt.ptr<i64>, %[[LIMIT:[^:]*]]: i32, %[[ENTRIES:[^:]*]]: !tt.ptr<i32>, %[[INIT:[^:]*]]: tensor<64xi32>)
tt.func @compact(%kinds: !tt.ptr<i64>, %limit: i32, %entries: !tt.ptr<i32>,
                 %init: tensor<64xi32>) -> tensor<64xi32> {
  // CHECK: %[[BLOCKS:.*]] = arith.divsi %{{.*}}, %c64_i32
  // CHECK: %[[WORDS:.*]] = arith.divsi %{{.*}}, %c8_i32
  // CHECK: %[[FIRST:.*]] = tt.load %{{.*}} : tensor<64x!tt.ptr<i64>>
  // CHECK: %[[LISTED:.*]]:3 = scf.for %[[W:[^ ]*]] = %c0_i32 to %[[WORDS]] step %c64_i32{{.*}} iter_args(%[[SO_FAR:.*]] = %c0_i32{{.*}}, %[[MINE:.*]] = %[[FIRST]], %[[ANY:.*]] = %c1_i32{{.*}})
  // CHECK: %[[NEXT:.*]] = tt.load %{{.*}} : tensor<64x!tt.ptr<i64>>
  // CHECK: %[[VISIBLE:.*]] = arith.trunci %[[MINE]]
  // CHECK: %[[COUNTS:.*]] = math.ctpop %[[VISIBLE]]
  // CHECK: %[[NOT_EMPTY:.*]] = arith.cmpi ne, %[[ANY]], %c0_i32
  // CHECK: scf.if %[[NOT_EMPTY]] {
  // CHECK: %[[UPPER:.*]] = arith.shrui %[[MINE]]
  // CHECK: %[[EVERY:.*]] = arith.trunci %[[UPPER]]
  // CHECK: %[[SUMS:.*]] = "tt.scan"(%[[COUNTS:.*]]) <{axis = 0 : i32, reverse = false}>
  // CHECK: %[[EARLIER:.*]] = arith.subi %[[SUMS]], %[[COUNTS]]
  // CHECK: %[[BIT:.*]] = arith.shli %{{.*}} : tensor<64x8xi32>
  // CHECK: %[[CHOSEN:.*]] = arith.cmpi ne, %{{.*}} : tensor<64x8xi32>
  // CHECK-NOT: arith.remui
  // CHECK: %[[FULL:.*]] = arith.extui
  // CHECK: %[[ENTRY:.*]] = arith.addi %{{.*}}, %[[FULL]]
  // CHECK: tt.store %{{.*}}, %[[ENTRY]], %[[CHOSEN]]
  // CHECK: }
  // CHECK: %[[MORE:.*]] = "tt.reduce"(%[[COUNTS]])
  // CHECK: %[[ALL:.*]] = arith.addi %[[SO_FAR]], %[[MORE]]
  // CHECK: %[[LATER:.*]] = arith.trunci %[[NEXT]]
  // CHECK: %[[ANY_LATER:.*]] = "tt.reduce"(%[[LATER]])
  // CHECK: arith.ori
  // CHECK: scf.yield %[[ALL]], %[[NEXT]], %[[ANY_LATER]]
  // CHECK: tt.elementwise_inline_asm "bar.sync 0;
  // CHECK: %[[TILES:.*]] = arith.select %{{.*}}, %[[LISTED]]#0, %c0_i32
  // CHECK: %[[TAKEN:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: scf.for {{.*}} to %[[TILES]] step %{{.*}} iter_args(%[[STATE:.*]] = %[[INIT]], %[[TAGGED:.*]] = %[[TAKEN]])
  // CHECK: %[[TAG:.*]] = arith.remui %[[TAGGED]], %c2_i32
  // CHECK: %[[UNMASKED:.*]] = arith.cmpi ne, %[[TAG]], %c0_i32
  // CHECK: %[[NUMBER:.*]] = arith.divui %[[TAGGED]], %c2_i32
  // CHECK: arith.muli %[[NUMBER]], %c64_i32
  // CHECK: %[[AHEAD:.*]] = tt.load %{{.*}} : !tt.ptr<i32>
  // CHECK: arith.select %[[UNMASKED]], %{{.*}}, %[[STATE]]
  // CHECK: scf.yield %{{.*}}, %[[AHEAD]]
  %blocks = flex.compact %kinds below %limit in %entries blocks(8 x 64)
  %0 = flex.for %blocks below %limit init(%init : tensor<64xi32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %in: tensor<64xi32>):
    %next = arith.select %unmasked, %kv, %in : tensor<64xi32>
    flex.yield %next : tensor<64xi32>
  } -> tensor<64xi32>
  tt.return %0 : tensor<64xi32>
}

// Of a slice a program writes its own entries, each in its place among all.
// CHECK-LABEL: tt.func @compact_a_slice(
// CHECK-SAME: %[[PART:[^:]*]]: i32, %[[PARTS:[^:]*]]: i32, %{{[^:]*}}: tensor
tt.func @compact_a_slice(%kinds: !tt.ptr<i64>, %limit: i32, %entries: !tt.ptr<i32>,
                         %part: i32, %parts: i32, %init: tensor<64xi32>) -> tensor<64xi32> {
  // CHECK: %[[ALL:.*]] = tt.splat %[[PARTS]] : i32 -> tensor<64x8xi32>
  // CHECK: %[[OWNER:.*]] = arith.remui %{{.*}}, %[[ALL]]
  // CHECK: %[[ME:.*]] = tt.splat %[[PART]] : i32 -> tensor<64x8xi32>
  // CHECK: %[[IS_MINE:.*]] = arith.cmpi eq, %[[OWNER]], %[[ME]]
  // CHECK: %[[CHOSEN:.*]] = arith.andi %{{.*}}, %[[IS_MINE]]
  // CHECK: tt.store %{{.*}}, %{{.*}}, %[[CHOSEN]]
  // CHECK: bar.sync
  // CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %[[PARTS]]
  %blocks = flex.compact %kinds below %limit in %entries blocks(8 x 64)
  %mine = flex.slice %blocks, %part of %parts
  %0 = flex.for %mine below %limit init(%init : tensor<64xi32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %in: tensor<64xi32>):
    flex.yield %kv : tensor<64xi32>
  } -> tensor<64xi32>
  tt.return %0 : tensor<64xi32>
}
