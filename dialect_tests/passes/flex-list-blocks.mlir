// RUN: pyflex-opt %s --flex-list-blocks | FileCheck %s
// RUN: pyflex-opt %s --flex-list-blocks=queries=1 | FileCheck %s --check-prefix=ONE

tt.func private @documents(%b: i32, %h: i32, %q: i32, %kv: i32, %ids: !tt.ptr<i32>) -> i1 {
  %pq = tt.addptr %ids, %q : !tt.ptr<i32>, i32
  %pk = tt.addptr %ids, %kv : !tt.ptr<i32>, i32
  %dq = tt.load %pq : !tt.ptr<i32>
  %dk = tt.load %pk : !tt.ptr<i32>
  %same = arith.cmpi eq, %dq, %dk : i32
  tt.return %same : i1
}

tt.func private @by_head(%b: i32, %h: i32, %q: i32, %kv: i32) -> (i1, i1) {
  %moved = arith.addi %h, %q : i32
  %keep = arith.cmpi sge, %moved, %kv : i32
  tt.return %keep, %keep : i1, i1
}

// A mask that is the same for all heads: one list for each batch entry and tile of 4 queries.
// CHECK-LABEL: tt.func public @every_head_blocks(
// CHECK-SAME:    %{{[^:]*}}: i32, %[[Q_LEN:[^:]*]]: i32, %[[LIMIT:[^:]*]]: i32, %[[OFFSET:[^:]*]]: i32, %[[IDS:[^:]*]]: !tt.ptr<i32>,
// CHECK-SAME:    %[[KINDS:[^:]*]]: !tt.ptr<i64> {tt.divisibility = 16 : i32}, %{{[^:]*}}: !tt.ptr<i32> {tt.divisibility = 16 : i32},
// CHECK-SAME:    %[[ROOM:[^:]*]]: i64 {tt.divisibility = 16 : i32}) {
// CHECK-NEXT:    %[[SINGLE:.*]] = arith.constant 1 : i32
// CHECK-NEXT:    %[[BATCH:.*]], %{{.*}}, %{{.*}}, %{{.*}}, %[[HEAD:.*]], %[[QUERY:.*]], %{{.*}} = flex.rows(%[[SINGLE]], %[[Q_LEN]]) group(1) tile(1 heads x 4 queries) : tensor<4xi32>, tensor<4xi1>
// CHECK-NEXT:    %[[OFFSETS:.*]] = tt.splat %[[OFFSET]] : i32 -> tensor<4xi32>
// CHECK-NEXT:    %[[MOVED:.*]] = arith.addi %[[QUERY]], %[[OFFSETS]] : tensor<4xi32>
// CHECK-NEXT:    %[[TENS:.*]] = arith.constant dense<10> : tensor<4xi32>
// CHECK-NEXT:    %[[POSITION:.*]] = arith.addi %[[MOVED]], %[[TENS]] : tensor<4xi32>
// CHECK-NEXT:    %[[ID:.*]] = tt.get_program_id x
// CHECK-NEXT:    %[[LIST:.*]] = arith.extsi %[[ID]]
// CHECK-NEXT:    %[[FIFTEEN:.*]] = arith.constant 15 : i64
// CHECK-NEXT:    %[[UP:.*]] = arith.addi %[[ROOM]], %[[FIFTEEN]]
// CHECK-NEXT:    %[[IN_WORD:.*]] = arith.constant 16 : i64
// CHECK-NEXT:    %[[WORDS:.*]] = arith.divsi %[[UP]], %[[IN_WORD]]
// CHECK-NEXT:    %[[START:.*]] = arith.muli %[[LIST]], %[[WORDS]]
// CHECK-NEXT:    %[[MY_KINDS:.*]] = tt.addptr %[[KINDS]], %[[START]]
// CHECK-NEXT:    flex.classify @documents(%[[BATCH]], %[[HEAD]], %[[POSITION]]) captures(%[[IDS]] : !tt.ptr<i32>) below %[[LIMIT]] -> %[[MY_KINDS]] blocks(16 x 64) : tensor<4xi32>, tensor<4xi32>
// CHECK-NEXT:    tt.return

