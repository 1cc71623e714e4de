// Loads the data of SFT and reward model: read, split, weight, tokenise, cache.
#include "rlhf/data/load_data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/random.h"
#include "rlhf/records/jsonl.h"

#include "data/data_cache.h"
#include "data/judgment_collector.h"
#include "data/sample_maker.h"

namespace rlhf {
namespace {

constexpr std::uint64_t kWeightStream = 0x776569676874;  // distinct from the other streams of the run's seed

std::vector<std::string> paths_of(const std::vector<WeightedPath>& items) {
  std::vector<std::string> paths;
  for (const WeightedPath& item : items) paths.push_back(item.path);
  return paths;
}

/// The weight of every file, in the order in which they are read.
std::vector<double> weights_of(const std::vector<WeightedPath>& items) {
  std::map<std::filesystem::path, double> weights;  // in the order of expand_globs
  for (const WeightedPath& item : items)
    for (const auto& file : expand_globs({item.path})) weights[file] = item.weight;
  std::vector<double> in_order;
  for (const auto& [file, weight] : weights) in_order.push_back(weight);
  return in_order;
}

std::int64_t copies(double weight, std::uint64_t seed, const RecordPlace& place) {
  const double whole = std::floor(weight);
  const bool one_more = random_uniform(seed, random_stream(kWeightStream, place.file),
                                       static_cast<std::uint64_t>(place.index)) < weight - whole;
  return static_cast<std::int64_t>(whole) + (one_more ? 1 : 0);
}

template <typename Record>
using Reader = RecordCounts (*)(const std::vector<std::string>&, const RecordReading&, const RecordSink<Record>&);

std::string percent(double share) { return std::to_string(std::lround(100 * share)) + " %"; }

/// Reads the training files once, for their prompts only, and chooses those that are held out.
template <typename Record>
HeldOut hold_out(const DataOptions& options, std::uint64_t seed, RecordReading reading, Reader<Record> for_each) {
  if (options.eval_share <= 0) return {};
  std::unordered_map<std::uint64_t, std::int64_t> counts;
  reading.log_bad_lines = false;  // the second reading logs them
  for_each(paths_of(options.train), reading,
           [&](const Record& record, const RecordPlace&) { ++counts[split_key(record)]; });
  HeldOut held = choose_held_out(counts, options.eval_share, seed, options.eval_fold);
  if (held.keys.empty() && held.prompts > 1)
    throw DataError("data.eval_fold: expected prompts that folds 0 to " + std::to_string(options.eval_fold - 1) +
                    " have not, found none: there are " + std::to_string(held.prompts) +
                    " different prompts; hint: use a lower fold, or more prompts");
  if (held.keys.empty())
    throw DataError("data.eval_share: expected at least two different prompts, of which one is held out, found " +
                    std::to_string(held.prompts) + " in " + std::to_string(held.records) +
                    " records; hint: remove data.eval_share, or set data.eval");
  return held;
}

std::string describe(const HeldOut& held, double share) {
  const double found = static_cast<double>(held.held) / static_cast<double>(held.records);
  std::string line = "held out for evaluation: " + std::to_string(held.keys.size()) + " of " +
                     std::to_string(held.prompts) + " different prompts, " + std::to_string(held.held) + " of " +
                     std::to_string(held.records) + " records (" + percent(found) + ")";
  if (std::abs(found - share) > 0.1 * share)
    line += "; data.eval_share asks for " + percent(share) + " (records with equal prompts stay together)";
  return line;
}

/// Sets the labels of records as they are read.
struct NoLabeller {
  explicit NoLabeller(const JudgmentReading&) {}
  bool train(const Demonstration&, const RecordPlace&) { return true; }
  bool evaluate(const Demonstration&) { return true; }
  JudgedVotes take() { return {}; }
};

/// The functions return whether the record has a pair or a label.
class PreferenceLabeller {
 public:
  explicit PreferenceLabeller(const JudgmentReading& reading) : evaluation_(reading.evaluation), collector_(reading) {}

