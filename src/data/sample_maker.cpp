#include "data/sample_maker.h"

#include <algorithm>
#include <array>
#include <optional>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/parallel.h"
#include "rlhf/core/signals.h"

#include "data/hash.h"
#include "data/render.h"

namespace rlhf {
namespace {

/// Applies the limits of length: false means that the sample is dropped (and counted).
bool fit_length(JoinedText& text, const DataOptions& options, const std::string& place, DataReport& report) {
  if (text.length() <= options.max_length) return true;
  switch (options.over_length) {
    case OverLength::drop:
      break;
    case OverLength::truncate:
      truncate(text, options.max_length);
      return true;
    case OverLength::error:
      throw DataError("tokenising " + place + ": expected at most " + std::to_string(options.max_length) +
                      " tokens (data.max_length), found " + std::to_string(text.length()) +
                      "; hint: raise data.max_length, or set data.over_length to drop or truncate");
  }
  ++report.dropped_over_length;
  return false;
}

template <std::size_t N>
bool fit(std::array<JoinedText, N>& texts, const DataOptions& options, const std::string& place, DataReport& report) {
  for (JoinedText& text : texts)
    if (!fit_length(text, options, place, report)) return false;
  const auto any = [&](auto test) { return std::any_of(texts.begin(), texts.end(), test); };
  if (any([&](const JoinedText& text) { return text.length() < options.min_length; })) {
    ++report.dropped_short;
    return false;
  }
  if (any([](const JoinedText& text) { return !text.has_completion(); })) {
    ++report.dropped_without_label;
    return false;
  }
  return true;
}

template <std::size_t N>
void count_flags(const std::array<JoinedText, N>& texts, DataReport& report) {
  const auto any = [&](bool JoinedText::*flag) {
    return std::any_of(texts.begin(), texts.end(), [&](const JoinedText& text) { return text.*flag; });
  };
  if (any(&JoinedText::truncated)) ++report.truncated;
  if (any(&JoinedText::straddles)) ++report.straddling;
  if (!std::all_of(texts.begin(), texts.end(), [](const JoinedText& text) { return text.verified; }))
    ++report.unverified;
}

/// The labels: index 0 is predicted by nothing, and what was cut off is gone.
std::vector<Span> labels(const JoinedText& text, bool whole, TrainOn train_on) {
  const auto length = static_cast<std::int32_t>(text.length());
  std::vector<Span> chosen = text.answers;
  if (whole || train_on == TrainOn::all) {
    chosen = {{0, length}};
  } else if (train_on == TrainOn::last_turn) {
    chosen = {text.answers.back()};
  }
  std::vector<Span> trained;
  for (const Span& span : chosen) {
    const Span kept{std::max(span.begin, 1), std::min(span.end, length)};
    if (kept.begin < kept.end) trained.push_back(kept);
  }
  return trained;
}

/// A copy of just these ids: what grew token by token holds up to twice the memory.
TokenIds exactly(const TokenIds& ids) { return {ids.begin(), ids.end()}; }

std::optional<Sample> make_sample(const Demonstration& record, std::array<JoinedText, 1> texts,
                                  const DataOptions& options, const std::string& place, DataReport& report) {
  if (!fit(texts, options, place, report)) return std::nullopt;
  JoinedText& text = texts[0];
  Sample sample{{}, labels(text, record.whole, options.train_on)};
  if (sample.trained.empty()) {
    ++report.dropped_without_label;
    return std::nullopt;
  }
  count_flags(texts, report);
  sample.ids = exactly(text.ids);
  return sample;
}

std::optional<PairSample> make_sample(const Preference& record, std::array<JoinedText, 2> texts,
                                      const DataOptions& options, const std::string& place, DataReport& report) {
  if (!fit(texts, options, place, report)) return std::nullopt;
  auto& [chosen, rejected] = texts;
  if (chosen.ids == rejected.ids) {
    ++report.dropped_equal;
    return std::nullopt;
  }
  count_flags(texts, report);
  // What follows the prompt may change how its last bytes are split, so only the ids that both sides share are prompt.
  const std::int64_t shorter = std::min(chosen.prompt_length, rejected.prompt_length);
  const auto end = chosen.ids.begin() + shorter;
  const auto differs = std::mismatch(chosen.ids.begin(), end, rejected.ids.begin()).first;
  PairSample pair;
  pair.prompt_length = static_cast<std::int32_t>(differs - chosen.ids.begin());
  pair.margin = static_cast<float>(record.margin);
  pair.chosen = exactly(chosen.ids);
  pair.rejected = exactly(rejected.ids);
  return pair;
}

std::uint64_t hash_ids(const TokenIds& ids, std::uint64_t hash) {
  const std::uint64_t size = ids.size();
  hash = hash_bytes({reinterpret_cast<const char*>(&size), sizeof size}, hash);
  return hash_bytes({reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(ids[0])}, hash);
}

std::vector<const TokenIds*> texts_of(const Sample& sample) { return {&sample.ids}; }
std::vector<const TokenIds*> texts_of(const PairSample& pair) { return {&pair.chosen, &pair.rejected}; }

std::int64_t labels_of(const Sample& sample) { return sample.num_labels(); }
std::int64_t labels_of(const PairSample&) { return 0; }

constexpr const char* wanted(const Sample*) { return "sample with a trained token"; }
constexpr const char* wanted(const PairSample*) { return "pair of different texts"; }

}  // namespace

template <typename Record, typename S>
void SampleMaker<Record, S>::add(Record record, std::string place, std::int64_t copies) {
  ++added_;
  if (copies == 0) {
    ++set_.report.records;
    ++set_.report.left_out;
    return;
  }
  if (place.empty()) place = "record " + std::to_string(added_);
  pending_.push_back({std::move(record), std::move(place), copies});
  if (pending_.size() == kBlock) flush();
}

template <typename Record, typename S>
void SampleMaker<Record, S>::flush() {
  stop_if_signalled();
  using Texts = decltype(tokenise(std::declval<const Record&>(), tokenizer_, templates_, options_.train_on));
  std::vector<Texts> texts(pending_.size());
  for_each_index(pending_.size(), [&](std::size_t i) {
    try {
      texts[i] = tokenise(pending_[i].record, tokenizer_, templates_, options_.train_on);
    } catch (const DataError& error) {
      throw DataError("tokenising " + pending_[i].place + ": " + error.what());
    }
  });
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    ++set_.report.records;
    auto sample = make_sample(pending_[i].record, std::move(texts[i]), options_, pending_[i].place, set_.report);
    if (sample) keep(std::move(*sample), pending_[i].copies);
  }
  pending_.clear();
  say_progress();
}

