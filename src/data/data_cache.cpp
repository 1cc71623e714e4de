// The cache of tokenised data (data.cache).
#include "data/data_cache.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "rlhf/config/show_config.h"
#include "rlhf/core/atomic_file.h"
#include "rlhf/core/checksum.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/core/version.h"
#include "rlhf/records/jsonl.h"

#include "data/hash.h"
#include "data/pack_bytes.h"

namespace rlhf {
namespace {

constexpr std::string_view kMagic = "rlhf tokenised data 8\n";

constexpr const char* kind_of(const Sample*) { return "samples"; }
constexpr const char* kind_of(const RankedSample*) { return "ranked"; }
template <typename S>
constexpr const char* kKind = kind_of(static_cast<const S*>(nullptr));

nlohmann::json describe_files(const std::vector<std::filesystem::path>& files, ExitCode code) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& file : files) list.push_back({file.filename().string(), crc32_of_file(file, code)});
  return list;
}

std::vector<std::string> paths_of(const DataOptions& options) {
  std::vector<std::string> paths;
  for (const WeightedPath& item : options.train) paths.push_back(item.path);
  return paths;
}

/// Everything that determines the samples, as JSON text.
std::string make_key(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                     const Templates& templates, const JudgmentReading& judgments) {
  nlohmann::json key;
  key["version"] = kVersion;
  key["options"] = flat_values(options);
  for (const char* irrelevant : {"cache", "shuffle"}) key["options"].erase(irrelevant);
  const bool weighted = std::any_of(options.train.begin(), options.train.end(),
                                    [](const WeightedPath& item) { return item.weight != 1; });
  if (weighted || options.eval_share > 0) key["seed"] = seed;
  key["train"] = describe_files(expand_globs(paths_of(options)), ExitCode::data);
  key["eval"] = describe_files(expand_globs(options.eval), ExitCode::data);
  key["tokenizer"] = describe_files(tokenizer.files(), ExitCode::model);
  key["vocab_size"] = tokenizer.vocab_size();
  key["eos"] = tokenizer.eos_id().value_or(-1);
  key["annotators"] = {judgments.method, judgments.biases, judgments.evaluation};
  key["unpaired"] = judgments.unpaired;
  for (const AnnotatorFeature& feature : judgments.features) key["features"].push_back({feature.name, feature.in_play});
  key["stop_ids"] = templates.stop_ids;
  key["template"] = templates.prompt.text();
  key["chat_template"] = templates.chat ? templates.chat->source() : "";
  if (templates.chat) key["clock"] = templates.chat->clock_text(templates.now.value_or(wall_clock()));
  return key.dump();
}

constexpr std::int64_t DataReport::*kReportNumbers[] = {
    &DataReport::records,         &DataReport::samples,          &DataReport::dropped_over_length,
    &DataReport::dropped_short,   &DataReport::truncated,        &DataReport::dropped_without_label,
    &DataReport::dropped_refused, &DataReport::dropped_equal,    &DataReport::straddling,
    &DataReport::unverified,      &DataReport::answers_left_out, &DataReport::endless,
    &DataReport::duplicates,      &DataReport::left_out,         &DataReport::repeated,
    &DataReport::tokens,          &DataReport::longest,          &DataReport::trained_tokens,
    &DataReport::longest_dropped, &DataReport::length_limit,     &DataReport::beheaded,
    &DataReport::pieces,          &DataReport::untrained_turns,  &DataReport::unrendered_turns,
    &DataReport::empty_answers};

void write(ByteWriter& out, const std::vector<std::string>& texts) {
  out.number<std::uint64_t>(texts.size());
  for (const std::string& text : texts) out.text(text);
}

std::vector<std::string> read_texts(ByteParser& in) {
  std::vector<std::string> texts;
  for (auto left = in.number<std::uint64_t>(); left > 0; --left) texts.push_back(in.text());
  return texts;
}

void write(ByteWriter& out, const std::map<std::string, std::int64_t>& counts) {
  out.number<std::uint64_t>(counts.size());
  for (const auto& [name, count] : counts) {
    out.text(name);
    out.number(count);
  }
}

