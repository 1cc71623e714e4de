#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/machine.h"
#include "jinja/value.h"

namespace rlhf::jinja {

/// The arguments of a call by parameter. Fails for too many, too few or unknown arguments.
class Params {
 public:
  /// `names` are the parameters in order of position; one with an empty name is positional only. The first `required`
  /// parameters must be given.
  Params(std::string_view what, const Arguments& arguments, std::initializer_list<std::string_view> names,
         std::size_t required = 0);

  bool given(std::size_t i) const { return values_[i] != nullptr; }
  /// Whether argument i was given and is not None.
  bool has_value(std::size_t i) const { return given(i) && !values_[i]->is_none(); }
  const Value& operator[](std::size_t i) const { return *values_[i]; }
  Value value(std::size_t i, Value otherwise) const { return given(i) ? *values_[i] : otherwise; }
  std::int64_t whole(std::size_t i, std::int64_t otherwise) const;
  bool flag(Machine& machine, std::size_t i, bool otherwise) const;
  const std::string& text(std::size_t i) const;  ///< the argument must have been given

 private:
  [[noreturn]] void wrong_type(std::size_t i, const char* expected) const;
  std::string_view what_;
  std::vector<const Value*> values_;
};

}  // namespace rlhf::jinja
