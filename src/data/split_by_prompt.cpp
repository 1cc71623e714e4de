// The split into training and held-out records.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

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

std::string prompt_of(const Demonstration& record) {
  if (record.chat)
    return first_turns_text(record.chat.messages,
                            record.prompt_turns > 0 ? record.prompt_turns : question_turns(record.chat.messages));
  return record.whole ? record.completion : record.prompt;
}
std::string prompt_of(const Preference& record) {
  if (record.chat) return first_turns_text(record.chat.messages, question_turns(record.chat.messages));
  return record.whole ? record.answers.front().text : record.prompt;
}

}  // namespace

std::uint64_t split_key(const Demonstration& record) { return hash_bytes(prompt_of(record)); }
std::uint64_t split_key(const Preference& record) { return hash_bytes(prompt_of(record)); }

HeldOut choose_held_out(const std::unordered_map<std::uint64_t, std::int64_t>& counts, double share, std::uint64_t seed,
                        std::int64_t fold) {
  check_argument(share >= 0 && share <= 1, "share", "a number from 0 to 1", share);
  check_argument(fold >= 0, "fold", "at least 0", fold);
  HeldOut chosen{.prompts = static_cast<std::int64_t>(counts.size())};
  std::vector<std::pair<double, std::uint64_t>> order;
  for (const auto& [key, count] : counts) {
    order.emplace_back(random_uniform(seed, key, 0), key);
    chosen.records += count;
  }
  std::sort(order.begin(), order.end());
  const double wanted = share * static_cast<double>(chosen.records);
  const auto add = [&](std::uint64_t key) {
    chosen.held += counts.at(key);
    chosen.keys.insert(key);
  };
  for (std::int64_t f = 0; f <= fold; ++f) {
    std::erase_if(order,
                  [&](const auto& item) { return chosen.keys.contains(item.second); });  // those of the fold before
    chosen.keys.clear();
    chosen.held = 0;
    for (const auto& [place, key] : order) {
      const auto held = static_cast<double>(chosen.held), count = static_cast<double>(counts.at(key));
      const bool is_closer = std::abs(held + count - wanted) < std::abs(held - wanted);
      if (is_closer && chosen.keys.size() + 1 < counts.size()) add(key);
    }
    const auto rarer = [&](const auto& a, const auto& b) { return counts.at(a.second) < counts.at(b.second); };
    if (chosen.keys.empty() && share > 0 && !order.empty() && counts.size() > 1)
      add(std::min_element(order.begin(), order.end(), rarer)->second);
  }
  return chosen;
}

}  // namespace rlhf
