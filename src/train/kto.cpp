// Mismatched completions, weights and their balance for the loss kto.
#include "kto.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <utility>

namespace rlhf {
namespace {

bool same_prompt(const RankedSample& a, const RankedSample& b) {
  const auto prompt = [](const RankedSample& sample) { return sample.texts.front().begin(); };
  return a.prompt_length == b.prompt_length && std::equal(prompt(a), prompt(a) + a.prompt_length, prompt(b));
}

/// For each sample the next one, going round, that has another prompt; any if there is none.
std::vector<std::size_t> next_prompts(const std::vector<RankedSample>& samples) {
  const std::size_t count = samples.size();
  std::vector<std::size_t> next(count);
  for (std::size_t left = 2 * count; left > 0; --left) {  // twice round, because the last run may go on at the start
    const std::size_t i = (left - 1) % count, after = left % count;
    next[i] = same_prompt(samples[i], samples[after]) ? next[after] : after;
  }
  return next;
}

std::string shown(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", number);
  return text;
}

}  // namespace

std::vector<RankedSample> mismatch(const std::vector<RankedSample>& samples, std::int64_t longest) {
  const std::vector<std::size_t> next = next_prompts(samples);
  std::vector<RankedSample> mismatched;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const RankedSample& own = samples[i];
    const std::size_t far = (i + samples.size() / 2) % samples.size(), farther = next[far];
    const bool skip = same_prompt(own, samples[far]) && !same_prompt(own, samples[farther]);
    const RankedSample& other = samples[skip ? farther : far];
    const TokenIds& answered = other.texts[i % other.texts.size()];  // in turn chosen and rejected
    TokenIds text(own.texts.front().begin(), own.texts.front().begin() + own.prompt_length);
    text.insert(text.end(), answered.begin() + other.prompt_length, answered.end());
    text.resize(std::min(text.size(), static_cast<std::size_t>(longest)));
    mismatched.push_back({{std::move(text)}, {}, own.prompt_length});
  }
  return mismatched;
}

TextWeights kto_weights(const std::vector<const RankedSample*>& samples, const DpoOptions& options, at::Device device) {
  const auto good = static_cast<float>(options.desirable_weight), bad = static_cast<float>(options.undesirable_weight);
  return text_weights(samples, device, [&](const TextLabel& label) {
    const float desirable = label.chosen ? label.right : 1 - label.right;
    return std::pair(good * label.weight * desirable, bad * label.weight * (1 - desirable));
  });
}

std::string kto_balance_warning(const RankedCounts& counts, const DpoOptions& options) {
  constexpr double kLeast = 1, kMost = 4.0 / 3, kRounding = 1e-9;
  const double good = options.desirable_weight * counts.chosen(), bad = options.undesirable_weight * counts.rejected();
  const std::string start =
      "dpo.loss: kto: expected desirable completions that count 1 to 4/3 times as much as the undesirable ones, found ";
  if (bad == 0) return start + "no undesirable ones";
  const double ratio = good / bad;
  if (ratio >= kLeast - kRounding && ratio <= kMost + kRounding) return "";
  if (good == 0) return start + "no desirable ones";
  const auto range = [](double weight, double low, double high) {
    return shown(weight * low) + " to " + shown(weight * high);
  };
  return start + shown(ratio) + " times; hint: " +
         (ratio > kMost ? "dpo.undesirable_weight of " + range(options.undesirable_weight, ratio / kMost, ratio)
                        : "dpo.desirable_weight of " + range(options.desirable_weight, kLeast / ratio, kMost / ratio));
}

}  // namespace rlhf
