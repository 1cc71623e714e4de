#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rlhf/json/json_reader.h"

namespace rlhf::hf {

/// The steps from pieces to text. The result of the last step is concatenated.
using Decoder = std::vector<std::function<void(std::vector<std::string>&)>>;

/// Reads a `decoder`: ByteLevel, Metaspace, Replace, ByteFallback, Fuse, Strip, Sequence.
Decoder read_decoder(const JsonReader& node);

}  // namespace rlhf::hf
