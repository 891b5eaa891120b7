//===- FlexOps.td - Decode attention as a dialect -------------------------===//
//
// Level 1 says what to compute: one `flex.decode`. Level 2 says how: the rows
// a program owns, the KV blocks it visits, and one step of online softmax.
//
//===----------------------------------------------------------------------===//

#ifndef PYFLEX_FLEX_OPS
#define PYFLEX_FLEX_OPS

include "flex/FlexBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Flex_Op<string mnemonic, list<Trait> traits = []>
    : Op<Flex_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// Operands in memory
//===----------------------------------------------------------------------===//

def Flex_ViewOp : Flex_Op<"view", [Pure]> {
  let summary = "Names a tensor in memory by its pointer and its strides.";
  let description = [{
    Strides are in elements, one for each dimension. A stride of zero repeats
    the dimension, which is how one K/V serves a whole batch.

    ```mlir
    %q = flex.view %query[%sb, %sh, %sm, %sd] : !tt.ptr<bf16> -> !flex.view<4 x bf16>
    ```
  }];
  let arguments = (ins TT_PtrType:$pointer, Variadic<I64>:$strides);
  let results = (outs Flex_View:$result);
  let assemblyFormat = "$pointer `[` $strides `]` attr-dict `:` type($pointer) `->` type($result)";
  let hasVerifier = 1;
}

def Flex_PerBatchOp : Flex_Op<"per_batch", [Pure]> {
  let summary = "One value for all batch entries, or a tensor with one for each.";
  let description = [{
    Where `given` is true the value of batch entry `b` is `pointer[b]`;
    otherwise it is `value` for all. The pointer is to i8, i16, i32 or i64.

    ```mlir
    %len = flex.per_batch %value, %pointer if %given : !tt.ptr<i32>
    ```
  }];
  let arguments = (ins I32:$value, TT_PtrType:$pointer, I1:$given);
  let results = (outs Flex_PerBatch:$result);
  let assemblyFormat = "$value `,` $pointer `if` $given attr-dict `:` type($pointer)";
  let hasVerifier = 1;
}

def Flex_AtOp : Flex_Op<"at", [MemoryEffects<[MemRead]>]> {
  let summary = "The value that belongs to one batch entry.";
  let arguments = (ins Flex_PerBatch:$source, I32:$batch);
  let results = (outs I32:$result);
  let assemblyFormat = "$source `[` $batch `]` attr-dict";
}

