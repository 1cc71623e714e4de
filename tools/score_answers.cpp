// rlhf-generate --score-only: scores given answers.
#include "score_answers.h"

#include <cstdio>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/records/answered.h"

#include "answer_scorer.h"
#include "output_file.h"
#include "terminal.h"

namespace rlhf {
namespace {

/// A record and the token ids of its answers.
struct Pending {
  AnsweredRecord record;
  std::vector<TokenIds> texts;
};

/// How often the reward model agrees with the pairs and rankings of a file.
struct Agreement {
  std::int64_t records = 0, answers = 0, pairs = 0, ranked = 0;
  double score_sum = 0, margin_sum = 0;

  void add(const AnsweredRecord& record, const std::vector<float>& scores) {
    ++records;
    answers += static_cast<std::int64_t>(scores.size());
    score_sum = std::accumulate(scores.begin(), scores.end(), score_sum);
    for (const RankedPair& pair : record.content.pairs) {
      const float margin =
          scores[static_cast<std::size_t>(pair.chosen)] - scores[static_cast<std::size_t>(pair.rejected)];
      ++pairs;
      ranked += margin > 0;
      margin_sum += margin;
    }
  }
  std::string summary() const {
    char text[160];
    std::snprintf(text, sizeof text, "scored %lld records, mean score %.4f", static_cast<long long>(records),
                  score_sum / static_cast<double>(answers));
    std::string line = text;
    if (pairs == 0) return line;
    std::snprintf(text, sizeof text, "; accuracy %.4f of %lld pairs, mean margin %.4f",
                  static_cast<double>(ranked) / static_cast<double>(pairs), static_cast<long long>(pairs),
                  margin_sum / static_cast<double>(pairs));
    return line + text;
  }
};

/// Scores records in small groups and writes each group when it is scored.
class AnswerFile {
 public:
  AnswerFile(const GenerateConfig& config, const ModelFolder& folder)
      : config_(config), scorer_(folder, scoring_options(config)) {}

  void run(std::ostream& out) {
    std::int64_t total = 0;
    const auto write_all = [&] { write(std::exchange(pending_, {}), out); };
    try {
      for_each_answered(config_.input, config_.field, [&](AnsweredRecord record) {
        ++total;
        take(std::move(record));
        if (static_cast<std::int64_t>(pending_.size()) >= config_.batch_size) write_all();
      });
    } catch (...) {
      const StopDeferral keep_what_is_complete;
      write_all();
      throw;
    }
    write_all();
    scorer_.report(total);
    if (agreement_.records == 0)
      throw DataError(config_.input + ": expected at least one record that is short enough, found none; hint: " +
                      "--over-length truncate_left");
    log_info(agreement_.summary());
  }

 private:
  void take(AnsweredRecord record) {
    auto texts = scorer_.texts_of(record);
    if (texts) pending_.push_back({std::move(record), std::move(*texts)});
  }

  void write(const std::vector<Pending>& pending, std::ostream& out) {
    std::vector<const TokenIds*> texts;
    for (const Pending& item : pending)
      for (const TokenIds& text : item.texts) texts.push_back(&text);
    const std::vector<float> all = scorer_.score(texts);
    auto next = all.begin();
    for (const Pending& item : pending) {
      const std::vector<float> scores(next, next + static_cast<std::ptrdiff_t>(item.texts.size()));
      next += static_cast<std::ptrdiff_t>(item.texts.size());
      agreement_.add(item.record, scores);
      constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
      out << shown_on(out, line_of(item.record, scores).dump(-1, ' ', false, kReplace)) << '\n';
      if (!out.flush())
        throw OutputError("writing scores: cannot write " + (config_.output.empty() ? "stdout" : config_.output));
    }
  }

  static nlohmann::ordered_json line_of(const AnsweredRecord& record, const std::vector<float>& scores) {
    nlohmann::ordered_json line;
    switch (record.kind) {
      case AnsweredRecord::Kind::single:
        line["score"] = scores.front();
        break;
      case AnsweredRecord::Kind::pair:
        line["chosen_score"] = scores[0];
        line["rejected_score"] = scores[1];
        break;
      case AnsweredRecord::Kind::list:
        line["scores"] = scores;
        break;
    }
    line["record"] = record.record;
    return line;
  }

  const GenerateConfig& config_;
  AnswerScorer scorer_;
  std::vector<Pending> pending_;
  Agreement agreement_;
};

}  // namespace

void score_answers(const GenerateConfig& config) {
  const ModelFolder folder = read_judge_folder(config.reward);
  AnswerFile file(config, folder);
  write_output(config.output, [&](std::ostream& out) { file.run(out); });
}

}  // namespace rlhf
