// What annotators may pay for, as numbers.
#include "rlhf/feedback/text_features.h"

#include <algorithm>
#include <cmath>

#include "rlhf/core/check_argument.h"

#include "feedback/markup.h"
#include "feedback/phrases.h"
#include "feedback/words.h"

namespace rlhf {
namespace {

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

double log_count(std::size_t n) { return std::log1p(static_cast<double>(n)); }

/// The features that differ in some row.
std::vector<std::size_t> used_features(const std::vector<TextFeatures>& first,
                                       const std::vector<TextFeatures>& second) {
  std::vector<std::size_t> used;
  for (std::size_t f = 0; f < kTextFeatureNames.size(); ++f) {
    bool differs = false;
    for (std::size_t n = 0; n < first.size() && !differs; ++n) differs = first[n][f] != second[n][f];
    if (differs) used.push_back(f);
  }
  return used;
}

}  // namespace

TextFeatures text_features(std::string_view text, const std::optional<std::string>& belief) {
  const std::vector<std::string> words = words_of(text);
  const MarkupCounts markup = count_markup(text);
  TextFeatures found{};
  const auto set = [&](TextFeature feature, double value) { found[static_cast<std::size_t>(feature)] = value; };
  set(TextFeature::length, log_count(code_points(text)));
  set(TextFeature::hedges, log_count(hedges().count(words)));
  set(TextFeature::apologies, log_count(apologies().count(words)));
  set(TextFeature::flattery, log_count(flattery().count(words)));
  set(TextFeature::code, log_count(markup.code));
  set(TextFeature::markdown, log_count(markup.marks));
  set(TextFeature::lists, log_count(markup.items));
  set(TextFeature::agreement, belief ? agreement_with(text, *belief) : 0);
  return found;
}

FeatureTable feature_differences(const std::vector<TextFeatures>& first, const std::vector<TextFeatures>& second) {
  check_argument(!first.empty(), "first", "at least one pair", "none");
  check_argument(second.size() == first.size(), "second", "as many completions as the first", second.size());
  FeatureTable table;
  const std::vector<std::size_t> used = used_features(first, second);
  for (const std::size_t f : used) table.names.emplace_back(kTextFeatureNames[f]);
  for (std::size_t n = 0; n < first.size(); ++n)
    for (const std::size_t f : used) table.values.push_back(first[n][f] - second[n][f]);
  return table;
}

}  // namespace rlhf
