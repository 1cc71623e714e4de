// The leaves of an option tree.
#include "rlhf/config/options.h"

#include <algorithm>

namespace rlhf {
namespace {

void collect(const Section& section, const std::string& prefix, std::vector<Leaf>& found);

void collect(const Option& option, const std::string& path, std::vector<Leaf>& found) {
  const Slot* slot = &option.slot;
  if (const auto* maybe = std::get_if<Maybe>(slot)) slot = &maybe->shape->slot;
  if (const auto* section = std::get_if<Section>(slot)) return collect(*section, path + ".", found);
  found.push_back({path, &option});
  if (const auto* list = std::get_if<StructList>(slot)) collect(*list->shape, path + "[].", found);
}

void collect(const Section& section, const std::string& prefix, std::vector<Leaf>& found) {
  for (const Option& option : section.options) collect(option, prefix + std::string(option.key), found);
}

}  // namespace

const Option* short_form(const StructList& list) {
  const std::vector<Option>& options = list.shape->options;
  const auto found = std::find_if(options.begin(), options.end(), [](const Option& o) { return o.is_short_form; });
  return found == options.end() ? nullptr : &*found;
}

std::vector<Leaf> leaves(const Section& section) {
  std::vector<Leaf> found;
  collect(section, "", found);
  return found;
}

}  // namespace rlhf
