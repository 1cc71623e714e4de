// Matches the arguments of a call with the parameters.
#include "jinja/params.h"

#include <algorithm>

#include "jinja/operators.h"

namespace rlhf::jinja {

Params::Params(std::string_view what, const Arguments& arguments, std::initializer_list<std::string_view> names,
               std::size_t required)
    : what_(what), values_(names.size(), nullptr) {
  const std::string call = std::string(what) + "()";
  if (arguments.positional.size() > names.size())
    fail(call + ": expected at most " + std::to_string(names.size()) + " arguments, found " +
         std::to_string(arguments.positional.size()));
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto found = name.empty() ? names.end() : std::find(names.begin(), names.end(), name);
    if (found == names.end()) fail(call + " takes no argument named '" + name + "'");
    const Value*& place = values_[static_cast<std::size_t>(found - names.begin())];
    if (place != nullptr) fail(call + ": the argument '" + name + "' was given twice");
    place = &value;
  }
  for (std::size_t i = 0; i < required; ++i)
    if (values_[i] == nullptr) fail(call + ": argument " + std::to_string(i + 1) + " is missing");
}

std::int64_t Params::whole(std::size_t i, std::int64_t otherwise) const {
  if (!given(i)) return otherwise;
  values_[i]->require_defined();
  if (const auto value = values_[i]->whole()) return *value;
  wrong_type(i, "int");
}

bool Params::flag(Machine& machine, std::size_t i, bool otherwise) const {
  return given(i) ? truth(machine, *values_[i]) : otherwise;
}

const std::string& Params::text(std::size_t i) const {
  values_[i]->require_defined();
  if (const Text* found = values_[i]->text()) return found->bytes;
  wrong_type(i, "str");
}

void Params::wrong_type(std::size_t i, const char* expected) const {
  fail(std::string(what_) + "(): argument " + std::to_string(i + 1) + ": expected " + expected + ", found " +
       values_[i]->type_name());
}

}  // namespace rlhf::jinja