// The kernel behind it lists the blocks of its batch entry and queries, in the room of each program.
// CHECK-LABEL: tt.func public @every_head(
// CHECK-SAME:    %[[Q_LEN:[^:]*]]: i32, %[[LIMIT:[^:]*]]: i32, %[[OFFSET:[^:]*]]: i32, %{{[^:]*}}: !tt.ptr<i32>, %{{[^:]*}}: tensor<16x64xf32>, %[[M:[^:]*]]: tensor<16xf32>, %{{[^:]*}}: tensor<64x16xf32>, %[[A:[^:]*]]: tensor<16x16xf32>,
// CHECK-SAME:    %[[KINDS:[^:]*]]: !tt.ptr<i64> {tt.divisibility = 16 : i32}, %[[ENTRIES:[^:]*]]: !tt.ptr<i32> {tt.divisibility = 16 : i32},
// CHECK-SAME:    %[[ROOM:[^:]*]]: i64 {tt.divisibility = 16 : i32})
// CHECK:         %[[BATCH:.*]], %{{.*}}, %{{.*}}, %[[FIRST_QUERY:.*]], %{{.*}}, %{{.*}}, %{{.*}} = flex.rows
// CHECK-NOT:     flex.range
// CHECK:         %[[ID:.*]] = tt.get_program_id x
// CHECK-NEXT:    %[[PROGRAM:.*]] = arith.extsi %[[ID]]
// CHECK:         %[[TILES:.*]] = arith.extsi
// CHECK-NEXT:    %[[ENTRY:.*]] = arith.extsi %[[BATCH]]
// CHECK-NEXT:    %[[BEFORE:.*]] = arith.muli %[[ENTRY]], %[[TILES]]
// CHECK-NEXT:    %[[FOUR:.*]] = arith.constant 4 : i32
// CHECK-NEXT:    %[[TILE:.*]] = arith.divsi %[[FIRST_QUERY]], %[[FOUR]]
// CHECK-NEXT:    %[[WIDE:.*]] = arith.extsi %[[TILE]]
// CHECK-NEXT:    %[[LIST:.*]] = arith.addi %[[BEFORE]], %[[WIDE]]
// CHECK-NEXT:    %[[OFFSET:.*]] = arith.muli %[[PROGRAM]], %[[ROOM]]
// CHECK-NEXT:    %[[MY_ENTRIES:.*]] = tt.addptr %[[ENTRIES]], %[[OFFSET]]
// CHECK:         %[[START:.*]] = arith.muli %[[LIST]], %{{.*}} : i64
// CHECK-NEXT:    %[[MY_KINDS:.*]] = tt.addptr %[[KINDS]], %[[START]]
// CHECK-NEXT:    %[[MINE:.*]] = flex.compact %[[MY_KINDS]] below %[[LIMIT]] in %[[MY_ENTRIES]] blocks(16 x 64)
// CHECK-NEXT:    %[[S:.*]]:3 = flex.for %[[MINE]] below %[[LIMIT]] init(%[[M]], %[[M]], %[[A]] :
// CHECK-NEXT:    ^bb0(%{{.*}}: tensor<64xi32>, %{{.*}}: tensor<64xi1>, %[[UNMASKED:.*]]: i1, %{{.*}}: tensor<16xf32>, %{{.*}}: tensor<16xf32>, %{{.*}}: tensor<16x16xf32>):
// CHECK-NEXT:      flex.mask_mod @documents({{.*}}) {{.*}} unless %[[UNMASKED]]
// CHECK-NOT:     flex.for
// CHECK:         tt.return %[[S]]#2

// Of calls with one query a tile of lists has one row.
// ONE-LABEL: tt.func public @every_head_blocks(
// ONE:         flex.rows({{.*}}) group(1) tile(1 heads x 1 queries) : tensor<1xi32>
// ONE:         flex.classify {{.*}} blocks(32 x 64) : tensor<1xi32>, tensor<1xi32>
// ONE-LABEL: tt.func public @every_head(
// ONE:         flex.rows({{.*}}) group(4) tile(4 heads x 4 queries) : tensor<16xi32>
// ONE:         flex.compact {{.*}} blocks(32 x 64)
tt.func public @every_head(%kv_heads: i32, %q_len: i32, %limit: i32, %offset: i32, %ids: !tt.ptr<i32>,
                           %x: tensor<16x64xf32>, %m: tensor<16xf32>,
                           %v: tensor<64x16xf32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%kv_heads, %q_len)
      group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %offsets = tt.splat %offset : i32 -> tensor<16xi32>
  %moved = arith.addi %query, %offsets : tensor<16xi32>
  %tens = arith.constant dense<10> : tensor<16xi32>
  %position = arith.addi %moved, %tens : tensor<16xi32>
  %all = flex.range %limit
  %s:3 = flex.for %all below %limit init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    %masked = flex.mask_mod @documents(%x, %batch, %head, %position, %kv) captures(%ids : !tt.ptr<i32>)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %next = flex.bound %masked if %valid : tensor<16x64xf32>, tensor<64xi1>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %next, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#2 : tensor<16x16xf32>
}

