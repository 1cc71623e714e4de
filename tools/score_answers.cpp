// rlhf-generate --score-only: scores given answers.
#include "score_answers.h"

#include <cstdio>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/signals.h"
#include "rlhf/data/samples.h"
#include "rlhf/records/answered.h"
#include "rlhf/tensor/pack_by_length.h"
#include "rlhf/tensor/packed_batch.h"

#include "choose_templates.h"
#include "judge.h"
#include "long_texts.h"
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
class AnswerScorer {
 public:
  AnswerScorer(const GenerateConfig& config, const ModelFolder& folder)
      : config_(config),
        tokenizer_(load_tokenizer(folder.path, folder.shape.vocab_size)),
        templates_(choose_templates(config, folder, *tokenizer_)),
        vocab_size_(folder.shape.vocab_size),
        limits_(config.over_length, folder.shape.max_positions,
                "the " + std::to_string(folder.shape.max_positions) + " positions of the reward model",
                tokenizer_->bos_id()),
        judge_(folder, resolve_compute_of(folder, config.device, config.dtype)) {}

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
    limits_.report(total);
    for (const auto& [name, count] : not_rendered_)
      log_warning("the chat template leaves out: " + name + ", in " + std::to_string(count) + " of " +
                  std::to_string(total) + " records; hint: --chat-template chooses another template");
    if (agreement_.records == 0)
      throw DataError(config_.input + ": expected at least one record that is short enough, found none; hint: " +
                      "--over-length truncate_left");
    log_info(agreement_.summary());
  }

 private:
  void take(AnsweredRecord record) {
    Pending taken{.record = std::move(record), .texts = {}};
    try {
      AnswerTexts made = tokenise_answers(taken.record, *tokenizer_, templates_);
      taken.texts = std::move(made.ids);
      for (const std::string& name : made.missing) ++not_rendered_[name];
    } catch (const DataError& error) {
      throw DataError("tokenising " + taken.record.place + ": " + error.what());
    }
    bool fits = true;
    for (TokenIds& text : taken.texts) {
      for (const std::int32_t id : text)
        if (id >= vocab_size_)
          throw DataError(taken.record.place + ": expected token ids below " + std::to_string(vocab_size_) +
                          " (the vocabulary of the reward model), found " + std::to_string(id));
      if (text.empty()) throw DataError(taken.record.place + ": expected an answer of at least one token, found none");
      fits = fits && limits_.fit(text, taken.record.place);
    }
    if (fits) pending_.push_back(std::move(taken));
  }

  void write(const std::vector<Pending>& pending, std::ostream& out) {
    std::vector<const TokenIds*> texts;
    for (const Pending& item : pending)
      for (const TokenIds& text : item.texts) texts.push_back(&text);
    const std::vector<float> all = score(texts);
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

  std::vector<float> score(const std::vector<const TokenIds*>& texts) {
    const at::NoGradGuard no_gradient;
    ScalarModel& model = judge_.model();
    std::vector<std::int64_t> lengths;
    for (const TokenIds* text : texts) lengths.push_back(static_cast<std::int64_t>(text->size()));
    std::vector<float> scores(texts.size());
    for (const auto& group : pack_by_length(lengths, Judge::kTokensAtOnce)) {
      stop_if_signalled();
      std::vector<const TokenIds*> members;
      for (const std::size_t i : group) members.push_back(texts[i]);
      const at::Tensor raw = model.scores(pack(members, model.trunk().device())).cpu();
      const float* const values = raw.const_data_ptr<float>();
      for (std::size_t i = 0; i < group.size(); ++i)
        scores[group[i]] = static_cast<float>(values[i] - model.reward_mean());
    }
    return scores;
  }

  const GenerateConfig& config_;
  std::unique_ptr<Tokenizer> tokenizer_;
  Templates templates_;
  std::int64_t vocab_size_;
  LongTexts limits_;
  Judge judge_;
  std::vector<Pending> pending_;
  Agreement agreement_;
  std::map<std::string, std::int64_t> not_rendered_;
};

}  // namespace

void score_answers(const GenerateConfig& config) {
  const ModelFolder folder = read_judge_folder(config.reward);
  AnswerScorer scorer(config, folder);
  write_output(config.output, [&](std::ostream& out) { scorer.run(out); });
}

}  // namespace rlhf
