#pragma once

#include "rlhf/core/types.h"
#include "rlhf/json/json_reader.h"

namespace rlhf::hf {

/// The ids that are added before and after every text.
struct Frame {
  TokenIds front;
  TokenIds back;
};

/// Reads a `post_processor`: TemplateProcessing (for single texts), ByteLevel (which changes no ids), Sequence.
Frame read_post_processor(const JsonReader& node);

}  // namespace rlhf::hf
