#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rlhf/config/choices.h"
#include "rlhf/feedback/latent_annotators.h"
#include "rlhf/records/judgments.h"

namespace rlhf {

/// A property of a response that annotators may pay for, computed by the caller's own code, beside those that
/// feedback/text_features.h has.
struct AnnotatorFeature {
  std::string name;
  bool in_play = true;  ///< a bias is in play where the responses of a pair differ in it, which they seldom do
  std::function<double(const JudgedRecord& record, std::size_t response)> value;  ///< finite, usual differences about 1
};

/// How the judgments of the training records become labels.
struct JudgmentReading {
  AnnotatorMethod method = AnnotatorMethod::majority;
  std::vector<std::string> biases = {"agreement"};  ///< names of kTextFeatureNames (feedback/text_features.h)
  std::vector<AnnotatorFeature> features = {};      ///< the caller's own
  bool evaluation = false;  ///< training records get their labels like those to evaluate on (load_preferences)
  bool unpaired = false;    ///< also read single completions with a label (RecordFormat::unpaired)
};

/// An annotator whose votes are weighed: of role crowd or ai. The same name in two roles is two annotators.
struct WeighedAnnotator {
  std::string name;
  AnnotatorRole role = AnnotatorRole::crowd;
};

/// Two responses of a record of the training files.
struct ComparedResponses {
  std::int32_t file = 0;    ///< index into RecordCounts::files
  std::int32_t first = 0;   ///< index of the response
  std::int32_t second = 0;  ///< greater than `first`
  std::int64_t record = 0;  ///< index of the record in its file
};

/// The votes about the pairs of the training records. A pair is two responses of a record about which at least one
/// judgment says something; RankedPair::judged is its number here.
struct JudgedVotes {
  JudgedPairs votes;                  ///< of crowd and ai, with the features and domains of the pairs
  std::vector<std::int8_t> anchors;   ///< [pairs]: +1 or −1 where more experts prefer the first or second one, else 0
  std::vector<ComparedResponses> at;  ///< [pairs]
  std::vector<WeighedAnnotator> annotators;  ///< [annotators]
  std::vector<std::string> domains;          ///< [domains]; "" where a record has none
  std::vector<std::string> features;         ///< [features]
  std::int64_t expert_votes = 0;
  std::int64_t dropped_votes = 0;  ///< of drop_in_play: votes on pairs where a bias is in play
};

}  // namespace rlhf
