#include "rlhf/config/options.h"

namespace rlhf {
namespace {

void collect(const Section& section, const std::string& prefix, std::vector<Leaf>& found);

void collect(const Option& option, const std::string& path, std::vector<Leaf>& found) {
  const Slot* slot = &option.slot;
  if (const auto* maybe = std::get_if<Maybe>(slot)) slot = &maybe->shape->slot;
  if (const auto* section = std::get_if<Section>(slot)) {
    collect(*section, path + ".", found);
  } else {
    found.push_back({path, &option});
  }
}

void collect(const Section& section, const std::string& prefix, std::vector<Leaf>& found) {
  for (const Option& option : section.options) collect(option, prefix + std::string(option.key), found);
}

}  // namespace

std::vector<Leaf> leaves(const Section& section) {
  std::vector<Leaf> found;
  collect(section, "", found);
  return found;
}

}  // namespace rlhf
