#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rlhf {

/// A value of a YAML or JSON document, before it is converted to the type of an option.
struct Node {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string text;                    ///< the text of a scalar
  bool quoted = false;                 ///< a quoted scalar is a text, never a number
  std::optional<std::string> as_text;  ///< the unparsed value of an override, which string options use
  std::string key;                     ///< the key of a map entry
  int line = 0;                        ///< 1-based; 0 if not from a file
  std::vector<Node> children;
};

/// Parses a file: JSON if its name ends in .json, otherwise YAML. An empty file is null. Throws ConfigError with the
/// first fault: unreadable, over 1 MiB, invalid YAML, an anchor, alias or tag, nested deeper than 32 levels.
Node load_document(const std::filesystem::path& file);

/// Parses "a.b.c=value" to nested maps around the value, which is a flow list, a flow map, or a quoted or plain scalar.
/// Throws ConfigError.
Node parse_override(std::string_view text);

}  // namespace rlhf
