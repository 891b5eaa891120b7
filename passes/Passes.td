//===- Passes.td - pyflex's passes ----------------------------------------===//

#ifndef PYFLEX_PASSES
#define PYFLEX_PASSES

include "mlir/Pass/PassBase.td"

def FlexExpandDecode : Pass<"flex-expand-decode", "::mlir::ModuleOp"> {
  let summary = "Expand flex.decode to the plainest correct kernel";
  let description = [{
    One program for each query head and tile of queries; one loop over the
    partial blocks (or all keys) with the mask, then one over the full blocks
    without it.

    ```mlir
    flex.decode %q, %k, %v -> %o ... partial(%p) full(%f)
    ```
    ==>
    ```mlir
    %rows:7 = flex.rows(%kv_heads, %q_len) group(4) tile(1 heads x 16 queries)
    %s1:3 = flex.for %partial below %len init(%s0#0, %s0#1, %s0#2) { ... flex.mask_mod ... }
    %s2:3 = flex.for %full below %len init(%s1#0, %s1#1, %s1#2) { ... }
    %out, %lse, %max = flex.softmax_finish(%s2#0, %s2#1, %s2#2)
    flex.store %out -> %o
    ```
  }];
  let dependentDialects = ["::mlir::flex::FlexDialect", "::mlir::tt::TTDialect",
                           "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numExpanded", "num-expanded", "decode ops expanded">];
}

def FlexMaskFromScore : Pass<"flex-mask-from-score", "::mlir::ModuleOp"> {
  let summary = "Take a score_mod's choice of -inf for a part of the mask";
  let description = [{
    A score_mod that gives `where(condition, score, -inf)`, the condition having
    nothing to do with the score, becomes one that gives the score and a mask_mod
    that asks the condition before its own. Later passes then see all that hides
    keys in one place. New functions are made, `<score_mod>_unmasked` and
    `<score_mod>_mask`.

    ```mlir
    flex.decode ... score_mod @s mask_mod @m        // s: select %condition, %score, %minus_inf
    ```
    ==>
    ```mlir
    flex.decode ... score_mod @s_unmasked mask_mod @s_mask
    ```

    A decode with block lists is left as it is: full blocks do not ask the mask.
  }];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numTaken", "num-taken", "conditions taken">];
}

def FlexDeriveBounds : Pass<"flex-derive-bounds", "::mlir::ModuleOp"> {
  let summary = "Visit only the keys that the mask leaves the rows of a tile";
  let description = [{
    For a loop over all keys: reads the mask's scalar body and computes before
    the loop, from the rows of the tile, an interval of keys outside which the
    mask is false for every row, and one inside which it is true for every row.
    Comparisons of integers are solved for kv; through and, or, not, select and
    what does not depend on kv (q, h, b, and values loaded at them) the intervals
    of their parts are put together. Torch's integers wrap: where an op could,
    that is asked at run time, and nothing is assumed of a row where one does.

    ```mlir
    %all = flex.range %length
    flex.for %all below %length ... {
      flex.mask_mod @window(%scores, ...)        // q >= kv and q - kv < 1024
    ```
    ==>
    ```mlir
    %range = flex.range from %begin to %end sure %first to %last exact most(1024, 1)
    flex.for %range below %end ... {
      flex.mask_mod @window(%scores, ...)
    ```

    A mask that costs as much as 16 ops for each score or more (loads, quotients
    and remainders count as eight) gets `unless %unmasked`, the loop's word for a
    tile that it shows whole; a shorter one is asked in every tile.

    A mask that says nothing of kv is left as it is, with a remark, and so is a
    loop whose scores have no `flex.bound`: the loop ends earlier. After 2,000
    ops for the bounds, nothing is assumed of what is left of the mask. A loop
    over the lists of a BlockMask is left alone.
  }];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numBounded", "num-bounded", "loops given bounds">];
}

