//===- KeyCount.cpp - How many keys an interval holds at most -------------===//
//
// The ends of an interval are built from the rows' indices. What they have in
// common cancels: of [q - 1023, q + 1) 1024 keys are left.
//
//===----------------------------------------------------------------------===//

#include "transforms/KeyCount.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::flex;

namespace {

/// A sum of values, each times a factor, and of a constant.
struct Sum {
  llvm::SmallMapVector<Value, int64_t, 4> terms;
  int64_t constant = 0;

  /// Adds `other` times `factor`, unless a number is too large for that.
  [[nodiscard]] bool add(const Sum &other, int64_t factor) {
    if (!addTo(constant, other.constant, factor))
      return false;
    for (auto [value, count] : other.terms) {
      int64_t &own = terms[value];
      if (!addTo(own, count, factor))
        return false;
      if (own == 0)
        terms.erase(value);
    }
    return true;
  }

  bool sameTerms(const Sum &other) const {
    return terms.size() == other.terms.size() &&
           llvm::all_of(terms, [&](const auto &term) {
             auto found = other.terms.find(term.first);
             return found != other.terms.end() && found->second == term.second;
           });
  }

private:
  static bool addTo(int64_t &number, int64_t other, int64_t factor) {
    int64_t product;
    return !llvm::MulOverflow(other, factor, product) &&
           !llvm::AddOverflow(number, product, number);
  }
};

/// Each of them is a bound.
using Sums = SmallVector<Sum, 2>;

/// How many bounds of one value are kept: there can be one for each way through
/// its choices, and what two values give is multiplied where they are added.
constexpr size_t kMostSums = 16;

/// Sums that a value is nowhere above, or nowhere below.
class Bounding {
public:
  Bounding(const Numbers &n, Value query) : n(n), query(query) {}

  Sums of(Number number, bool above) {
    if (number.value)
      return of(number.value, above);
    Sum sum;
    sum.constant = number.least;
    return {sum};
  }

private:
  Sums of(Value value, bool above) {
    value = stripped(value);
    auto key = std::make_pair(value, unsigned(above));
    auto found = known.find(key);
    if (found != known.end())
      return found->second;
    Sums sums = ofOp(value, above);
    known[key] = sums;
    return sums;
  }

  Sums ofOp(Value value, bool above) {
    APInt number;
    if (matchPattern(value, m_ConstantInt(&number))) {
      Sum sum;
      sum.constant = number.getSExtValue();
      return {sum};
    }
    Operation *op = value == query ? nullptr : value.getDefiningOp();
    if (isa_and_nonnull<arith::AddIOp, arith::SubIOp>(op))
      return combined(op->getOperand(0), op->getOperand(1),
                      isa<arith::AddIOp>(op) ? 1 : -1, above);
    if (isa_and_nonnull<arith::MulIOp>(op))
      if (matchPattern(stripped(op->getOperand(1)), m_ConstantInt(&number)))
        return scaled(op->getOperand(0), number.getSExtValue(), above);
    if (isa_and_nonnull<arith::MinSIOp, arith::MaxSIOp>(op)) {
      Sums lhs = of(op->getOperand(0), above),
           rhs = of(op->getOperand(1), above);
      // The less of two is below both, and above what is below both.
      return isa<arith::MinSIOp>(op) == above ? any(lhs, rhs, above)
                                              : both(lhs, rhs, above);
    }
    if (auto select = dyn_cast_or_null<arith::SelectOp>(op))
      return ofChoice(select, above);
    Sum sum;
    sum.terms[value] = 1;
    return {sum};
  }

  Sums ofChoice(arith::SelectOp select, bool above) {
    Value yes = select.getTrueValue(), no = select.getFalseValue();
    if (n.isGuard(stripped(select.getCondition())))
      return of(yes, above);
    // What is below everything is below any bound from above, and so on.
    int64_t harmless = above ? -Numbers::kInfinity : Numbers::kInfinity;
    if (isConstantIntValue(stripped(yes), harmless))
      return of(no, above);
    if (isConstantIntValue(stripped(no), harmless))
      return of(yes, above);
    return both(of(yes, above), of(no, above), above);
  }