  bool train(Preference& record, const RecordPlace& place) {
    if (evaluation_) return evaluate(record);
    collector_.label(record, place);
    return ready(record);
  }
  bool evaluate(Preference& record) {
    label_for_evaluation(record);
    return ready(record);
  }
  JudgedVotes take() { return collector_.take(); }

 private:
  static bool ready(Preference& record) {
    record.judged.reset();
    return !record.pairs.empty() || record.desirable;
  }
  bool evaluation_;
  JudgmentCollector collector_;
};

template <typename Record, typename S, typename Labeller>
DataSet<S> make_data(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                     const Templates& templates, Reader<Record> for_each, const JudgmentReading& judgments) {
  Labeller labeller(judgments);
  const RecordReading reading{options.fields,         options.max_bad_lines,   options.format,    options.sample_by,
                              /*log_bad_lines=*/true, /*keep_judgments=*/true, judgments.unpaired};
  const std::vector<double> weights = weights_of(options.train);
  const HeldOut held = hold_out<Record>(options, seed, reading, for_each);
  SampleMaker<Record, S> train(tokenizer, templates, options), eval(tokenizer, templates, options);
  DataSet<S> data;
  std::int64_t tied = 0;
  data.counts = for_each(paths_of(options.train), reading, [&](Record record, const RecordPlace& place) {
    const bool is_held = held.keys.contains(split_key(record));
    if (!(is_held ? labeller.evaluate(record) : labeller.train(record, place))) {
      ++tied;
    } else if (is_held) {
      eval.add(std::move(record), place.text);
    } else {
      train.add(std::move(record), place.text, copies(weights[place.file], seed, place));
    }
  });
  if (!options.eval.empty())
    for_each(options.eval, reading, [&](Record record, const RecordPlace& place) {
      if (labeller.evaluate(record)) eval.add(std::move(record), place.text);
    });
  data.counts.tied += tied;
  data.judged = labeller.take();
  data.train = train.finish();
  data.train.report.kind = data.counts.kind();
  data.train.report.notes = data.counts.notes();
  if (held.records > 0) data.train.report.notes.push_back(describe(held, options.eval_share));
  if (!eval.empty()) data.eval = eval.finish();
  return data;
}

template <typename S>
void log_warnings(const DataSet<S>& data) {
  for (const std::string& line : data.counts.warnings()) log_warning("data: " + line);
  for (const std::string& line : data.train.report.warnings()) log_warning("data: " + line);
  for (const std::string& line : data.eval.report.warnings()) log_warning("data to evaluate on: " + line);
}

template <typename Record, typename S, typename Labeller>
DataSet<S> load(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer, const Templates& templates,
                Reader<Record> for_each, const JudgmentReading& judgments) {
  const auto make = [&] {
    return make_data<Record, S, Labeller>(options, seed, tokenizer, templates, for_each, judgments);
  };
  if (options.cache.empty()) return make();
  const DataCache cache(options, seed, tokenizer, templates, judgments);
  if (auto data = cache.load<S>()) return std::move(*data);
  DataSet<S> data = make();
  cache.save(data);
  return data;
}

template <typename S>
DataSet<S> logged(DataSet<S> data) {
  log_warnings(data);
  return data;
}

}  // namespace

DataOptions with_max_length(DataOptions options, std::int64_t positions,
                            std::optional<std::int64_t> micro_batch_tokens) {
  if (options.max_length) return options;
  options.max_length = std::max<std::int64_t>(
      2, std::min({positions, kMaxDefaultLength, micro_batch_tokens.value_or(kMaxDefaultLength)}));
  return options;
}

DataSet<Sample> load_demonstrations(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                                    const Templates& templates) {
  return logged(
      load<Demonstration, Sample, NoLabeller>(options, seed, tokenizer, templates, for_each_demonstration, {}));
}

DataSet<RankedSample> load_preferences(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                                       const Templates& templates, const JudgmentReading& judgments) {
  return logged(load<Preference, RankedSample, PreferenceLabeller>(options, seed, tokenizer, templates,
                                                                   for_each_preference, judgments));
}

}  // namespace rlhf