def FlexPackGQA : Pass<"flex-pack-gqa", "::mlir::ModuleOp"> {
  let summary = "Put the query heads of one KV head into the rows of one tile";
  let description = [{
    K and V are then read once for each KV head instead of once for each query
    head. Any group size fits: rows that no head uses are invalid. A group
    larger than the tile takes several programs.

    ```mlir
    flex.rows(%kv_heads, %q_len) group(4) tile(1 heads x 16 queries)
    ```
    ==>
    ```mlir
    flex.rows(%kv_heads, %q_len) group(4) tile(4 heads x 4 queries)
    ```

    Heads whose block lists differ cannot share a loop: such a kernel is left
    as it is, with a remark.
  }];
  let options = [Option<"heads", "heads", "int64_t", "0",
    "query heads in a tile; 0 takes as many of the group as the rows hold">];
  let statistics = [Statistic<"numPacked", "num-packed", "row spaces packed">];
}

def FlexListBlocks : Pass<"flex-list-blocks", "::mlir::ModuleOp"> {
  let summary = "Visit the blocks that a first kernel finds visible, instead of all keys";
  let description = [{
    A loop over all keys whose mask is asked everywhere becomes one over a list
    of blocks, which says of each block whether it is visible as a whole: there
    the mask is not asked. A kernel that is launched before, named
    `<name>_blocks`, evaluates the mask and says of each block what it found:
    for each tile of rows, or for each tile of queries where the mask does not
    depend on the head. Its programs along grid axis y share the keys. The
    programs of the loop then list their own blocks.

    ```mlir
    %s = flex.for %all below %len init(%s0) { ... flex.mask_mod @m ... }
    ```
    ==>
    ```mlir
    tt.func public @decode_blocks(...) {
      flex.classify @m(%b, %head, %q) below %len -> %kinds blocks(32 x 64)
    }
    ...
    %list = flex.compact %kinds below %len in %entries blocks(32 x 64)
    %s = flex.for %list below %len init(%s0) {
    ^bb0(..., %unmasked: i1, ...):
      ... flex.mask_mod @m ... unless %unmasked
    }
    ```

    Both kernels gain the arguments (kinds: !tt.ptr<i64>, entries: !tt.ptr<i32>,
    room: i64): words for each list and entries for each program along axis x of
    the second kernel, each for `room` blocks. Keys that lie past the end are in
    no full block.
  }];
  let options = [Option<"queries", "queries", "int64_t", "0",
    "the most queries of a call, if fewer than a tile's; 0: any number">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tt::TTDialect"];
  let statistics = [Statistic<"numListed", "num-listed", "loops over lists made">];
}

def FlexReportBounds : Pass<"flex-report-bounds", "::mlir::ModuleOp"> {
  let summary = "Make a kernel that says which keys another one visits";
  let description = [{
    Beside each kernel with a loop over a range, `<name>_bounds` is made: it takes
    one argument more, a pointer to i32, and program x of its grid writes begin,
    end, sure_begin and sure_end of its loop from element 4 * x on. Where no key
    is sure to need no mask the last two are 0.

    ```mlir
    tt.func public @decode(%query: ..., ...) {
      %s = flex.for %range ...
      flex.store ...
    ```
    ==>
    ```mlir
    tt.func public @decode_bounds(%query: ..., ..., %bounds: !tt.ptr<i32>) {
      tt.store %place, %begin
      ...
    ```
  }];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numReports", "num-reports", "kernels made">];
}

def FlexFuseBlockLoops : Pass<"flex-fuse-block-loops", "::mlir::ModuleOp"> {
  let summary = "Visit partial and full blocks in one loop";
  let description = [{
    Two loops that differ only in the mask become one over both sequences, so
    that the software pipeline is filled once and a split divides their sum.

    ```mlir
    %s1 = flex.for %partial init(%s0) { ... flex.mask_mod @m(%s, ...) ... }
    %s2 = flex.for %full init(%s1) { ... }
    ```
    ==>
    ```mlir
    %both = flex.concat %partial, %full
    %s2 = flex.for %both init(%s0) {
    ^bb0(..., %unmasked: i1, ...):
      ... flex.mask_mod @m(%s, ...) unless %unmasked ...
    }
    ```
  }];
  let statistics = [Statistic<"numFused", "num-fused", "pairs of loops fused">];
}

def FlexSplitKV : Pass<"flex-split-kv", "::mlir::ModuleOp"> {
  let summary = "Divide the KV loop over several programs";
  let description = [{
    Programs along grid axis y take equal parts of the tiles and write the
    softmax as far as it went, in f32: acc to partial_acc, max and sum to
    partial_state. A second kernel, `<name>_combine`, combines them. The kernel
    gains the arguments (splits: i32, partial_acc: !tt.ptr<f32>, partial_state:
    !tt.ptr<f32>); with splits = 1 it writes the result itself and the second
    kernel is not launched.

    ```mlir
    %s = flex.for %blocks ...
    flex.store %out -> %o[...]
    ```
    ==>
    ```mlir
    %mine = flex.slice %blocks, %part of %splits
    %s = flex.for %mine ...
    scf.if %single { flex.store %out -> %o[...] } else { flex.store %acc -> %partial[...] }
    ```

    A kernel stays whole, with a remark, whose softmax counts more than the keys
    that its loops visit, whose loops do or give more than the softmax, or whose
    programs along axis y do other work. Results are expected to be stored at the
    kernel's own rows, as the partial ones are.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect"];
  let statistics = [Statistic<"numSplit", "num-split", "loops divided">];
}

def FlexCombineInCluster : Pass<"flex-combine-in-cluster", "::mlir::ModuleOp"> {
  let summary = "Combine a split KV loop without a second kernel where its programs form a cluster";
  let description = [{
    For NVIDIA GPUs of compute capability 9.0 and later, after flex-split-kv:
    programs that share the rows of a tile run at the same time, as a cluster,
    and read from each other's shared memory what each has found. The kernel
    gains the argument (cluster_memory: i32): from which byte of a program's
    shared memory on there is room for that, or a negative number where the
    programs form no cluster and a second kernel is to combine them.

    ```mlir
    scf.if %single { flex.store %out -> %o[...] } else { flex.store %acc -> %partial[...] }
    ```
    ==>
    ```mlir
    scf.if %single { flex.store %out -> %o[...] } else {
      scf.if %together { flex.combine_in_cluster (%m, %l, %acc) ... -> %o } else { flex.store %acc -> %partial[...] }
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
  let statistics = [Statistic<"numCombined", "num-combined", "kernels that combine in a cluster">];
}

def FlexInlineMods : Pass<"flex-inline-mods", "::mlir::ModuleOp"> {
  let summary = "Inline mods with each subexpression at its smallest shape";
  let description = [{
    A subexpression of a mod that depends on head and query alone is computed
    for a column of rows, one that depends on kv alone for a row of keys, one
    that depends on neither once; only what mixes them (or reads the score)
    takes the whole tile. What does not depend on kv leaves the loop, loads only
    if it writes to no memory. A mask of many ops stands in a branch, which tiles
    that need no mask do not take.

    ```mlir
    flex.score_mod @alibi(%s, %b, %head, %q, %kv)   // s + slopes[h] * (kv - q)
    ```
    ==>
    ```mlir
    %slope = tt.load %slopes_at_head : tensor<16x1x!tt.ptr<f32>>   // before the loop
    ...
    %bias = arith.mulf %slope_tile, %distance_tile : tensor<16x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
  let statistics = [
    Statistic<"numInlined", "num-inlined", "mods inlined">,
    Statistic<"numHoisted", "num-hoisted", "ops placed outside the KV loop">];
}

def FlexSkipPadding : Pass<"flex-skip-padding", "::mlir::ModuleOp"> {
  let summary = "Load nothing from the mods' tables for rows that do not exist";
  let description = [{
    A tile has 8 rows or more, of which a group of four query heads and one query
    fill four. The others name a head and a query of the tile, too, so that a mod
    may read a table for them: but nobody sees what they give. In the loop, a load
    of a value for each row and key, at an address that depends on the row's head
    or query, is one of rows that exist, zero elsewhere.

    ```mlir
    %bias = tt.load %p : tensor<16x64x!tt.ptr<f32>>
    ```
    ==>
    ```mlir
    %column = tt.expand_dims %valid {axis = 1 : i32}     // of flex.rows
    %exist = tt.broadcast %column : tensor<16x1xi1> -> tensor<16x64xi1>
    %bias = tt.load %p, %exist, %zero : tensor<16x64x!tt.ptr<f32>>
    ```

    Tiles whose rows are all heads of one query, of a group that they divide
    evenly, have no such rows. Values of less than 4 bytes, which Triton does
    not load ahead, are loaded for all.
  }];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numGuarded", "num-guarded", "loads">];
}

def FlexOverlapKernels : Pass<"flex-overlap-kernels", "::mlir::ModuleOp"> {
  let summary = "Let a kernel start while the one ahead of it runs";
  let description = [{
    Programmatic dependent launch, for NVIDIA GPUs of compute capability 9.0 and
    later: a kernel says at its beginning that the next one may be launched,
    which happens when all of its own programs have started. `<name>_combine`
    waits for the first one's memory before it reads; `<name>` waits for
    `<name>_blocks` before it lists its blocks, behind what the mods read there.
    The instructions do nothing when the kernels are launched one after the
    other.

    ```mlir
    tt.func public @decode(...) {
      ...
    ```
    ==>
    ```mlir
    tt.func public @decode(...) {
      %0 = tt.elementwise_inline_asm "griddepcontrol.launch_dependents; // $0" ...
      ...
    ```
  }];
  let dependentDialects = ["::mlir::tt::TTDialect"];
  let statistics = [Statistic<"numOverlapped", "num-overlapped", "pairs of kernels">];
}

def FlexToTriton : Pass<"flex-to-triton", "::mlir::ModuleOp"> {
  let summary = "Lower flex to tt, scf, arith and math";
  let description = [{
    Rows become index arithmetic on the program id, sequences of blocks become
    the bounds and the positions of an scf.for, loads become pointer tiles. A
    mod that is still a call is applied with every operand spread to the tile.

    A tile of lines that are no power of two wide becomes two tensors: a load
    and a store of each, one product after the other into the scores, and two
    accumulators in the loop.
  }];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect"];
}

def FlexFastMath : Pass<"flex-fast-math", "::mlir::ModuleOp"> {
  let summary = "Rewrite f32 functions in short forms without branches";
  let description = [{
    exp, expm1, tanh, 1 + tanh, log(1 + exp), 1 + erf and constant ** x become
    multiply-adds, one base-2 exponential and at most one reciprocal, for which
    the device libraries take 1.5 to 5 times as many instructions (22 times for
    constant ** x) and branch. Their errors are a few units in the last place,
    and are stated in docs/math.md. A divisor that many elements share is
    inverted once; a division by an integer or by 1 + exp is marked `arcp`.
    Other types stay as they are, and so do quotients and powers on which a
    condition, a remainder or a whole number depends: 49 / 49 is 1.

    ```mlir
    %e = math.exp %x : tensor<16x64xf32>
    %d = arith.addf %e, %one : tensor<16x64xf32>
    %y = arith.divf %one, %d : tensor<16x64xf32>
    ```
    ==>
    ```mlir
    %s = arith.mulf %x, %log2e : tensor<16x64xf32>
    %e = math.exp2 %s : tensor<16x64xf32>
    %d = arith.addf %e, %one : tensor<16x64xf32>
    %y = arith.divf %one, %d fastmath<arcp> : tensor<16x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
  let statistics = [Statistic<"numRewritten", "num-rewritten", "ops rewritten">];
}

def FlexDeferSums : Pass<"flex-defer-sums", "::mlir::ModuleOp"> {
  let summary = "Add up the sums of rows behind the loop, not in it";
  let description = [{
    The running sum of a softmax is carried as a tile, whose columns are added
    up behind the loop. In a tile of up to 16 rows all warps have keys of all:
    a sum in the loop would have to wait for the other warps at every tile.

    ```mlir
    %kept = arith.mulf %sum, %decay : tensor<16xf32>
    %added = "tt.reduce"(%weights) <{axis = 1 : i32}> ({ ... arith.addf ... })
    %next = arith.addf %kept, %added : tensor<16xf32>
    ```
    ==>
    ```mlir
    %kept = arith.mulf %sums, %decays : tensor<16x64xf32>
    %next = arith.addf %kept, %weights : tensor<16x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numDeferred", "num-deferred", "sums">];
}

def FlexWidenLoads : Pass<"flex-widen-loads", "::mlir::ModuleOp"> {
  let summary = "Load values of keys by the words, or the vectors, that they lie in";
  let description = [{
    Triton's pipeliner asks for a tile's loads some tiles ahead where these bring
    a thread 4 bytes or more. A table of bools or of 16-bit numbers with a value
    for each key brings it less: the loop would wait for it at every tile, and
    Triton would have the scores in the layout of that load, not in that of their
    products. So each thread loads the 4 bytes that its value lies in.

    ```mlir
    %seen = tt.load %p : tensor<1x128x!tt.ptr<i8>>
    ```
    ==>
    ```mlir
    %address = tt.ptr_to_int %p
    %within = arith.andi %address, %three      // of 16-bit numbers %two
    %back = arith.subi %zero, %within
    %first = tt.addptr %p, %back
    %words = tt.bitcast %first : tensor<1x128x!tt.ptr<i8>> -> tensor<1x128x!tt.ptr<i32>>
    %word = tt.load %words : tensor<1x128x!tt.ptr<i32>>
    %bits = arith.muli %within, %eight
    %shifted = arith.shrui %word, %bits
    %seen = arith.trunci %shifted : tensor<1x128xi32> to tensor<1x128xi8>
    ```

    Of a table with a value for each row and key a thread has several that lie
    next to each other. flex-to-triton clamps the keys to the last one, so that
    Triton does not see that, and would load one by one. Where the table and its
    lines begin at multiples of 16 bytes, keys are not clamped, and a mask leaves
    out the vectors of which no key exists: so much no page ends within. What is
    loaded for keys past the last one must not count, as in the loops that
    flex-to-triton makes, whose scores are masked; an index of another load stays
    clamped.

    ```mlir
    %kv = arith.minsi %positions, %last
    %p = tt.addptr %lines, %kv
    %bias = tt.load %p : tensor<16x128x!tt.ptr<bf16>>
    ```
    ==>
    ```mlir
    %vector = arith.divui %positions, %eight
    %last_one = arith.divui %last, %eight
    %exists = arith.cmpi sle, %vector, %last_one
    %p = tt.addptr %lines, %positions
    %bias = tt.load %p, %exists, %zero : tensor<16x128x!tt.ptr<bf16>>
    ```

    Loops that write to memory are left as they are: Triton loads nothing ahead
    there.
  }];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numWidened", "num-widened", "loads">];
}

def FlexSplitProducts : Pass<"flex-split-products", "::mlir::ModuleOp"> {
  let summary = "Write products of float32 as three of TF32";
  let description = [{
    Three TF32 products make one of float32: of what TF32 has of two tiles, and
    of that with the rest of each. Triton does the same, but takes a tile apart
    by `cvt.rna.tf32.f32`, four instructions on compute capability 9.0, and adds
    each product to the one before. Here a factor of 1 + ln 2 / 2048 stands for
    the rounding, two instructions: the rest is up to 0.7 of TF32's last place,
    not 0.5, and without bias (from 3.4017e38 on what TF32 has is infinite, as
    it is from 3.4020e38 on by `cvt`). And each product of a tile's scores has a
    sum of its own: they are few columns for a warp, and a warp's products of
    one sum wait for each other, 48 of them at D 128.

    ```mlir
    %s = tt.dot %q, %k, %zero, inputPrecision = tf32x3
    ```
    ==>
    ```mlir
    %larger = arith.mulf %q, %factor
    %q0 = ... %larger and 0xffffe000, by its bits
    %q1 = arith.subf %q, %q0
    ...
    %left = tt.dot %q1, %k0, %zero, inputPrecision = tf32
    %right = tt.dot %q0, %k1, %zero, inputPrecision = tf32
    %large = tt.dot %q0, %k0, %zero, inputPrecision = tf32
    %rest = arith.addf %left, %right            // or 0 where that is no number
    %s = arith.addf %large, %rest
    ```

    What a loop carries has more columns: there three sums cost more registers
    than they save time, and the products add to one another as Triton's do. A
    left side is taken apart once, queries ahead of the loop. For NVIDIA's GPUs.
  }];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numSplit", "num-split", "products">];
}

def FlexPadProducts : Pass<"flex-pad-products", "::mlir::ModuleOp"> {
  let summary = "Give products of eight rows the sixteen that matrix units take";
  let description = [{
    Of sixteen rows a thread holds one of the first eight and one of the others.
    A tile of eight rows leaves it half as many scores; a product takes each row
    twice, and what it gives for the second half is dropped. Triton would do the
    same but put the rows together anew, in registers, for every product.

    ```mlir
    %s = tt.dot %q, %k, %zero : tensor<8x64xbf16> * tensor<64x32xbf16> -> tensor<8x32xf32>
    ```
    ==>
    ```mlir
    %one = tt.reshape %q : tensor<8x64xbf16> -> tensor<1x8x64xbf16>
    %two = tt.broadcast %one : tensor<1x8x64xbf16> -> tensor<2x8x64xbf16>
    %twice = tt.reshape %two : tensor<2x8x64xbf16> -> tensor<16x64xbf16>
    %sums = tt.dot %twice, %k, %zeros
    %halves = tt.reshape %sums : tensor<16x32xf32> -> tensor<2x8x32xf32>
    %last = tt.trans %halves {order = array<i32: 1, 2, 0>}
    %s, %same = tt.split %last : tensor<8x32x2xf32> -> tensor<8x32xf32>
    ```

    What a product adds to is taken twice as well. What is computed in a loop,
    weights, passes through an instruction that does nothing on its way to a
    product on NVIDIA's GPUs: else Triton moves half of it between warps and
    then takes it twice, which takes a barrier more. Products of float32 that no
    matrix units form stay as they are: exact ones on NVIDIA's GPUs, all on
    AMD's from gfx10 on. So do products of float64.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cuda\"", "cuda or hip">,
    Option<"gfx", "gfx", "int64_t", "9", "the generation of AMD's GPUs, 9 to 12">,
  ];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numPadded", "num-padded", "products">];
}

def FlexLegalizeMath : Pass<"flex-legalize-math", "::mlir::ModuleOp"> {
  let summary = "Write arith and math ops in forms that Triton lowers, and lowers exactly";
  let description = [{
    Triton's backends lower a part of the math dialect on tiles. The rest
    becomes a call of NVIDIA's libdevice or AMD's OCML, f32 or f64; so does
    arith.remf, which they compute inexactly. A negation becomes a subtraction
    from -0.0, a bitcast Triton's own, and bf16 reaches f64 through f32.

    For NVIDIA's GPUs these become instructions, f32 alone: math.exp2,
    math.copysign, a math.log2 marked `afn` and an arith.divf marked `arcp`, or
    one on which a condition, a remainder or a whole number depends: Triton's
    own may be wrong by two units in the last place. A kernel without calls is
    not linked with libdevice. AMD's are exact. For them the barrier of a
    program's threads, which is NVIDIA's instruction until here, becomes theirs.
    A math.ctpop of i32 becomes an instruction of either.

    ```mlir
    %y = math.tanh %x : tensor<16x64xf32>
    %z = math.exp2 %y : tensor<16x64xf32>
    ```
    ==>
    ```mlir
    %y = tt.extern_elementwise %x {symbol = "__nv_tanhf", ...} : (tensor<16x64xf32>) -> tensor<16x64xf32>
    %z = tt.elementwise_inline_asm "ex2.approx.ftz.f32 $0, $1;" {...} %y : tensor<16x64xf32> -> tensor<16x64xf32>
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cuda\"", "cuda or hip">,
    Option<"gfx", "gfx", "int64_t", "9", "the generation of AMD's GPUs, 9 to 12">];
  let dependentDialects = ["::mlir::tt::TTDialect", "::mlir::arith::ArithDialect"];
  let statistics = [Statistic<"numCalls", "num-calls", "library calls made">];
}

def FlexExtractKernel : Pass<"flex-extract-kernel", "::mlir::ModuleOp"> {
  let summary = "Keep one kernel and what it calls";
  let description = [{
    Triton compiles one kernel of a module. All other functions are erased.
  }];
  let options = [Option<"kernel", "kernel", "std::string", "\"decode\"", "the kernel to keep">];
}

#endif // PYFLEX_PASSES