template <typename Record, typename S>
void SampleMaker<Record, S>::keep(S sample, std::int64_t copies) {
  std::uint64_t hash = hash_bytes("");
  for (const TokenIds* text : texts_of(sample)) hash = hash_ids(*text, hash);
  DataReport& report = set_.report;
  if (!seen_.insert(hash).second) ++report.duplicates;
  report.repeated += copies - 1;
  for (std::int64_t copy = 0; copy < copies; ++copy) {
    for (const TokenIds* text : texts_of(sample)) report.count_text(text->size());
    report.trained_tokens += labels_of(sample);
    if (copy + 1 < copies) set_.samples.push_back(sample);
  }
  set_.samples.push_back(std::move(sample));
}

template <typename Record, typename S>
void SampleMaker<Record, S>::say_progress() {
  constexpr std::chrono::seconds kEvery(10);
  const auto now = std::chrono::steady_clock::now();
  if (now - last_said_ < kEvery) return;
  last_said_ = now;
  log_info("tokenised " + std::to_string(set_.report.records) + " records, " + std::to_string(set_.report.tokens) +
           " tokens");
}

template <typename Record, typename S>
SampleSet<S> SampleMaker<Record, S>::finish() {
  flush();
  set_.report.samples = static_cast<std::int64_t>(set_.samples.size());
  if (set_.samples.empty())
    throw DataError("tokenising the data: expected at least one " +
                    std::string(wanted(static_cast<const S*>(nullptr))) + ", found " + set_.report.summary() +
                    "; hint: check data.max_length and the template");
  return std::move(set_);
}

template class SampleMaker<Demonstration, Sample>;
template class SampleMaker<Preference, PairSample>;

}  // namespace rlhf
