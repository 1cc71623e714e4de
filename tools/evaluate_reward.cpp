// rlhf-eval reward.
#include "evaluate_reward.h"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/data/samples.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/records/compared.h"

#include "answer_scorer.h"
#include "judge.h"
#include "output_file.h"
#include "reward_evidence.h"
#include "reward_report.h"
#include "terminal.h"

namespace rlhf {
namespace {

/// A record and the token ids of its answers.
struct Unscored {
  ComparedRecord record;
  std::vector<TokenIds> texts;
};

/// Scores records in small groups.
class EvidenceMaker {
 public:
  EvidenceMaker(const RewardEvaluationConfig& config, const ModelFolder& folder)
      : config_(config), scorer_(folder, scoring_options(config)) {}

  RewardEvidence make() {
    std::int64_t total = 0;
    const ComparedReading reading{config_.field, config_.domain_field};
    for_each_compared(config_.data, reading, [&](ComparedRecord record) {
      ++total;
      auto texts = scorer_.texts_of(record.answered);
      if (!texts) return;
      pending_.push_back({std::move(record), std::move(*texts)});
      if (static_cast<std::int64_t>(pending_.size()) >= config_.batch_size) score();
    });
    score();
    scorer_.report(total);
    return std::move(evidence_);
  }

 private:
  static constexpr std::size_t kSwapped = 256;  ///< pairs that are read in both orders

  void score() {
    std::vector<const TokenIds*> texts;
    for (const Unscored& item : pending_)
      for (const TokenIds& text : item.texts) texts.push_back(&text);
    const std::vector<float> all = scorer_.score(texts);
    if (evidence_.margins_read.size() < kSwapped) read_swapped(texts, all);
    auto next = all.begin();
    for (const Unscored& item : pending_) {
      std::vector<std::int64_t> lengths;
      for (const TokenIds& text : item.texts) lengths.push_back(static_cast<std::int64_t>(text.size()));
      const auto end = next + static_cast<std::ptrdiff_t>(item.texts.size());
      evidence_.add(item.record, {next, end}, lengths, prompt_number(item.record.answered.content));
      next = end;
    }
    pending_.clear();
  }

  /// Scores the texts again in the reverse order, in which the second answer of a pair comes first.
  void read_swapped(std::vector<const TokenIds*> texts, const std::vector<float>& scores) {
    std::reverse(texts.begin(), texts.end());
    std::vector<float> swapped = scorer_.score(texts);
    std::reverse(swapped.begin(), swapped.end());
    std::size_t first_text = 0;
    for (const Unscored& item : pending_) {
      for (const ComparedPair& pair : item.record.pairs) {
        const auto a = first_text + static_cast<std::size_t>(pair.first);
        const auto b = first_text + static_cast<std::size_t>(pair.second);
        evidence_.margins_read.push_back(static_cast<double>(scores[a] - scores[b]));
        evidence_.margins_swapped.push_back(static_cast<double>(swapped[b] - swapped[a]));
      }
      first_text += item.texts.size();
    }
  }

  std::int32_t prompt_number(const Preference& content) {
    return prompts_.try_emplace(split_key(content), static_cast<std::int32_t>(prompts_.size())).first->second;
  }

  const RewardEvaluationConfig& config_;
  AnswerScorer scorer_;
  std::vector<Unscored> pending_;
  std::unordered_map<std::uint64_t, std::int32_t> prompts_;
  RewardEvidence evidence_;
};

void write_report_file(const std::string& path, const std::string& content) {
  if (path.empty()) return;
  make_parent_folder(path);
  write_file_atomically(path, content);
  log_info("wrote " + path);
}

void keep_temperature(const RewardReport& report, const ModelFolder& folder) {
  const auto temperature = report.rows.front().temperature;
  if (!temperature)
    throw DataError(
        "keep_temperature: expected pairs of which the model orders some right and some wrong, more of them "
        "right; found none that a temperature fits");
  const std::filesystem::path file = keep_reward_temperature(folder.path, *temperature);
  log_info("wrote the temperature " + std::to_string(*temperature) + " to " + file.string());
}

constexpr int kBinsOfLog = 15;

}  // namespace

void log_reward_report(const std::vector<EvaluatedPair>& pairs, const std::string& folder) {
  if (pairs.empty()) return;
  RewardEvidence evidence;
  for (const EvaluatedPair& pair : pairs)
    evidence.all.add(pair.margin, static_cast<double>(pair.length), pair.prompt,
                     {.first = pair.truth, .second = 1 - pair.truth});
  std::istringstream lines(to_short_text(make_reward_report(evidence, {.bins = kBinsOfLog})));
  for (std::string line; std::getline(lines, line);) log_info("evaluation: " + line);
  log_info("evaluation: the whole report: rlhf-eval reward --model " + folder + " --data FILE");
}

void evaluate_reward(const RewardEvaluationConfig& config) {
  if (config.threads) at::set_num_threads(static_cast<int>(*config.threads));
  const ModelFolder folder = read_judge_folder(config.model);
  const RewardEvidence evidence = EvidenceMaker(config, folder).make();
  RewardReport report =
      make_reward_report(evidence, {.bins = static_cast<int>(config.bins),
                                    .bootstrap = {.resamples = static_cast<std::size_t>(config.resamples),
                                                  .seed = static_cast<std::uint64_t>(config.seed)},
                                    .kept_temperature = folder.reward_temperature});
  report.model = config.model;
  report.data = config.data;
  const std::string json = to_json(report).dump(2) + "\n";
  write_report_file(config.output, json);
  write_report_file(config.html, to_html(report));
  std::cout << shown_on(std::cout, config.json ? json : to_text(report));
  if (!std::cout.flush()) throw OutputError("writing the report: cannot write stdout");
  if (config.keep_temperature) keep_temperature(report, folder);
}

}  // namespace rlhf
