// What all ranks of a run must have in common.
#include "agree.h"

#include <vector>

#include <torch/version.h>

#include "rlhf/core/error.h"
#include "rlhf/core/version.h"

namespace rlhf {

std::string from_first(const Ranks& ranks, const std::string& text, const std::string& what) {
  return ranks.gather(text, what).front();
}

void check_equal_on_ranks(const Ranks& ranks, Fingerprint fingerprint) {
  if (ranks.size() == 1) return;
  fingerprint["version"] = kVersion;
  fingerprint["libtorch"] = TORCH_VERSION;
  const auto texts = ranks.gather(nlohmann::json(fingerprint).dump(), "the comparison of configs and data");
  const auto first = nlohmann::json::parse(texts.front()).get<Fingerprint>();
  std::vector<std::string> issues;
  for (std::size_t rank = 1; rank < texts.size(); ++rank)
    for (const auto& [key, value] : nlohmann::json::parse(texts[rank]).get<Fingerprint>())
      if (const auto found = first.find(key); found == first.end() || found->second != value)
        issues.push_back("rank " + std::to_string(rank) + ": " + key + ": expected " +
                         (found == first.end() ? "nothing" : found->second) + " as on rank 0, found " + value);
  if (!issues.empty()) throw ConfigError(issues);
}

}  // namespace rlhf
