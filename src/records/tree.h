#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/json/json_reader.h"
#include "rlhf/records/records.h"

namespace rlhf {

/// A message of a tree {"role", "text", "replies"} and the replies to it. Messages that are marked as deleted are left
/// out with their replies.
struct TreeMessage {
  nlohmann::ordered_json message;  ///< {"role", "content"}
  std::optional<double> rank;      ///< among the replies to the same message; the lowest is the best
  std::vector<TreeMessage> replies;
  const nlohmann::ordered_json* source = nullptr;  ///< as it stands in the record
};

/// Reads the message and all replies. Throws BadRecord.
TreeMessage read_tree(const JsonReader& root);

/// The messages from the root along the best reply (the lowest rank, else the first) to the last assistant turn; empty
/// if there is none.
nlohmann::ordered_json best_path(const TreeMessage& root);
/// A message with two to 64 ranked assistant replies.
struct RankedReplies {
  const TreeMessage* message;
  nlohmann::ordered_json path;              ///< the messages from the root to it
  std::vector<const TreeMessage*> replies;  ///< those that have a rank
};
std::vector<RankedReplies> ranked_replies(const TreeMessage& root);
/// One record for every message with two or more ranked assistant replies.
std::vector<Preference> rankings_of(const TreeMessage& root);
/// The messages up to every turn of another role than assistant.
std::vector<nlohmann::ordered_json> prompts_of(const TreeMessage& root);

}  // namespace rlhf
