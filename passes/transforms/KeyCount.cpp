//===- KeyCount.cpp - How many keys an interval holds at most -------------===//
//
// The ends of an interval are built from the rows' indices. What they have in
// common cancels: of [q - 1023, q + 1) 1024 keys are left.
//
//===----------------------------------------------------------------------===//

#include "transforms/KeyCount.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::flex;

namespace {

/// A sum of values, each times a factor, and of a constant.
struct Sum {
  llvm::SmallMapVector<Value, int64_t, 4> terms;
  int64_t constant = 0;

  void add(const Sum &other, int64_t factor) {
    constant += factor * other.constant;
    for (auto [value, count] : other.terms)
      if ((terms[value] += factor * count) == 0)
        terms.erase(value);
  }

  bool sameTerms(const Sum &other) const {
    return terms.size() == other.terms.size() &&
           llvm::all_of(terms, [&](const auto &term) {
             auto found = other.terms.find(term.first);
             return found != other.terms.end() && found->second == term.second;
           });
  }
};

/// Each of them is a bound.
using Sums = SmallVector<Sum, 2>;

/// Whether a value is the constant `number`.
bool isConstant(Value value, int64_t number) {
  APInt constant;
  return matchPattern(value, m_ConstantInt(&constant)) &&
         constant.getBitWidth() == 64 && constant.getSExtValue() == number;
}

/// What ops on shapes and widths leave as it is.
Value stripped(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tt::SplatOp, tt::BroadcastOp, tt::ExpandDimsOp, arith::ExtSIOp>(
            op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// Sums that a value is nowhere above, or nowhere below.
class Bounding {
public:
  Bounding(const Numbers &n, Value query, bool above)
      : n(n), query(query), above(above) {}

  Sums of(Value value) {
    value = stripped(value);
    APInt number;
    if (matchPattern(value, m_ConstantInt(&number))) {
      Sum sum;
      sum.constant = number.getSExtValue();
      return {sum};
    }
    Operation *op = value == query ? nullptr : value.getDefiningOp();
    if (isa_and_nonnull<arith::AddIOp, arith::SubIOp>(op))
      return combined(op->getOperand(0), op->getOperand(1),
                      isa<arith::AddIOp>(op) ? 1 : -1);
    if (isa_and_nonnull<arith::MulIOp>(op))
      if (matchPattern(stripped(op->getOperand(1)), m_ConstantInt(&number)))
        return scaled(op->getOperand(0), number.getSExtValue());
    if (isa_and_nonnull<arith::MinSIOp, arith::MaxSIOp>(op)) {
      Sums lhs = of(op->getOperand(0)), rhs = of(op->getOperand(1));
      // The less of two is below both, and above what is below both.
      return isa<arith::MinSIOp>(op) == above ? any(lhs, rhs) : both(lhs, rhs);
    }
    if (auto select = dyn_cast_or_null<arith::SelectOp>(op))
      return ofChoice(select);
    Sum sum;
    sum.terms[value] = 1;
    return {sum};
  }

private:
  Sums ofChoice(arith::SelectOp select) {
    Value yes = select.getTrueValue(), no = select.getFalseValue();
    if (n.isGuard(stripped(select.getCondition())))
      return of(yes);
    // What is below everything is below any bound from above, and so on.
    int64_t harmless = above ? -Numbers::kInfinity : Numbers::kInfinity;
    if (isConstant(stripped(yes), harmless))
      return of(no);
    if (isConstant(stripped(no), harmless))
      return of(yes);
    return both(of(yes), of(no));
  }

  Sums scaled(Value value, int64_t factor) {
    Sums sums;
    for (const Sum &part :
         Bounding(n, query, factor < 0 ? !above : above).of(value)) {
      Sum sum;
      sum.add(part, factor);
      sums.push_back(roundedUp(sum));
    }
    return sums;
  }

  Sums combined(Value lhs, Value rhs, int64_t sign) {
    Sums sums;
    for (const Sum &left : of(lhs))
      for (const Sum &right : scaled(rhs, sign)) {
        Sum sum = left;
        sum.add(right, 1);
        sums.push_back(roundedUp(sum));
      }
    return sums;
  }

  /// (x >> k) * 2^k is x at most, and x - 2^k + 1 at least.
  Sum roundedUp(const Sum &sum) {
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
      result.add(term, factor);
    }
    return result;
  }

  static Sums any(Sums lhs, const Sums &rhs) {
    lhs.append(rhs);
    return lhs;
  }

  Sums both(const Sums &lhs, const Sums &rhs) {
    Sums sums;
    for (const Sum &left : lhs)
      for (const Sum &right : rhs)
        if (left.sameTerms(right)) {
          sums.push_back(left);
          bool takeRight = (right.constant > left.constant) == above;
          sums.back().constant = takeRight ? right.constant : left.constant;
        }
    return sums;
  }

  const Numbers &n;
  Value query;
  bool above;
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
  auto bounding = [&](Number number, bool above) {
    if (number.value)
      return Bounding(n, query, above).of(number.value);
    Sum sum;
    sum.constant = number.least;
    return Sums{sum};
  };
  constexpr int64_t most = int64_t(1) << 31;
  Number begin = interval.begin;
  // No key is less than 0.
  if (begin.isConstant())
    begin.least = begin.most = std::max<int64_t>(begin.least, 0);
  std::optional<KeyCount> best;
  for (const Sum &end : bounding(interval.end, true))
    for (const Sum &start : bounding(begin, false)) {
      auto perQuery = keysPerQuery(end, query);
      if (!end.sameTerms(start) || !perQuery)
        continue;
      int64_t count = std::max<int64_t>(end.constant - start.constant, 0);
      if (count < most && (!best || count < best->ofRow))
        best = KeyCount{count, *perQuery};
    }
  return best;
}