  Sums scaled(Value value, int64_t factor, bool above) {
    Sums sums;
    for (const Sum &part : of(value, factor < 0 ? !above : above)) {
      Sum sum;
      if (sum.add(part, factor))
        putRounded(sums, sum, above);
    }
    return sums;
  }

  Sums combined(Value lhs, Value rhs, int64_t sign, bool above) {
    Sums sums, others = scaled(rhs, sign, above);
    for (const Sum &left : of(lhs, above))
      for (const Sum &right : others) {
        Sum sum = left;
        if (sum.add(right, 1))
          putRounded(sums, sum, above);
      }
    return sums;
  }

  /// (x >> k) * 2^k is x at most, and x - 2^k + 1 at least.
  static void putRounded(Sums &sums, const Sum &sum, bool above) {
    Sum result;
    result.constant = sum.constant;
    for (auto [value, count] : sum.terms) {
      auto shift = value.getDefiningOp<arith::ShRSIOp>();
      APInt bits;
      Sum term;
      term.terms[value] = 1;
      int64_t factor = count;
      if (shift &&
          matchPattern(stripped(shift.getRhs()), m_ConstantInt(&bits)) &&
          bits.ult(31) && count % (int64_t(1) << bits.getZExtValue()) == 0) {
        int64_t unit = int64_t(1) << bits.getZExtValue();
        factor = count / unit;
        term = Sum();
        term.terms[stripped(shift.getLhs())] = 1;
        if ((factor > 0) != above)
          term.constant = 1 - unit;
      }
      if (!result.add(term, factor))
        return;
    }
    put(sums, result, above);
  }

  /// Of two with the same terms the tighter one is kept; where there are too
  /// many, those of few terms, which another end is likelier to share.
  static void put(Sums &sums, const Sum &sum, bool above) {
    for (Sum &held : sums)
      if (held.sameTerms(sum)) {
        held.constant = above ? std::min(held.constant, sum.constant)
                              : std::max(held.constant, sum.constant);
        return;
      }
    if (sums.size() < kMostSums) {
      sums.push_back(sum);
      return;
    }
    Sum &longest = *llvm::max_element(sums, [](const Sum &one, const Sum &two) {
      return one.terms.size() < two.terms.size();
    });
    if (sum.terms.size() < longest.terms.size())
      longest = sum;
  }

  static Sums any(Sums sums, const Sums &others, bool above) {
    for (const Sum &other : others)
      put(sums, other, above);
    return sums;
  }

  static Sums both(const Sums &lhs, const Sums &rhs, bool above) {
    Sums sums;
    for (const Sum &left : lhs)
      for (const Sum &right : rhs)
        if (left.sameTerms(right)) {
          bool takeRight = (right.constant > left.constant) == above;
          put(sums, takeRight ? right : left, above);
        }
    return sums;
  }

  const Numbers &n;
  Value query;
  DenseMap<std::pair<Value, unsigned>, Sums> known;
};

} // namespace

/// What all rows have in common adds nothing to a tile; of what differs between
/// rows, only the query is known to go on by one.
static std::optional<int64_t> keysPerQuery(const Sum &end, Value query) {
  int64_t count = 0;
  for (auto [value, factor] : end.terms) {
    if (value == query)
      count = std::abs(factor);
    else if (isa<RankedTensorType>(value.getType()))
      return std::nullopt;
  }
  return count;
}

std::optional<KeyCount> flex::countKeys(const Numbers &n, Interval interval,
                                        Value query) {
  query = stripped(query);
  Bounding bounding(n, query);
  constexpr int64_t most = int64_t(1) << 31;
  Number begin = interval.begin;
  // No key is less than 0.
  if (begin.isConstant())
    begin.least = begin.most = std::max<int64_t>(begin.least, 0);
  std::optional<KeyCount> best;
  for (const Sum &end : bounding.of(interval.end, true))
    for (const Sum &start : bounding.of(begin, false)) {
      auto perQuery = keysPerQuery(end, query);
      int64_t count;
      if (!end.sameTerms(start) || !perQuery ||
          llvm::SubOverflow(end.constant, start.constant, count))
        continue;
      count = std::max<int64_t>(count, 0);
      if (count < most && (!best || count < best->ofRow))
        best = KeyCount{count, *perQuery};
    }
  return best;
}
