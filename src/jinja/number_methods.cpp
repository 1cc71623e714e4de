// Attributes and methods of int, bool and float.
#include <bit>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "jinja/methods.h"
#include "jinja/operators.h"
#include "jinja/params.h"

namespace rlhf::jinja {
namespace {

Value bit_count(Machine&, const Value& self, const Arguments& arguments) {
  const Params params("bit_count", arguments, {});
  return Value(std::int64_t{std::popcount(static_cast<std::uint64_t>(std::abs(*self.whole())))});
}

Value bit_length(Machine&, const Value& self, const Arguments& arguments) {
  const Params params("bit_length", arguments, {});
  return Value(std::int64_t{64 - std::countl_zero(static_cast<std::uint64_t>(std::abs(*self.whole())))});
}

Value conjugate(Machine&, const Value& self, const Arguments& arguments) {
  const Params params("conjugate", arguments, {});
  return unchanged(self);
}

Value is_integer(Machine&, const Value& self, const Arguments& arguments) {
  const Params params("is_integer", arguments, {});
  return Value(std::isfinite(*self.real()) && std::trunc(*self.real()) == *self.real());
}

Value method(Native native, const Value& self) {
  return Value(std::static_pointer_cast<Object>(std::make_shared<Function>(native, self)));
}

}  // namespace

std::optional<Value> number_attribute(const Value& self, const std::string& name) {
  const bool whole = self.whole().has_value();
  if (name == "real") return unchanged(self);
  if (name == "imag") return whole ? Value(std::int64_t{0}) : Value(0.0);
  if (name == "conjugate") return method(conjugate, self);
  if (!whole) return name == "is_integer" ? std::optional(method(is_integer, self)) : std::nullopt;
  if (name == "numerator") return unchanged(self);
  if (name == "denominator") return Value(std::int64_t{1});
  if (name == "bit_length") return method(bit_length, self);
  if (name == "bit_count") return method(bit_count, self);
  return std::nullopt;
}

}  // namespace rlhf::jinja
