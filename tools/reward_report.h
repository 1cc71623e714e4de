#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/feedback/best_of_n.h"
#include "rlhf/feedback/grouped_mean.h"
#include "rlhf/feedback/reliability.h"
#include "rlhf/feedback/scored_pairs.h"

#include "reward_evidence.h"

namespace rlhf {

/// How well a reward model predicts the votes on some pairs.
struct RewardRow {
  std::string name;
  std::size_t pairs = 0, prompts = 0;
  Estimate accuracy, loss, brier;
  double calibration_error = 0;
  std::optional<double> temperature;
  double longer = 0;                ///< share of votes for the longer answer
  std::optional<Estimate> ceiling;  ///< accuracy of a single vote, where pairs have several
};

/// What the length of answers has to do with the scores.
struct LengthPart {
  struct Split {
    std::size_t pairs = 0;
    std::optional<Estimate> accuracy;
  };
  struct Bin {
    double shortest = 0, longest = 0;  ///< difference of the lengths, first − second answer, in tokens
    std::size_t pairs = 0;
    double accuracy = 0;
  };
  Split longer_right, shorter_right;  ///< pairs whose better answer is the longer or the shorter one
  std::size_t equal = 0;              ///< pairs of equal length
  std::optional<Estimate> gap;        ///< accuracy where the longer is right − accuracy where the shorter is
  bool longer_wins = true;  ///< the better one of the rules "the longer one" and "the shorter one" on these pairs
  Estimate alone;           ///< accuracy of that rule
  Estimate gain;            ///< accuracy of the model − accuracy of that rule
  std::optional<double> prefers_longer;  ///< share of the pairs of different length
  std::optional<double> rank_correlation;
  std::vector<Bin> bins;
};

/// The report of `rlhf-eval reward`.
struct RewardReport {
  std::string model;
  std::vector<std::string> data;
  std::int64_t records = 0;
  std::vector<RewardRow> rows;  ///< all pairs, then by domain, by role, and gold
  std::optional<double> mean_of_domains;
  LengthPart length;
  std::vector<ReliabilityBin> diagram;
  std::size_t ties = 0;
  std::optional<double> ties_auc;  ///< P(|Δ| of a pair with a better answer > |Δ| of a tie)
  std::optional<Estimate> best_of_n;
  std::optional<StyleMatrix> styles;
  std::size_t styled = 0;
  std::optional<SwapAsymmetry> swap;
  std::size_t swapped = 0;
  /// The temperature in the folder of the model, and what scores divided by it give.
  struct Kept {
    double temperature = 0, loss = 0, calibration_error = 0;
  };
  std::optional<Kept> kept;
  std::vector<std::string> findings;  ///< what speaks against the model or the data, one line each
};

struct ReportOptions {
  int bins = 15;
  BootstrapOptions bootstrap;
  std::optional<double> kept_temperature;
};

/// Throws DataError if there is no pair.
RewardReport make_reward_report(const RewardEvidence& evidence, const ReportOptions& options);

/// As tables for a terminal.
std::string to_text(const RewardReport& report);
/// The most important lines.
std::string to_short_text(const RewardReport& report);
nlohmann::ordered_json to_json(const RewardReport& report);
/// As a self-contained page.
std::string to_html(const RewardReport& report);

}  // namespace rlhf
