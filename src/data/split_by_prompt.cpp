// The split into training and held-out records.
#include <cstddef>
#include <cstdint>
#include <string>

#include "rlhf/core/check_argument.h"
#include "rlhf/core/random.h"
#include "rlhf/data/samples.h"

#include "data/hash.h"

namespace rlhf {
namespace {

std::string first_turns_text(const nlohmann::ordered_json& messages, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += messages[i].dump();
  return text;
}

/// The number of messages before the first assistant turn.
std::size_t question_turns(const nlohmann::ordered_json& messages) {
  std::size_t count = 0;
  while (count < messages.size() && messages[count].at("role") != "assistant") ++count;
  return count;
}

/// The text that must not be on both sides of the split.
std::string split_key(const Demonstration& record) {
  if (record.chat)
    return first_turns_text(record.chat.messages,
                            record.prompt_turns > 0 ? record.prompt_turns : question_turns(record.chat.messages));
  return record.whole ? record.completion : record.prompt;
}
std::string split_key(const Preference& record) {
  return record.chat ? first_turns_text(record.chat.messages, record.chat.messages.size()) : record.prompt;
}

bool drawn(const std::string& key, double eval_share, std::uint64_t seed) {
  check_argument(eval_share >= 0 && eval_share <= 1, "eval_share", "a number from 0 to 1", eval_share);
  return random_uniform(seed, hash_bytes(key), 0) < eval_share;
}

}  // namespace

bool held_out(const Demonstration& record, double eval_share, std::uint64_t seed) {
  return drawn(split_key(record), eval_share, seed);
}

bool held_out(const Preference& record, double eval_share, std::uint64_t seed) {
  return drawn(split_key(record), eval_share, seed);
}

}  // namespace rlhf
