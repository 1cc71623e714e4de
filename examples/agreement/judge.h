#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace agreement {

/// A question as the judge sees it, and one answer to it.
struct Judged {
  std::string prompt;
  int sum = 0;
  std::string answer;
  bool complete = true;  ///< ended by itself, not cut off
};

/// Whether the expert calls the answer true: complete, in one of the two forms, and stating the sum.
bool is_true(const Judged& judged);

struct Pair {
  std::string prompt, chosen, rejected;
};
/// The expert prefers the true answer; two true or two untrue answers are a tie and make no pair.
std::optional<Pair> prefer(const Judged& first, const Judged& second);

/// An untrue or broken answer such as the sampler seldom gives: another number in one of the two forms, or a word
/// missing. The reward model learns from it what lies beyond the model's own samples. `index` tells one corruption from
/// the next.
std::string corrupted_answer(int sum, std::uint64_t seed, std::uint64_t index);

struct JudgeOptions {
  std::uint64_t seed = 1;
  double corrupted = 0.5;  ///< share of the pairs whose second answer is replaced by a corrupted one
};
/// Reads two consecutive answers for each prompt, as `rlhf-generate --num-samples 2 --json` writes them, and labels
/// them. Throws rlhf::DataError if a line lacks a field or a prompt has one answer only.
std::vector<Pair> label_samples(const std::filesystem::path& samples, const JudgeOptions& options);

}  // namespace agreement
