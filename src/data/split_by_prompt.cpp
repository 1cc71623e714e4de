#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "rlhf/core/random.h"
#include "rlhf/data/samples.h"

namespace rlhf {
namespace {

/// FNV-1a, 64 bits: the same on every machine, which std::hash does not promise.
std::uint64_t hash_text(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

/// What must not land on both sides: the prompt, and for a text without one the text itself.
const std::string& split_key(const Demonstration& record) { return record.whole ? record.completion : record.prompt; }
const std::string& split_key(const Preference& record) { return record.prompt; }

template <typename Record>
std::pair<std::vector<Record>, std::vector<Record>> split(std::vector<Record> records, double eval_share,
                                                          std::uint64_t seed) {
  std::vector<Record> train, eval;
  for (Record& record : records) {
    const bool held_out = random_uniform(seed, hash_text(split_key(record)), 0) < eval_share;
    (held_out ? eval : train).push_back(std::move(record));
  }
  return {std::move(train), std::move(eval)};
}

}  // namespace

std::pair<std::vector<Demonstration>, std::vector<Demonstration>> split_by_prompt(std::vector<Demonstration> records,
                                                                                  double eval_share,
                                                                                  std::uint64_t seed) {
  return split(std::move(records), eval_share, seed);
}

std::pair<std::vector<Preference>, std::vector<Preference>> split_by_prompt(std::vector<Preference> records,
                                                                            double eval_share, std::uint64_t seed) {
  return split(std::move(records), eval_share, seed);
}

}  // namespace rlhf