std::map<std::string, std::int64_t> read_named_counts(ByteParser& in) {
  std::map<std::string, std::int64_t> counts;
  for (auto left = in.number<std::uint64_t>(); left > 0; --left) {
    std::string name = in.text();
    counts[std::move(name)] = in.number<std::int64_t>();
  }
  return counts;
}

void write(ByteWriter& out, const DataReport& report) {
  out.text(report.kind);
  write(out, report.not_rendered);
  write(out, report.notes);
  for (const auto number : kReportNumbers) out.number(report.*number);
  out.number(report.lengths);
}

DataReport read_report(ByteParser& in) {
  DataReport report;
  report.kind = in.text();
  report.not_rendered = read_named_counts(in);
  report.notes = read_texts(in);
  for (const auto number : kReportNumbers) report.*number = in.number<std::int64_t>();
  report.lengths = in.number<decltype(report.lengths)>();
  return report;
}

void write(ByteWriter& out, const Sample& sample) {
  out.list(sample.ids);
  out.list(sample.trained);
}

void read(ByteParser& in, Sample& sample) {
  sample.ids = in.list<std::int32_t>();
  sample.trained = in.list<Span>();
}

constexpr float kNoLabel = -1;  // RankedSample::desirable

void write(ByteWriter& out, const RankedSample& sample) {
  out.number<std::uint64_t>(sample.texts.size());
  for (const TokenIds& text : sample.texts) out.list(text);
  out.list(sample.pairs);
  out.number(sample.prompt_length);
  out.number(sample.desirable.value_or(kNoLabel));
}

void read(ByteParser& in, RankedSample& sample) {
  for (auto left = in.number<std::uint64_t>(); left > 0; --left) sample.texts.push_back(in.list<std::int32_t>());
  sample.pairs = in.list<RankedPair>();
  sample.prompt_length = in.number<std::int32_t>();
  if (const auto label = in.number<float>(); label != kNoLabel) sample.desirable = label;
}

template <typename S>
void write(ByteWriter& out, const SampleSet<S>& set) {
  write(out, set.report);
  for (const S& sample : set.samples) write(out, sample);
}

template <typename S>
SampleSet<S> read_set(ByteParser& in) {
  SampleSet<S> set;
  set.report = read_report(in);
  for (std::int64_t i = 0; i < set.report.samples; ++i) read(in, set.samples.emplace_back());
  return set;
}

/// An estimate of the size of a set in the file, in bytes.
template <typename S>
std::size_t size_of(const SampleSet<S>& set) {
  constexpr std::size_t kListBytes = 64;
  return static_cast<std::size_t>(set.report.tokens) * sizeof(TokenIds::value_type) + set.samples.size() * kListBytes;
}

void write(ByteWriter& out, const RecordCounts& counts) {
  out.number<std::uint64_t>(counts.files.size());
  for (const auto& file : counts.files) out.text(file.string());
  out.list(counts.file_crc32);
  out.number(counts.format);
  out.number<std::uint8_t>(counts.chat ? 1 : 0);
  out.number<std::uint8_t>(counts.templated ? 1 : 0);
  out.number(counts.records);
  out.number(counts.bad_lines);
  out.number(counts.tied);
  out.number(counts.without_sample);
  write(out, counts.file_kinds);
  write(out, counts.unread);
}

RecordCounts read_counts(ByteParser& in) {
  RecordCounts counts;
  for (auto left = in.number<std::uint64_t>(); left > 0; --left) counts.files.emplace_back(in.text());
  counts.file_crc32 = in.list<std::uint32_t>();
  counts.format = in.number<RecordFormat>();
  counts.chat = in.number<std::uint8_t>() != 0;
  counts.templated = in.number<std::uint8_t>() != 0;
  counts.records = in.number<std::int64_t>();
  counts.bad_lines = in.number<std::int64_t>();
  counts.tied = in.number<std::int64_t>();
  counts.without_sample = in.number<std::int64_t>();
  counts.file_kinds = read_texts(in);
  counts.unread = read_named_counts(in);
  return counts;
}

