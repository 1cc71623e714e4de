// Turns records into samples: tokenise in parallel, apply the length limits, count.
#include "data/sample_maker.h"

#include <algorithm>
#include <optional>
#include <span>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/parallel.h"
#include "rlhf/core/signals.h"

#include "data/hash.h"
#include "data/render.h"

namespace rlhf {
namespace {

/// Why a sample was dropped, as the counter of DataReport for that reason.
using Reason = std::int64_t DataReport::*;

/// Applies the length limits. Returns nullptr, or the reason why the text cannot be used.
Reason unfit(JoinedText& text, const DataOptions& options, const std::string& place) {
  if (text.length() > options.max_length) {
    switch (options.over_length) {
      case OverLength::drop:
        return &DataReport::dropped_over_length;
      case OverLength::truncate:
        truncate(text, options.max_length);
        break;
      case OverLength::error:
        throw DataError("tokenising " + place + ": expected at most " + std::to_string(options.max_length) +
                        " tokens (data.max_length), found " + std::to_string(text.length()) +
                        "; hint: raise data.max_length, or set data.over_length to drop or truncate");
    }
  }
  if (text.length() < options.min_length) return &DataReport::dropped_short;
  return text.has_completion() ? nullptr : &DataReport::dropped_without_label;
}

void count_flags(const std::vector<JoinedText>& texts, DataReport& report) {
  const auto any = [&](bool JoinedText::*flag) {
    return std::any_of(texts.begin(), texts.end(), [&](const JoinedText& text) { return text.*flag; });
  };
  if (any(&JoinedText::truncated)) ++report.truncated;
  if (any(&JoinedText::straddles)) ++report.straddling;
  const auto all = [&](auto test) { return std::all_of(texts.begin(), texts.end(), test); };
  if (!all([](const JoinedText& text) { return text.verified; })) ++report.unverified;
  if (!all([](const JoinedText& text) { return text.stops || text.truncated; })) ++report.endless;
}

/// The labels of a text: without index 0, which no row predicts, and without truncated tokens.
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

/// A copy without spare capacity: a vector that grew token by token can hold twice its size.
TokenIds exactly(const TokenIds& ids) { return {ids.begin(), ids.end()}; }

std::optional<Sample> make_sample(const Demonstration& record, std::vector<JoinedText> texts,
                                  const DataOptions& options, const std::string& place, DataReport& report) {
  JoinedText& text = texts.front();
  Reason reason = unfit(text, options, place);
  Sample sample;
  if (reason == nullptr) sample.trained = labels(text, record.whole, options.train_on);
  if (reason == nullptr && sample.trained.empty()) reason = &DataReport::dropped_without_label;
  if (reason != nullptr) {
    ++(report.*reason);
    return std::nullopt;
  }
  count_flags(texts, report);
  sample.ids = exactly(text.ids);
  return sample;
}

/// The texts that are in at least one pair; renumbers `pairs` accordingly.
std::vector<JoinedText> compared(std::vector<JoinedText> texts, std::vector<RankedPair>& pairs) {
  std::vector<JoinedText> used;
  std::vector<std::int32_t> new_index(texts.size(), -1);
  for (RankedPair& pair : pairs)
    for (std::int32_t* index : {&pair.chosen, &pair.rejected}) {
      const auto old_index = static_cast<std::size_t>(*index);
      if (new_index[old_index] < 0) {
        new_index[old_index] = static_cast<std::int32_t>(used.size());
        used.push_back(std::move(texts[old_index]));
      }
      *index = new_index[old_index];
    }
  return used;
}

/// The number of leading ids that all prompts share: a completion can change how the last bytes of the prompt are split
/// into tokens.
std::int64_t shared_prompt(const std::vector<JoinedText>& texts) {
  std::int64_t length = texts.front().prompt_length;
  for (const JoinedText& text : texts) {
    const auto begin = text.ids.begin();
    const auto differs = std::mismatch(begin, begin + std::min(length, text.prompt_length), texts.front().ids.begin());
    length = differs.first - begin;
  }
  return length;
}

std::optional<RankedSample> make_sample(const Preference& record, std::vector<JoinedText> texts,
                                        const DataOptions& options, const std::string& place, DataReport& report) {
  std::vector<Reason> reasons;
  for (JoinedText& text : texts) {
    Reason reason = unfit(text, options, place);
    for (std::size_t i = 0; i < reasons.size() && reason == nullptr; ++i)
      if (reasons[i] == nullptr && texts[i].ids == text.ids) reason = &DataReport::dropped_equal;
    reasons.push_back(reason);
  }
  RankedSample sample;
  for (const RankedPair& pair : record.pairs) {
    const auto chosen = static_cast<std::size_t>(pair.chosen), rejected = static_cast<std::size_t>(pair.rejected);
    if (chosen >= texts.size() || rejected >= texts.size())
      throw ArgumentError("pairs of " + place + ": expected indices of its " + std::to_string(texts.size()) +
                          " completions, found " + std::to_string(std::max(pair.chosen, pair.rejected)));
    if (reasons[chosen] == nullptr && reasons[rejected] == nullptr) sample.pairs.push_back(pair);
  }
  if (sample.pairs.empty()) {
    const auto reason = std::find_if(reasons.begin(), reasons.end(), [](Reason found) { return found != nullptr; });
    ++(report.*(reason == reasons.end() ? &DataReport::dropped_equal : *reason));
    return std::nullopt;
  }
  const std::vector<JoinedText> used = compared(std::move(texts), sample.pairs);
  report.answers_left_out += static_cast<std::int64_t>(record.answers.size() - used.size());
  count_flags(used, report);
  sample.prompt_length = static_cast<std::int32_t>(shared_prompt(used));
  for (const JoinedText& text : used) sample.texts.push_back(exactly(text.ids));
  return sample;
}

std::uint64_t hash_ids(const TokenIds& ids, std::uint64_t hash) {
  const std::uint64_t size = ids.size();
  hash = hash_bytes({reinterpret_cast<const char*>(&size), sizeof size}, hash);
  return hash_bytes({reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(ids[0])}, hash);
}

std::span<const TokenIds> texts_of(const Sample& sample) { return {&sample.ids, 1}; }
std::span<const TokenIds> texts_of(const RankedSample& sample) { return sample.texts; }

std::int64_t labels_of(const Sample& sample) { return sample.num_labels(); }
std::int64_t labels_of(const RankedSample&) { return 0; }

constexpr const char* wanted(const Sample*) { return "sample with a trained token"; }
constexpr const char* wanted(const RankedSample*) { return "pair of different completions"; }

}  // namespace

void skip_or_throw(const std::string& fault, std::int64_t max_bad_lines, DataReport& report) {
  if (report.dropped_refused == max_bad_lines) throw DataError(fault);
  ++report.dropped_refused;
  log_warning("skipped: " + fault);
}

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
  std::vector<std::vector<JoinedText>> texts(pending_.size());
  std::vector<std::string> faults(pending_.size());
  for_each_index(pending_.size(), [&](std::size_t i) {
    try {
      texts[i] = tokenise(pending_[i].record, tokenizer_, templates_, options_.train_on);
    } catch (const DataError& error) {
      faults[i] = "tokenising " + pending_[i].place + ": " + error.what();
    }
  });
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    ++set_.report.records;
    if (!faults[i].empty()) {
      skip_or_throw(faults[i], options_.max_bad_lines, set_.report);
      continue;
    }
    auto sample = make_sample(pending_[i].record, std::move(texts[i]), options_, pending_[i].place, set_.report);
    if (sample) keep(std::move(*sample), pending_[i].copies);
  }
  pending_.clear();
  log_progress();
}

template <typename Record, typename S>
void SampleMaker<Record, S>::keep(S sample, std::int64_t copies) {
  std::uint64_t hash = hash_bytes("");
  for (const TokenIds& text : texts_of(sample)) hash = hash_ids(text, hash);
  DataReport& report = set_.report;
  if (!seen_.insert(hash).second) ++report.duplicates;
  report.repeated += copies - 1;
  for (std::int64_t copy = 0; copy < copies; ++copy) {
    for (const TokenIds& text : texts_of(sample)) report.count_text(text.size());
    report.trained_tokens += labels_of(sample);
    if (copy + 1 < copies) set_.samples.push_back(sample);
  }
  set_.samples.push_back(std::move(sample));
}

template <typename Record, typename S>
void SampleMaker<Record, S>::log_progress() {
  constexpr std::chrono::seconds kEvery(10);
  const auto now = std::chrono::steady_clock::now();
  if (now - last_logged_ < kEvery) return;
  last_logged_ = now;
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
template class SampleMaker<Preference, RankedSample>;

}  // namespace rlhf
