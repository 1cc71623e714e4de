// Loads the data of SFT and reward model: read, split, weight, tokenise, cache.
#include "rlhf/data/load_data.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rlhf/core/error.h"
#include "rlhf/core/random.h"
#include "rlhf/records/jsonl.h"

#include "data/data_cache.h"
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

template <typename Record, typename S>
DataSet<S> make_data(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                     const Templates& templates, Reader<Record> for_each) {
  const RecordReading reading{options.fields, options.max_bad_lines, options.format};
  const std::vector<double> weights = weights_of(options.train);
  SampleMaker<Record, S> train(tokenizer, templates, options), eval(tokenizer, templates, options);
  DataSet<S> data;
  data.counts = for_each(paths_of(options.train), reading, [&](Record record, const RecordPlace& place) {
    if (options.eval_share > 0 && held_out(record, options.eval_share, seed))
      return eval.add(std::move(record), place.text);
    train.add(std::move(record), place.text, copies(weights[place.file], seed, place));
  });
  if (options.eval_share > 0 && eval.empty())
    throw DataError("data.eval_share: expected a share that holds out at least one prompt, found none held out of " +
                    std::to_string(data.counts.records) + " records; hint: increase it or set data.eval");
  if (!options.eval.empty())
    for_each(options.eval, reading,
             [&](Record record, const RecordPlace& place) { eval.add(std::move(record), place.text); });
  data.train = train.finish();
  data.train.report.kind = data.counts.kind();
  if (!eval.empty()) data.eval = eval.finish();
  return data;
}

template <typename Record, typename S>
DataSet<S> load(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer, const Templates& templates,
                Reader<Record> for_each) {
  if (options.cache.empty()) return make_data<Record, S>(options, seed, tokenizer, templates, for_each);
  const DataCache cache(options, seed, tokenizer, templates);
  if (auto data = cache.load<S>()) return std::move(*data);
  DataSet<S> data = make_data<Record, S>(options, seed, tokenizer, templates, for_each);
  cache.save(data);
  return data;
}

}  // namespace

DataSet<Sample> load_demonstrations(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                                    const Templates& templates) {
  return load<Demonstration, Sample>(options, seed, tokenizer, templates, for_each_demonstration);
}

DataSet<RankedSample> load_preferences(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                                       const Templates& templates) {
  return load<Preference, RankedSample>(options, seed, tokenizer, templates, for_each_preference);
}

}  // namespace rlhf
