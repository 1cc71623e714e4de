#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rlhf/feedback/logistic.h"

namespace rlhf {

/// What annotators may pay for instead of a better answer. `n` is a count; features are ln(1 + n), because the tenth
/// list item says less than the first. English phrases; words are compared without case.
enum class TextFeature : std::size_t {
  length,     ///< n characters (code points)
  hedges,     ///< n phrases like "perhaps", "might be", "I'm not sure"
  apologies,  ///< n phrases like "sorry", "my mistake"
  flattery,   ///< n phrases like "great question", "well done"
  code,       ///< n code blocks and inline code spans of Markdown
  markdown,   ///< n headings, bold spans, links and table rows, outside code blocks
  lists,      ///< n list items, outside code blocks
  agreement,  ///< agreement_with(text, belief), not a logarithm
};
inline constexpr std::array<std::string_view, 8> kTextFeatureNames = {"length", "hedges",   "apologies", "flattery",
                                                                      "code",   "markdown", "lists",     "agreement"};
using TextFeatures = std::array<double, kTextFeatureNames.size()>;

/// What the asker believes: the rest of the sentence after "I think", "I believe", "I'm sure", "my guess is" and the
/// like, without "that", "it is", "the answer is"; the last such sentence of the prompt. "I think it is 8. What is
/// 3+4?" gives "8". nullopt if there is none.
std::optional<std::string> stated_belief(std::string_view prompt);

/// What the asker believes: `said` of a record, or if that is empty what the prompt states.
std::optional<std::string> belief_of(std::string_view said, std::string_view prompt);

/// +1 if the text begins by agreeing ("Yes", "You're right", "I agree"), −1 if it begins by contradicting ("No",
/// "That's not right", "Actually"). Otherwise +1 if it says the belief, word for word, −1 if it says it only with a
/// negation among the three words before, 0 if it does not say it. 0 for a belief without words.
int agreement_with(std::string_view text, std::string_view belief);

/// Features of a completion; without a belief `agreement` is 0.
TextFeatures text_features(std::string_view text, const std::optional<std::string>& belief = std::nullopt);

/// One row per pair, features of the first minus features of the second: the features of fit_logistic. A feature that
/// is 0 in all rows is left out. Errors: ArgumentError for lists of different lengths and for no pair.
FeatureTable feature_differences(const std::vector<TextFeatures>& first, const std::vector<TextFeatures>& second);

}  // namespace rlhf
