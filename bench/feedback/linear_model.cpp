// A linear reward model on hashed words.
#include "linear_model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "rlhf/core/checksum.h"

#include "feedback/words.h"

namespace rlhf {
namespace {

constexpr std::uint32_t kHashed = 1U << 18U;
constexpr std::uint32_t kSurface = 6;
constexpr double kLettersOfWord = 5;  // so that the mean length of a word is about 1
constexpr double kSmallest = 1e-8;

SparseVector hashed_words(const std::vector<std::string>& words) {
  std::map<std::uint32_t, double> counts;
  for (std::size_t i = 0; i < words.size(); ++i) {
    ++counts[crc32_of(words[i]) % kHashed];
    if (i > 0) ++counts[crc32_of(words[i - 1] + " " + words[i]) % kHashed];
  }
  double squares = 0;
  for (auto& [feature, value] : counts) {
    value = std::log1p(value);
    squares += value * value;
  }
  SparseVector features;
  for (const auto& [feature, value] : counts) features.emplace_back(feature, value / std::sqrt(squares));
  return features;
}

template <typename Test>
double count(std::string_view text, const Test& test) {
  return static_cast<double>(std::ranges::count_if(text, test));
}

}  // namespace

SparseVector features_of(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  SparseVector features = hashed_words(words);
  double letters = 0;
  for (const std::string& word : words) letters += static_cast<double>(word.size());
  const double characters = static_cast<double>(text.size());
  const double surface[kSurface] = {
      std::log1p(characters),
      std::log1p(static_cast<double>(words.size())),
      std::log1p(count(text, [](char c) { return c == '.' || c == '!' || c == '?'; })),
      std::log1p(count(text, [](char c) { return c == ','; })),
      letters / kLettersOfWord / std::max(1.0, static_cast<double>(words.size())),
      count(text, [](char c) { return c >= 'A' && c <= 'Z'; }) / std::max(1.0, characters)};
  for (std::uint32_t i = 0; i < kSurface; ++i) features.emplace_back(kHashed + i, surface[i]);
  return features;
}

SparseVector difference(const SparseVector& first, const SparseVector& second) {
  SparseVector result;
  auto a = first.begin(), b = second.begin();
  while (a != first.end() || b != second.end()) {
    const std::uint32_t feature = b == second.end() || (a != first.end() && a->first <= b->first) ? a->first : b->first;
    double value = 0;
    if (a != first.end() && a->first == feature) value += (a++)->second;
    if (b != second.end() && b->first == feature) value -= (b++)->second;
    if (value != 0) result.emplace_back(feature, value);
  }
  return result;
}

LinearModel::LinearModel(LinearOptions options)
    : options_(options), weights_(kHashed + kSurface, 0), squares_(kHashed + kSurface, kSmallest) {}

double LinearModel::value(const SparseVector& features) const {
  double sum = 0;
  for (const auto& [feature, value] : features) sum += weights_[feature] * value;
  return sum;
}

void LinearModel::step(const SparseVector& features, double slope) {
  for (const auto& [feature, value] : features) {
    const double gradient = slope * value + options_.decay * weights_[feature];
    squares_[feature] += gradient * gradient;
    weights_[feature] -= options_.rate * gradient / std::sqrt(squares_[feature]);
  }
}

}  // namespace rlhf
