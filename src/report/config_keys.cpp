// Flattens a config into dotted keys.
#include "report/config_keys.h"

#include <cstddef>

#include <yaml-cpp/yaml.h>

namespace rlhf {
namespace {

using Keys = std::map<std::string, std::string>;
constexpr int kMostDepth = 32;
constexpr std::size_t kMostKeys = 10000;  // aliases can expand a small file to a huge one

std::string on_one_line(const YAML::Node& node) {
  if (node.IsNull()) return "null";
  if (node.IsScalar()) return node.Scalar().empty() ? "\"\"" : node.Scalar();
  YAML::Emitter emitter;
  emitter << YAML::Flow << node;
  return emitter.c_str();
}

void flatten(const YAML::Node& node, const std::string& path, int depth, Keys& keys) {
  if (!node.IsMap() || node.size() == 0 || depth == kMostDepth) {
    keys[path] = on_one_line(node);
    return;
  }
  for (const auto& entry : node)
    if (keys.size() < kMostKeys)
      flatten(entry.second, (path.empty() ? "" : path + ".") + on_one_line(entry.first), depth + 1, keys);
}

}  // namespace

Keys config_keys(const std::string& yaml) {
  Keys keys;
  try {
    const YAML::Node root = YAML::Load(yaml);
    if (root.IsMap()) flatten(root, "", 0, keys);
  } catch (const YAML::Exception&) {
    keys.clear();  // incomplete or edited by hand: the page shows only the keys of the other runs
  }
  return keys;
}

}  // namespace rlhf