def Flex_BlockTableOp : Flex_Op<"block_table", [Pure]> {
  let summary = "Names the block lists of a BlockMask.";
  let description = [{
    `counts` is [batch, head, q_block] and `indices` the same with one more
    dimension of `row` entries, both i32 and contiguous in the last dimensions.
    The two strides count q_blocks' rows: entry (b, h, i) is row
    b * batch_stride + h * head_stride + i. A stride of zero broadcasts.

    `per_head` says that the lists differ between the query heads of one KV
    head, so that those heads cannot share a loop.

    The lists are the same for as long as the kernel runs: nothing that it
    stores lies where they do.
  }];
  let arguments = (ins Flex_I32Pointer:$counts, Flex_I32Pointer:$indices, I64:$batch_stride,
                       I64:$head_stride, I64:$row, I32Attr:$q_block,
                       I32Attr:$kv_block, UnitAttr:$per_head);
  let results = (outs Flex_BlockTable:$result);
  let assemblyFormat = [{
    $counts `,` $indices `strides` `(` $batch_stride `,` $head_stride `,` $row `)`
    `blocks` `(` $q_block `x` $kv_block `)` (`per_head` $per_head^)?
    attr-dict
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Level 1: what to compute
//===----------------------------------------------------------------------===//

def Flex_DecodeOp : Flex_Op<"decode", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Attention of a few queries over a long KV cache.";
  let description = [{
    For every batch entry b, query head h and query i, with p = q_offset[b] + i:

        s[j] = score_mod(scale * dot(query[i], key[j]), b, h, p, j)
        s[j] = -inf where not mask_mod(b, h, p, j), or j >= kv_len[b],
               or j lies in no listed block
        lse[i] = log(sum_j exp(s[j])), out[i] = sum_j exp(s[j] - lse[i]) value[j]
        max_scores[i] = max_j s[j]

    A row with every key masked gives out 0 and lse -inf. Blocks of `full` are
    listed as wholly visible: mask_mod is not asked there. Without `partial`
    every key is visited.

    `group` query heads share a KV head. `rows` and `keys` are the shape of the
    tile of scores that one program works on at a time.
  }];
  let arguments = (ins Flex_View:$query, Flex_View:$key, Flex_View:$value,
      Flex_View:$out, Optional<Flex_View>:$lse, Optional<Flex_View>:$max_scores,
      I32:$kv_heads, I32:$q_len, I32:$kv_max, F32:$scale,
      Flex_PerBatch:$q_offset, Flex_PerBatch:$kv_len,
      OptionalAttr<FlatSymbolRefAttr>:$score_mod, Variadic<AnyType>:$score_captures,
      OptionalAttr<FlatSymbolRefAttr>:$mask_mod, Variadic<AnyType>:$mask_captures,
      Optional<Flex_BlockTable>:$partial, Optional<Flex_BlockTable>:$full,
      I32Attr:$group, I32Attr:$head_dim, I32Attr:$value_dim,
      I32Attr:$rows, I32Attr:$keys,
      DefaultValuedAttr<TT_InputPrecision, "::mlir::tt::InputPrecision::IEEE">:$precision);
  let assemblyFormat = [{
    $query `,` $key `,` $value `->` $out
    (`lse` `(` $lse^ `:` type($lse) `)`)?
    (`max_scores` `(` $max_scores^ `:` type($max_scores) `)`)?
    `kv_heads` `(` $kv_heads `)` `q_len` `(` $q_len `)` `kv_max` `(` $kv_max `)`
    `scale` `(` $scale `)` `q_offset` `(` $q_offset `)` `kv_len` `(` $kv_len `)`
    (`score_mod` $score_mod^)?
    (`score_captures` `(` $score_captures^ `:` type($score_captures) `)`)?
    (`mask_mod` $mask_mod^)?
    (`mask_captures` `(` $mask_captures^ `:` type($mask_captures) `)`)?
    (`partial` `(` $partial^ `)`)? (`full` `(` $full^ `)`)?
    (`precision` $precision^)? attr-dict
    `:` type($query) `,` type($key) `,` type($value) `->` type($out)
  }];
  let hasVerifier = 1;
}

def Flex_CombineOp : Flex_Op<"combine", [AttrSizedOperandSegments]> {
  let summary = "Combines the partial results of a split KV loop.";
  let description = [{
    `partial_acc` is f32 [rows, splits, value_dim], the acc of each split's
    running softmax, and `partial_state` f32 [rows, splits, 2], its max and sum;
    rows count (batch, head, query). With M = max_s max_s and w_s = exp2(max_s -
    M), out = sum_s w_s acc_s / sum_s w_s sum_s. A split that saw no key has max
    -inf and adds nothing. `chunk` splits are read at a time, or 8 where that is
    all.

    Programs along grid axis x enumerate the rows, those along y a row's parts of
    at most 128 columns for up to 8 splits, and of at most 64 for more.

    With `waits` the kernel may have started before the one ahead of it has
    ended, and waits for that before it reads (`griddepcontrol.wait`). Before,
    it does all of it once with nothing to combine, so that its instructions are
    there by then.
  }];
  let arguments = (ins Flex_F32Pointer:$partial_acc, Flex_F32Pointer:$partial_state, I32:$splits,
      I32:$heads, I32:$q_len, Flex_View:$out, Optional<Flex_View>:$lse,
      Optional<Flex_View>:$max_scores, I32Attr:$value_dim, I32Attr:$chunk, UnitAttr:$waits);
  let assemblyFormat = [{
    $partial_acc `,` $partial_state `splits` `(` $splits `)` `heads` `(` $heads `)`
    `q_len` `(` $q_len `)` `->` $out (`lse` `(` $lse^ `:` type($lse) `)`)?
    (`max_scores` `(` $max_scores^ `:` type($max_scores) `)`)? (`waits` $waits^)? attr-dict
    `:` type($out)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Level 2: rows
//===----------------------------------------------------------------------===//

def Flex_RowsOp : Flex_Op<"rows", [Pure, AllTypesMatch<["head", "query"]>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "The rows of scores that this program owns.";
  let description = [{
    A tile's rows are `queries` consecutive queries of `heads` query heads that
    share one KV head; row r holds head r % heads of query r / heads. Programs
    along grid axis x enumerate, fastest first: the tiles of queries, the
    ceil(group / heads) portions of a group, the KV heads, the batch.

    With `q_block`, a tile stays inside one block of that many queries, so that
    its rows share a block list.

    `head` and `query` are clamped to the tile's own; `valid` tells which rows
    exist.
  }];
  let arguments = (ins I32:$kv_heads, I32:$q_len, I32Attr:$group, I32Attr:$heads,
                       I32Attr:$queries, OptionalAttr<I32Attr>:$q_block);
  let results = (outs I32:$batch, I32:$kv_head, I32:$first_head, I32:$first_query,
                      Flex_I32Column:$head, Flex_I32Column:$query, Flex_I1Column:$valid);
  let assemblyFormat = [{
    `(` $kv_heads `,` $q_len `)` `group` `(` $group `)` `tile` `(` $heads `heads` `x`
    $queries `queries` `)` (`within` `(` $q_block^ `)`)? attr-dict `:` type($head)
    `,` type($valid)
  }];
  let hasVerifier = 1;
}

def Flex_LoadOp : Flex_Op<"load", [MemoryEffects<[MemRead]>]> {
  let summary = "Loads a tile: one line of a view for each index.";
  let description = [{
    Line r is `view[batch, head, index[r], 0:columns]`, zero where `valid` is
    false and in the columns past `columns` up to the tile's width: a sum of at
    most two powers of two of at least 16. Each of them becomes a tensor of its
    own, a piece of the tile, when flex is lowered to Triton.
    `head` is one head, or one for each line.
  }];
  let arguments = (ins Flex_View:$view, I32:$batch, AnyTypeOf<[I32, Flex_I32Column]>:$head,
                       Flex_I32Column:$index, Flex_I1Column:$valid, I32Attr:$columns);
  let results = (outs Flex_Tile:$result);
  let assemblyFormat = [{
    $view `[` $batch `,` $head `,` $index `]` `if` $valid `columns` $columns attr-dict
    `:` type($view) `,` type($head) `,` type($index) `,` type($valid) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Flex_StoreOp : Flex_Op<"store", [MemoryEffects<[MemWrite]>,
    AllTypesMatch<["head", "index"]>]> {
  let summary = "Stores a tile or a column, one line for each row.";
  let description = [{
    The inverse of `flex.load`; the value is rounded to the view's element type.
    A column goes to a view of rank 3.
  }];
  let arguments = (ins AnyTypeOf<[Flex_ResultTile, Flex_F32Column]>:$value, Flex_View:$view,
                       I32:$batch, Flex_I32Column:$head, Flex_I32Column:$index,
                       Flex_I1Column:$valid, I32Attr:$columns);
  let assemblyFormat = [{
    $value `->` $view `[` $batch `,` $head `,` $index `]` `if` $valid `columns` $columns
    attr-dict `:` type($value) `->` type($view) `,` type($head) `,` type($valid)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Level 2: KV blocks
//===----------------------------------------------------------------------===//

def Flex_RangeOp : Flex_Op<"range", [Pure, AttrSizedOperandSegments]> {
  let summary = "The keys [begin, end), and among them those that need no mask.";
  let description = [{
    Without `begin` they are [0, end). A tile that lies in [sure_begin,
    sure_end) needs no mask; keys past `end` do not count against it.

    `exact` says that a row sees every key that a derived interval leaves it, so
    that no list of blocks could leave out more. `most` is the number of keys
    that any one row is left, and `most_per_query` what each further query of
    the tile adds; both hold where the mask's integers do not wrap, which is
    enough to choose a schedule by.

    ```mlir
    %all = flex.range %length
    %window = flex.range from %begin to %end sure %first to %last exact most(1024, 1)
    ```
  }];
  let arguments = (ins Optional<I32>:$begin, I32:$end, Optional<I32>:$sure_begin,
                       Optional<I32>:$sure_end, UnitAttr:$exact,
                       OptionalAttr<I64Attr>:$most, OptionalAttr<I64Attr>:$most_per_query);
  let results = (outs Flex_Blocks:$result);
  let assemblyFormat = [{
    (`from` $begin^ `to`)? $end (`sure` $sure_begin^ `to` $sure_end)? (`exact` $exact^)?
    (`most` `(` $most^ `,` $most_per_query `)`)? attr-dict
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$end)>];
  let hasVerifier = 1;
}

def Flex_ListOp : Flex_Op<"list", [Pure]> {
  let summary = "The listed blocks of one batch entry, head and query.";
  let description = [{
    The loop over them reads the list: here it is only named.
  }];
  let arguments = (ins Flex_BlockTable:$table, I32:$batch, I32:$head, I32:$query);
  let results = (outs Flex_Blocks:$result);
  let assemblyFormat = "$table `[` $batch `,` $head `,` $query `]` attr-dict";
}

def Flex_ConcatOp : Flex_Op<"concat", [Pure]> {
  let summary = "One whole sequence after the other; the second one needs no mask.";
  let arguments = (ins Flex_Blocks:$masked, Flex_Blocks:$unmasked);
  let results = (outs Flex_Blocks:$result);
  let assemblyFormat = "$masked `,` $unmasked attr-dict";
  let hasVerifier = 1;
}

def Flex_SliceOp : Flex_Op<"slice", [Pure]> {
  let summary = "A part of a whole sequence: every `parts`th of its tiles, from the `part`th on.";
  let arguments = (ins Flex_Blocks:$blocks, I32:$part, I32:$parts);
  let results = (outs Flex_Blocks:$result);
  let assemblyFormat = "$blocks `,` $part `of` $parts attr-dict";
  let hasVerifier = 1;
}

def Flex_ForOp : Flex_Op<"for", [RecursiveMemoryEffects,
    SingleBlockImplicitTerminator<"YieldOp">, AutomaticAllocationScope]> {
  let summary = "Visits a sequence of KV positions, one tile at a time.";
  let description = [{
    The region's arguments are the tile's positions (clamped below `limit`),
    which of them exist (are below `limit`), whether the tile needs no mask
    (true in the second part of a `flex.concat`, where a `flex.range` is sure,
    and inside a block of a `flex.compact` that every row sees), and the
    loop-carried state.

    ```mlir
    %m, %l, %acc = flex.for %blocks below %len
        init(... : tensor<16xf32>, tensor<16xf32>, tensor<16x128xf32>) {
    ^bb0(%kv: tensor<64xi32>, %valid: tensor<64xi1>, %unmasked: i1, ...):
      ...
    } -> tensor<16xf32>, tensor<16xf32>, tensor<16x128xf32>
    ```
  }];
  let arguments = (ins Flex_Blocks:$blocks, I32:$limit, Variadic<AnyType>:$inits);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $blocks `below` $limit `init` `(` $inits `:` type($inits) `)` attr-dict-with-keyword
    $body `->` type($results)
  }];
  let extraClassDeclaration = [{
    ::mlir::Value getPositions() { return getBody().getArgument(0); }
    ::mlir::Value getValid() { return getBody().getArgument(1); }
    ::mlir::Value getUnmasked() { return getBody().getArgument(2); }
    ::mlir::Block::BlockArgListType getState() {
      return getBody().getArguments().drop_front(3);
    }
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Flex_YieldOp : Flex_Op<"yield", [HasParent<"ForOp">, Pure, Terminator, ReturnLike]> {
  let summary = "The state after one tile.";
  let arguments = (ins Variadic<AnyType>:$state);
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, ::mlir::ValueRange()); }]>];
  let assemblyFormat = "attr-dict ($state^ `:` type($state))?";
}

//===----------------------------------------------------------------------===//
// Level 2: block lists made from a mask
//===----------------------------------------------------------------------===//

def Flex_ClassifyOp : Flex_Op<"classify", [MemoryEffects<[MemRead, MemWrite]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Finds which blocks of keys a mask shows to some row, and which to every row.";
  let description = [{
    Evaluates a scalar mask_mod at each row and each key of [0, limit). Word w
    of `kinds` says of block w * blocks + i, whose keys are the next `kv_block`:

        bit i:      some row sees some key
        bit 32 + i: every row sees every key, and all of them exist

    A key whose mask reads out of a captured tensor's bounds is seen by "some"
    and not by "every": its score is no number. Programs along grid axis y share
    the words.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, I32:$batch, Flex_I32Column:$head,
      Flex_I32Column:$query, Variadic<AnyType>:$captures, I32:$limit, Flex_I64Pointer:$kinds,
      I32Attr:$blocks, I32Attr:$kv_block);
  let assemblyFormat = [{
    $callee `(` $batch `,` $head `,` $query `)`
    (`captures` `(` $captures^ `:` type($captures) `)`)? `below` $limit `->` $kinds
    `blocks` `(` $blocks `x` $kv_block `)` attr-dict `:` type($head) `,` type($query)
  }];
  let hasVerifier = 1;
}

def Flex_CompactOp : Flex_Op<"compact", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "The blocks that `flex.classify` found some row to see, in order.";
  let description = [{
    Those that every row sees need no mask. The program lists them ahead of the
    loop over them, in memory of its own: `entries` has room for all. Of a slice
    of them it lists, and uses the room of, its own alone. An entry is twice the
    block's number, plus one if the block needs no mask.
  }];
  let arguments = (ins Flex_I64Pointer:$kinds, I32:$limit, Flex_I32Pointer:$entries,
      I32Attr:$blocks, I32Attr:$kv_block);
  let results = (outs Flex_Blocks:$result);
  let assemblyFormat = [{
    $kinds `below` $limit `in` $entries `blocks` `(` $blocks `x` $kv_block `)` attr-dict
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Level 2: scores and online softmax
//===----------------------------------------------------------------------===//

def Flex_ScoresOp : Flex_Op<"scores", [Pure]> {
  let summary = "scale * query * transpose(key), in f32.";
  let arguments = (ins Flex_Tile:$query, Flex_Tile:$key, F32:$scale,
      DefaultValuedAttr<TT_InputPrecision, "::mlir::tt::InputPrecision::IEEE">:$precision);
  let results = (outs Flex_ScoreTile:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $scale (`precision` $precision^)? attr-dict `:` type($query) `,` type($key) `->` type($result)
  }];
  let hasVerifier = 1;
}

class Flex_ApplyOp<string mnemonic, list<Trait> traits = []>
    : Flex_Op<mnemonic, !listconcat(traits, [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    TypesMatchWith<"result type matches score type", "scores", "result", "$_self">])> {
  let results = (outs Flex_ScoreTile:$result);
  let hasVerifier = 1;
}

def Flex_ScoreModOp : Flex_ApplyOp<"score_mod"> {
  let summary = "Applies a scalar score_mod to every element of a tile.";
  let arguments = (ins FlatSymbolRefAttr:$callee, Flex_ScoreTile:$scores, I32:$batch,
      Flex_I32Column:$head, Flex_I32Column:$query, Flex_I32Column:$kv,
      Variadic<AnyType>:$captures);
  let assemblyFormat = [{
    $callee `(` $scores `,` $batch `,` $head `,` $query `,` $kv `)`
    (`captures` `(` $captures^ `:` type($captures) `)`)? attr-dict
    `:` type($scores) `,` type($head) `,` type($query) `,` type($kv)
  }];
}

def Flex_MaskModOp : Flex_ApplyOp<"mask_mod", [AttrSizedOperandSegments]> {
  let summary = "Sets to -inf the scores that a scalar mask_mod does not keep.";
  let description = [{
    The function returns whether to keep a score, and after that, if it loads by
    indices that may be out of range, whether they are in range. Where they are
    not, the score is NaN. Where `unless` is given and true, every score is kept.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Flex_ScoreTile:$scores, I32:$batch,
      Flex_I32Column:$head, Flex_I32Column:$query, Flex_I32Column:$kv,
      Variadic<AnyType>:$captures, Optional<I1>:$unless);
  let assemblyFormat = [{
    $callee `(` $scores `,` $batch `,` $head `,` $query `,` $kv `)`
    (`captures` `(` $captures^ `:` type($captures) `)`)? (`unless` $unless^)? attr-dict
    `:` type($scores) `,` type($head) `,` type($query) `,` type($kv)
  }];
}

def Flex_BoundOp : Flex_Op<"bound", [Pure,
    TypesMatchWith<"result type matches score type", "scores", "result", "$_self">]> {
  let summary = "Sets to -inf the scores of keys that do not exist.";
  let arguments = (ins Flex_ScoreTile:$scores, Flex_I1Column:$valid);
  let results = (outs Flex_ScoreTile:$result);
  let assemblyFormat = "$scores `if` $valid attr-dict `:` type($scores) `,` type($valid)";
  let hasVerifier = 1;
}

def Flex_OnlineSoftmaxOp : Flex_Op<"online_softmax", [Pure,
    TypesMatchWith<"new max has the type of max", "max", "new_max", "$_self">,
    TypesMatchWith<"new sum has the type of sum", "sum", "new_sum", "$_self">,
    TypesMatchWith<"new acc has the type of acc", "acc", "new_acc", "$_self">]> {
  let summary = "Adds one tile of scores and values to the running softmax.";
  let description = [{
    The state is the running maximum of the scores in base 2 (scores times
    log2(e)), the running sum of exp2, and the accumulator of values, all f32
    (Milakov and Gimelshein, arXiv:1805.02867; Dao et al., arXiv:2205.14135).
  }];
  let arguments = (ins Flex_F32Column:$max, Flex_F32Column:$sum, Flex_ResultTile:$acc,
      Flex_ScoreTile:$scores, Flex_Tile:$value,
      DefaultValuedAttr<TT_InputPrecision, "::mlir::tt::InputPrecision::IEEE">:$precision);
  let results = (outs Flex_F32Column:$new_max, Flex_F32Column:$new_sum, Flex_ResultTile:$new_acc);
  let assemblyFormat = [{
    `(` $max `,` $sum `,` $acc `)` `,` $scores `,` $value (`precision` $precision^)? attr-dict
    `:` `(` type($max) `,` type($sum) `,` type($acc) `)` `,` type($scores) `,` type($value)
  }];
  let hasVerifier = 1;
}

def Flex_SoftmaxFinishOp : Flex_Op<"softmax_finish", [Pure,
    TypesMatchWith<"out has the type of acc", "acc", "out", "$_self">,
    TypesMatchWith<"lse has the type of sum", "sum", "lse", "$_self">,
    TypesMatchWith<"max_score has the type of max", "max", "max_score", "$_self">]> {
  let summary = "The result of a row: acc / sum, log-sum-exp, largest score.";
  let description = [{
    Logarithm and maximum are natural. A row that saw no key gives 0, -inf and
    -inf.
  }];
  let arguments = (ins Flex_F32Column:$max, Flex_F32Column:$sum, Flex_ResultTile:$acc);
  let results = (outs Flex_ResultTile:$out, Flex_F32Column:$lse, Flex_F32Column:$max_score);
  let assemblyFormat = [{
    `(` $max `,` $sum `,` $acc `)` attr-dict
    `:` `(` type($max) `,` type($sum) `,` type($acc) `)`
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Level 2: programs that combine what they have found
//===----------------------------------------------------------------------===//

def Flex_CombineInClusterOp : Flex_Op<"combine_in_cluster", [AttrSizedOperandSegments, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Combines the running softmax of the programs of a cluster, and stores the result.";
  let description = [{
    `parts` programs, of which this is number `part`, have visited different
    keys for the same rows, which are those of a `flex.rows` with the same
    operands and attributes. Each writes what it found into its own shared
    memory from byte `memory` on; when all have, they share the columns out
    among themselves, combine these and store them; the first one stores the
    log-sum-exp and the largest score of each row, where they are wanted.
  }];
  let arguments = (ins Flex_F32Column:$max, Flex_F32Column:$sum, Flex_ResultTile:$acc,
      I32:$part, I32:$parts, I32:$memory, I32:$kv_heads, I32:$q_len,
      Flex_View:$out, Optional<Flex_View>:$lse, Optional<Flex_View>:$max_scores,
      I32Attr:$group, I32Attr:$heads, I32Attr:$queries, OptionalAttr<I32Attr>:$q_block, I32Attr:$columns);
  let assemblyFormat = [{
    `(` $max `,` $sum `,` $acc `)` `part` `(` $part `of` $parts `)` `memory` `(` $memory `)`
    `rows` `(` $kv_heads `,` $q_len `)` `group` `(` $group `)` `tile` `(` $heads `heads` `x`
    $queries `queries` `)` (`within` `(` $q_block^ `)`)? `->` $out
    (`lse` `(` $lse^ `:` type($lse) `)`)?
    (`max_scores` `(` $max_scores^ `:` type($max_scores) `)`)? `columns` $columns attr-dict
    `:` `(` type($max) `,` type($sum) `,` type($acc) `)` `->` type($out)
  }];
  let hasVerifier = 1;
}

#endif // PYFLEX_FLEX_OPS
