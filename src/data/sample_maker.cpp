// Turns records into samples: tokenise in parallel, apply the length limits, count.
#include "data/sample_maker.h"

#include <algorithm>
#include <limits>
#include <span>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/parallel.h"
#include "rlhf/core/signals.h"

#include "data/hash.h"

namespace rlhf {
namespace {

/// Why a sample was dropped, as the counter of DataReport for that reason.
using Reason = std::int64_t DataReport::*;

/// Cuts the beginnings of the texts of a record, which share a prompt, by the same number of tokens, so that the
/// longest one fits. BOS stays, and so does the last answer with the token before it; `whole` texts have neither.
void cut_left(std::vector<JoinedText>& texts, const DataOptions& options, const Tokenizer& tokenizer, bool whole) {
  if (options.over_length != OverLength::truncate || options.truncation_side != TruncationSide::left) return;
  std::int64_t excess = 0, room = std::numeric_limits<std::int64_t>::max(), kept = 1;
  for (const JoinedText& text : texts) {
    const bool has_bos = !text.ids.empty() && text.ids.front() == tokenizer.bos_id();
    kept = std::min<std::int64_t>(kept, has_bos ? 1 : 0);
    excess = std::max(excess, text.length() - longest(options));
    const std::int64_t answer = text.answers.empty() || whole ? text.length() : text.answers.back().begin;
    room = std::min(room, answer - kept - 1);
  }
  for (JoinedText& text : texts) behead(text, std::min(excess, room), kept);
}

/// Applies the length limits. Returns nullptr, or the reason why the text cannot be used.
Reason unfit(JoinedText& text, const DataOptions& options, const std::string& place, DataReport& report) {
  if (text.length() > longest(options)) {
    switch (options.over_length) {
      case OverLength::drop:
      case OverLength::split:  // a `text` has been split before
        report.longest_dropped = std::max(report.longest_dropped, text.length());
        return &DataReport::dropped_over_length;
      case OverLength::truncate:
        truncate(text, longest(options));
        break;
      case OverLength::error:
        throw DataError("tokenising " + place + ": expected at most " + std::to_string(longest(options)) +
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
  if (any(&JoinedText::beheaded)) ++report.beheaded;
  if (any(&JoinedText::straddles)) ++report.straddling;
  if (any(&JoinedText::empty_answer)) ++report.empty_answers;
  const auto all = [&](auto test) { return std::all_of(texts.begin(), texts.end(), test); };
  if (!all([](const JoinedText& text) { return text.verified; })) ++report.unverified;
  if (!all([](const JoinedText& text) { return text.stops || text.truncated; })) ++report.endless;
}

/// Counts what was lost or left out before the length limits apply, once for each record.
void count_losses(const std::vector<JoinedText>& texts, DataReport& report) {
  std::vector<std::string> missing;
  for (const JoinedText& text : texts) {
    report.untrained_turns += text.untrained;
    report.unrendered_turns += text.unrendered;
    for (const std::string& name : text.missing)
      if (std::ranges::find(missing, name) == missing.end()) missing.push_back(name);
  }
  for (const std::string& name : missing) ++report.not_rendered[name];
}

/// The labels of a text: without index 0, which no row predicts, and without truncated tokens.
std::vector<Span> labels(const JoinedText& text, bool whole, TrainOn train_on) {
  const auto length = static_cast<std::int32_t>(text.length());
  std::vector<Span> chosen = text.answers;
  if (whole) {
    chosen = {{0, length}};
  } else if (train_on == TrainOn::last_turn && !text.answers.empty()) {
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

/// Cuts the ids of a long `text` into pieces of at most max_length. Each piece begins with the last token of the one
/// before it, which predicts its first label, so that every token but the first of all is trained once.
void add_pieces(const JoinedText& text, const DataOptions& options, std::vector<Sample>& samples, DataReport& report) {
  const std::int64_t step = longest(options) - 1;
  for (std::int64_t begin = 0; begin + 1 < text.length(); begin += step) {
    const std::int64_t end = std::min(begin + longest(options), text.length());
    if (end - begin < options.min_length) {
      ++report.dropped_short;
      continue;
    }
    samples.push_back(
        {TokenIds(text.ids.begin() + begin, text.ids.begin() + end), {{1, static_cast<std::int32_t>(end - begin)}}});
    ++report.pieces;
  }
  if (!text.stops) ++report.endless;
}

std::vector<Sample> make_sample(const Demonstration& record, std::vector<JoinedText> texts, const DataOptions& options,
                                const Tokenizer& tokenizer, const std::string& place, DataReport& report) {
  std::vector<Sample> samples;
  count_losses(texts, report);
  for (JoinedText& text : texts) {
    if (record.whole && options.over_length == OverLength::split && text.length() > longest(options)) {
      add_pieces(text, options, samples, report);
      continue;
    }
    std::vector<JoinedText> one = {std::move(text)};
    cut_left(one, options, tokenizer, record.whole);
    Reason reason = unfit(one.front(), options, place, report);
    Sample sample;
    const bool all_of_it = record.whole || (options.train_on == TrainOn::all && !record.chat);
    if (reason == nullptr) sample.trained = labels(one.front(), all_of_it, options.train_on);
    if (reason == nullptr && sample.trained.empty()) reason = &DataReport::dropped_without_label;
    if (reason != nullptr) {
      ++(report.*reason);
      continue;
    }
    count_flags(one, report);
    sample.ids = exactly(one.front().ids);
    samples.push_back(std::move(sample));
  }
  if (texts.empty()) ++report.dropped_without_label;
  return samples;
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

std::vector<RankedSample> make_sample(const Preference& record, std::vector<JoinedText> texts,
                                      const DataOptions& options, const Tokenizer& tokenizer, const std::string& place,
                                      DataReport& report) {
  count_losses(texts, report);
  cut_left(texts, options, tokenizer, record.whole);
  std::vector<Reason> reasons;
  for (JoinedText& text : texts) {
    Reason reason = unfit(text, options, place, report);
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
  if (record.desirable) {
    if (texts.size() != 1)
      throw ArgumentError("label of " + place + ": expected one completion with it, found " +
                          std::to_string(texts.size()));
    if (reasons.front() == nullptr) sample.desirable = *record.desirable ? 1.0F : 0.0F;
  }
  if (sample.pairs.empty() && !sample.desirable) {
    const auto reason = std::find_if(reasons.begin(), reasons.end(), [](Reason found) { return found != nullptr; });
    ++(report.*(reason == reasons.end() ? &DataReport::dropped_equal : *reason));
    return {};
  }
  const std::vector<JoinedText> used = sample.desirable ? std::move(texts) : compared(std::move(texts), sample.pairs);
  report.answers_left_out += static_cast<std::int64_t>(record.answers.size() - used.size());
  count_flags(used, report);
  sample.prompt_length = static_cast<std::int32_t>(shared_prompt(used));
  for (const JoinedText& text : used) sample.texts.push_back(exactly(text.ids));
  return {std::move(sample)};
}

std::uint64_t hash_ids(const TokenIds& ids, std::uint64_t hash) {
  const std::uint64_t size = ids.size();
  hash = hash_bytes({reinterpret_cast<const char*>(&size), sizeof size}, hash);
  return hash_bytes({reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(ids[0])}, hash);
}

std::span<const TokenIds> texts_of(const Sample& sample) { return {&sample.ids, 1}; }
std::span<const TokenIds> texts_of(const RankedSample& sample) { return sample.texts; }

std::uint64_t hash_label(const Sample&) { return hash_bytes(""); }
std::uint64_t hash_label(const RankedSample& sample) {
  return hash_bytes(sample.desirable == 0.0F ? "undesirable" : "");
}

std::int64_t labels_of(const Sample& sample) { return sample.num_labels(); }
std::int64_t labels_of(const RankedSample&) { return 0; }

constexpr const char* wanted(const Sample*) { return "sample with a trained token"; }
constexpr const char* wanted(const RankedSample*) { return "sample to train on"; }

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
      texts[i] = renderer_.tokenise(pending_[i].record, options_.train_on);
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
    const Pending& pending = pending_[i];
    for (S& sample : make_sample(pending.record, std::move(texts[i]), options_, tokenizer_, pending.place, set_.report))
      keep(std::move(sample), pending.copies);
  }
  pending_.clear();
  log_progress();
}

template <typename Record, typename S>
void SampleMaker<Record, S>::keep(S sample, std::int64_t copies) {
  std::uint64_t hash = hash_label(sample);
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