// A mask that differs between heads: a list for each tile. Five heads in tiles of three take two.
// CHECK-LABEL: tt.func public @each_tile_blocks(
// CHECK-SAME:    %[[KV_HEADS:[^:]*]]: i32, %[[Q_LEN:[^:]*]]: i32
// CHECK:         flex.rows(%[[KV_HEADS]], %[[Q_LEN]]) group(5) tile(3 heads x 5 queries) : tensor<16xi32>
// CHECK:         flex.classify @by_head({{.*}}) below {{.*}} blocks(4 x 64) : tensor<16xi32>
// CHECK-LABEL: tt.func public @each_tile(
// CHECK:         %[[ID:.*]] = tt.get_program_id x
// CHECK-NEXT:    %[[PROGRAM:.*]] = arith.extsi %[[ID]]
// CHECK-NEXT:    %[[OFFSET:.*]] = arith.muli %[[PROGRAM]], %{{.*}}
// CHECK-NEXT:    %[[ENTRIES:.*]] = tt.addptr %{{.*}}, %[[OFFSET]]
// CHECK:         %[[START:.*]] = arith.muli %[[PROGRAM]], %{{.*}}
// CHECK-NEXT:    %[[KINDS:.*]] = tt.addptr %{{.*}}, %[[START]]
// CHECK-NEXT:    flex.compact %[[KINDS]] below %{{.*}} in %[[ENTRIES]] blocks(4 x 64)
// ONE-LABEL: tt.func public @each_tile_blocks(
// ONE:         flex.rows({{.*}}) group(5) tile(3 heads x 1 queries) : tensor<4xi32>
tt.func public @each_tile(%kv_heads: i32, %q_len: i32, %limit: i32,
                          %x: tensor<16x64xf32>, %m: tensor<16xf32>,
                          %v: tensor<64x16xf32>, %a: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%kv_heads, %q_len)
      group(5) tile(3 heads x 5 queries) : tensor<16xi32>, tensor<16xi1>
  %all = flex.range %limit
  %s:3 = flex.for %all below %limit init(%m, %m, %a : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %m0: tensor<16xf32>, %l0: tensor<16xf32>,
       %a0: tensor<16x16xf32>):
    %next = flex.mask_mod @by_head(%x, %batch, %head, %query, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    %m1, %l1, %a1 = flex.online_softmax(%m0, %l0, %a0), %next, %v
        : (tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>), tensor<16x64xf32>, tensor<64x16xf32>
    flex.yield %m1, %l1, %a1 : tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  } -> tensor<16xf32>, tensor<16xf32>, tensor<16x16xf32>
  tt.return %s#2 : tensor<16x16xf32>
}

// Given lists stay, and so does a kernel without a mask.
// CHECK-NOT: @given_blocks
// CHECK-LABEL: tt.func public @given(
tt.func public @given(%blocks: !flex.block_table, %n: i32, %row: tensor<16xi32>,
                      %s0: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %list = flex.list %blocks[%n, %n, %n]
  %s1 = flex.for %list below %n init(%s0 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.mask_mod @by_head(%s, %n, %row, %row, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s1 : tensor<16x64xf32>
}

// CHECK-NOT: @no_mask_blocks
// CHECK-LABEL: tt.func public @no_mask(
// CHECK: flex.range
tt.func public @no_mask(%n: i32, %s0: i32) -> i32 {
  %all = flex.range %n
  %s1 = flex.for %all below %n init(%s0 : i32) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: i32):
    flex.yield %s : i32
  } -> i32
  tt.return %s1 : i32
}

// A mask is listed or solved: a loop whose bounds come from the mask is short as it is.
// CHECK-NOT: @solved_blocks
// CHECK-LABEL: tt.func public @solved(
// CHECK: flex.range from
tt.func public @solved(%kv_heads: i32, %q_len: i32, %begin: i32, %end: i32,
                       %s0: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%kv_heads, %q_len)
      group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %some = flex.range from %begin to %end
  %s1 = flex.for %some below %end init(%s0 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.mask_mod @by_head(%s, %batch, %head, %query, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s1 : tensor<16x64xf32>
}

// CHECK-NOT: @exact_blocks
// CHECK-LABEL: tt.func public @exact(
// CHECK: flex.range %{{.*}} exact
tt.func public @exact(%kv_heads: i32, %q_len: i32, %end: i32,
                      %s0: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %batch, %kv_head, %first_head, %first_query, %head, %query, %row_valid = flex.rows(%kv_heads, %q_len)
      group(4) tile(4 heads x 4 queries) : tensor<16xi32>, tensor<16xi1>
  %some = flex.range %end exact
  %s1 = flex.for %some below %end init(%s0 : tensor<16x64xf32>) {
  ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, %s: tensor<16x64xf32>):
    %next = flex.mask_mod @by_head(%s, %batch, %head, %query, %kv)
        : tensor<16x64xf32>, tensor<16xi32>, tensor<16xi32>, tensor<64xi32>
    flex.yield %next : tensor<16x64xf32>
  } -> tensor<16x64xf32>
  tt.return %s1 : tensor<16x64xf32>
}
