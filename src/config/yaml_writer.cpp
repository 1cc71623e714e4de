// Writes configs as YAML and as flat lists of keys and values.
#include <map>

#include "rlhf/config/show_config.h"

#include "config/flow_text.h"

namespace rlhf {
namespace {

void write(const Option& option, const std::string& indent, std::string& out);

void write(const Section& section, const std::string& indent, std::string& out) {
  for (const Option& option : section.options) write(option, indent, out);
}

void write(const Option& option, const std::string& indent, std::string& out) {
  if (const auto* maybe = std::get_if<Maybe>(&option.slot); maybe != nullptr && maybe->present()) {
    return write(maybe->fill(), indent, out);
  }
  out += indent + std::string(option.key) + ":";
  if (const auto* section = std::get_if<Section>(&option.slot)) {
    out += "\n";
    write(*section, indent + "  ", out);
  } else {
    out += " " + flow_text(option.slot) + "\n";
  }
}

enum class Keys { all, fixed };

void flatten(const Option& option, Keys keys, const std::string& prefix, std::map<std::string, std::string>& out) {
  if (const auto* maybe = std::get_if<Maybe>(&option.slot); maybe != nullptr && maybe->present()) {
    return flatten(maybe->fill(), keys, prefix, out);
  }
  const std::string path = prefix + std::string(option.key);
  if (const auto* section = std::get_if<Section>(&option.slot)) {
    for (const Option& inner : section->options) flatten(inner, keys, path + ".", out);
  } else if (keys == Keys::all || !option.changes_on_resume) {
    out[path] = flow_text(option.slot);
  }
}

std::map<std::string, std::string> flatten(const Section& section, Keys keys) {
  std::map<std::string, std::string> out;
  for (const Option& option : section.options) flatten(option, keys, "", out);
  return out;
}

}  // namespace

std::map<std::string, std::string> flat_values(const Section& options) { return flatten(options, Keys::all); }
std::map<std::string, std::string> fixed_values(const Section& options) { return flatten(options, Keys::fixed); }

std::string to_yaml(const Section& options) {
  std::string out;
  write(options, "", out);
  return out;
}

}  // namespace rlhf