void write(ByteWriter& out, const JudgedVotes& judged) {
  const JudgedPairs& votes = judged.votes;
  out.number(votes.pairs);
  out.number(votes.annotators);
  out.number(votes.domains.count);
  out.list(votes.votes);
  out.list(votes.features.differences);
  out.list(votes.domains.of_pair);
  out.list(std::vector<char>(votes.features.is_bias.begin(), votes.features.is_bias.end()));
  out.list(judged.anchors);
  out.list(judged.at);
  out.number<std::uint64_t>(judged.annotators.size());
  for (const WeighedAnnotator& annotator : judged.annotators) {
    out.text(annotator.name);
    out.number(annotator.role);
  }
  write(out, judged.domains);
  write(out, judged.features);
  out.number(judged.expert_votes);
  out.number(judged.dropped_votes);
}

JudgedVotes read_judged(ByteParser& in) {
  JudgedVotes judged;
  JudgedPairs& votes = judged.votes;
  votes.pairs = in.number<std::int32_t>();
  votes.annotators = in.number<std::int32_t>();
  votes.domains.count = in.number<std::int32_t>();
  votes.votes = in.list<PairVote>();
  votes.features.differences = in.list<double>();
  votes.domains.of_pair = in.list<std::int32_t>();
  const auto is_bias = in.list<char>();
  votes.features.is_bias.assign(is_bias.begin(), is_bias.end());
  judged.anchors = in.list<std::int8_t>();
  judged.at = in.list<ComparedResponses>();
  for (auto left = in.number<std::uint64_t>(); left > 0; --left) {
    std::string name = in.text();
    judged.annotators.push_back({std::move(name), in.number<AnnotatorRole>()});
  }
  judged.domains = read_texts(in);
  judged.features = read_texts(in);
  judged.expert_votes = in.number<std::int64_t>();
  judged.dropped_votes = in.number<std::int64_t>();
  return judged;
}

/// The bytes between magic and checksum. Throws std::runtime_error if either does not match.
std::string_view checked(std::string_view bytes) {
  constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);
  if (!bytes.starts_with(kMagic) || bytes.size() < kMagic.size() + kChecksumBytes)
    throw std::runtime_error("it is not a data cache file of this version");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (ByteParser(bytes.substr(body.size())).number<std::uint64_t>() != hash_bytes(body))
    throw std::runtime_error("its checksum does not match");
  return body.substr(kMagic.size());
}

}  // namespace

DataCache::DataCache(const DataOptions& options, std::uint64_t seed, const Tokenizer& tokenizer,
                     const Templates& templates, const JudgmentReading& judgments)
    : folder_(options.cache), key_(make_key(options, seed, tokenizer, templates, judgments)) {}

std::filesystem::path DataCache::file(const char* kind) const {
  char name[17];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(hash_bytes(key_)));
  return folder_ / (std::string(kind) + "-" + name + ".bin");
}

template <typename S>
std::optional<DataSet<S>> DataCache::load() const {
  const auto path = file(kKind<S>);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    log_info("data cache: no entry for this data and these settings in " + folder_.string());
    return std::nullopt;
  }
  try {
    const std::string bytes = read_file(path, ExitCode::data, kNoLimit);
    ByteParser in(checked(bytes));
    if (in.text() != key_) throw std::runtime_error("it was made from other data or settings");
    DataSet<S> data;
    data.counts = read_counts(in);
    data.train = read_set<S>(in);
    data.eval = read_set<S>(in);
    data.judged = read_judged(in);
    log_info("data cache: read " + path.string());
    return data;
  } catch (const std::exception& error) {
    log_warning("data cache: replacing " + path.string() + ": " + error.what());
    return std::nullopt;
  }
}

template <typename S>
void DataCache::save(const DataSet<S>& data) const {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw OutputError("writing the data cache: " + folder_.string() + ": " + error.message());
  ByteWriter out(kMagic, size_of(data.train) + size_of(data.eval));
  out.text(key_);
  write(out, data.counts);
  write(out, data.train);
  write(out, data.eval);
  write(out, data.judged);
  out.number(hash_bytes(out.bytes()));
  write_file_atomically(file(kKind<S>), out.bytes());
}

template std::optional<DataSet<Sample>> DataCache::load<Sample>() const;
template std::optional<DataSet<RankedSample>> DataCache::load<RankedSample>() const;
template void DataCache::save<Sample>(const DataSet<Sample>&) const;
template void DataCache::save<RankedSample>(const DataSet<RankedSample>&) const;

}  // namespace rlhf
