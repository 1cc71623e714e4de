#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rlhf {

/// A value of a YAML or JSON document as it was written.
struct Node {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string text;                    ///< of a scalar
  bool quoted = false;                 ///< a quoted scalar is text, never a number
  std::optional<std::string> as_text;  ///< a value of the command line, which a string option takes as it stands
  std::string key;                     ///< of an entry of a map
  int line = 0;                        ///< 1-based; 0: not from a file
  std::vector<Node> children;
};

/// A whole file: JSON where the name ends in .json, YAML otherwise. An empty one is null. Throws ConfigError with the
/// one fault that stopped it: unreadable, over 1 MiB, no YAML, an anchor, alias or tag, nested deeper than 32.
Node load_document(const std::filesystem::path& file);

/// "a.b.c=value" as the maps around that value, which is read as a flow list, a flow map, a quoted or a plain scalar.
/// Throws ConfigError.
Node parse_override(std::string_view text);

}  // namespace rlhf
