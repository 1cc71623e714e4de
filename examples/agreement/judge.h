#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace agreement {

/// A question and one answer to it, as the judge sees them.
struct Judged {
  std::string prompt;
  int sum = 0;
  std::string answer;
  bool complete = true;          ///< ended with EOS, not cut off
  std::optional<int> hint = {};  ///< what the asker believes the sum to be
};

/// Whether the expert considers the answer true: it is complete, has one of the two forms, and states the sum.
bool is_true(const Judged& judged);

struct Pair {
  std::string prompt, chosen, rejected;
  int sum = 0;
  std::optional<int> hint = {};
};
/// The expert prefers the true answer. Two true or two untrue answers are a tie; the result is then nullopt.
std::optional<Pair> prefer(const Judged& first, const Judged& second);

/// An untrue or broken answer that the sampler rarely produces: another number in one of the two forms, or a missing
/// word. From these the reward model learns about answers that the policy does not sample yet. Each `index` gives
/// another corruption.
std::string corrupted_answer(int sum, std::uint64_t seed, std::uint64_t index);

struct JudgeOptions {
  std::uint64_t seed = 1;
  double corrupted = 0.5;  ///< share of the pairs in which the second answer is replaced by a corrupted one
};
/// Reads two consecutive answers for each prompt, the output of `rlhf-generate --num-samples 2 --json`, and labels
/// them. Throws rlhf::DataError if a line lacks a field or a prompt has only one answer.
std::vector<Pair> label_samples(const std::filesystem::path& samples, const JudgeOptions& options);

}  // namespace agreement
