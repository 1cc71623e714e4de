#include "rlhf/data/load_data.h"

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/core/log.h"

#include "support/byte_tokenizer.h"
#include "support/file_bytes.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using testing::ByteTokenizer;
using testing::file_bytes;
using testing::TemporaryFolder;

/// Records of prompt "NAME number" and completion "c".
std::string demonstrations(const std::string& name, int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "{\"prompt\":\"" + name + std::to_string(i) + "\",\"completion\":\"c\"}\n";
  return lines;
}

DataSet<Sample> load(const DataOptions& options, std::uint64_t seed = 0) {
  return load_demonstrations(options, seed, ByteTokenizer(), {});
}

/// How often each prompt stands in a set.
std::map<std::string, int> prompts_of(const SampleSet<Sample>& set) {
  std::map<std::string, int> counts;
  for (const Sample& sample : set.samples) ++counts[ByteTokenizer().decode(sample.ids)];
  return counts;
}

TEST(LoadData, AWholeWeightTakesEveryRecordSoOften) {
  const TemporaryFolder folder;
  DataOptions options;
  options.train = {{folder.write("b.jsonl", demonstrations("b", 2)), 3.0},
                   {folder.write("a.jsonl", demonstrations("a", 1))}};
  const auto data = load(options);
  EXPECT_EQ(prompts_of(data.train), (std::map<std::string, int>{{"a0c", 1}, {"b0c", 3}, {"b1c", 3}}));
  EXPECT_EQ(data.train.report.records, 3);
  EXPECT_EQ(data.train.report.repeated, 4);
  EXPECT_EQ(data.train.report.duplicates, 0) << "a weight makes no duplicates";
}

TEST(LoadData, AFractionIsDrawnRecordByRecord) {
  const TemporaryFolder folder;
  DataOptions options;
  options.train = {{folder.write("a.jsonl", demonstrations("a", 4000)), 1.25}};
  const auto once = prompts_of(load(options, 1).train);
  EXPECT_EQ(once.size(), 4000u);
  int extra = -4000;
  for (const auto& [prompt, count] : once) extra += count;
  EXPECT_NEAR(extra, 1000, 4 * std::sqrt(4000 * 0.25 * 0.75));  // binomial
  EXPECT_EQ(prompts_of(load(options, 1).train), once);
  EXPECT_NE(prompts_of(load(options, 2).train), once);
}

TEST(LoadData, WeightsDoNotTouchWhatIsHeldOut) {
  const TemporaryFolder folder;
  DataOptions options;
  options.eval_share = 0.3;
  options.train = {{folder.write("a.jsonl", demonstrations("a", 500))}};
  const auto plain = load(options);
  options.train[0].weight = 0.1;
  const auto weighted = load(options);
  EXPECT_EQ(prompts_of(weighted.eval), prompts_of(plain.eval));
  EXPECT_LT(weighted.train.samples.size(), 100u);
  for (const auto& [prompt, count] : prompts_of(weighted.train)) EXPECT_FALSE(prompts_of(plain.eval).contains(prompt));
}

TEST(LoadData, ErrorsOfTheSamplesNameTheLineAndAreNoBadLines) {
  const TemporaryFolder folder;
  DataOptions options;
  const std::string file =
      folder.write("a.jsonl", demonstrations("a", 3) + "\n{\"prompt\":\"p\",\"completion\":\"much longer\"}\n");
  options.train = {{file}};
  options.max_length = 8;
  options.over_length = OverLength::error;
  options.max_bad_lines = 100;
  try {
    load(options);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::data);
    EXPECT_TRUE(std::string(error.what()).starts_with("tokenising " + file + ":5: expected at most 8 tokens"))
        << error.what();
  }
}

TEST(LoadData, ConversationsThatTheTemplateRefusesAreBadLines) {
  const TemporaryFolder folder;
  const auto conversation = [](const std::string& role) {
    return "{\"messages\":[{\"role\":\"" + role +
           "\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"a\"}]}\n";
  };
  DataOptions options;
  const std::string file = folder.write(
      "a.jsonl", conversation("user") + conversation("system") + conversation("user") + conversation("system"));
  options.train = {{file}};
  Templates templates;
  templates.chat.emplace(
      "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}" +
          std::string("{{ m.content }}{% if not loop.last %}:{% endif %}{% endfor %}") +
          "{% if add_generation_prompt %}:{% endif %}",
      nlohmann::ordered_json(), "t");
  const auto load_with = [&](std::int64_t max_bad_lines) {
    options.max_bad_lines = max_bad_lines;
    return load_demonstrations(options, 0, ByteTokenizer(), templates);
  };
  const auto data = load_with(2);
  EXPECT_EQ(data.train.samples.size(), 2u);
  EXPECT_EQ(data.train.report.dropped_refused, 2);
  EXPECT_EQ(data.train.report.endless, 2) << "no token ends these answers";
  try {
    load_with(1);
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("tokenising " + file + ":4: rendering chat template t:1:"))
        << error.what();
  }
}

TEST(LoadData, ASplitOfOnePromptNamesTheCause) {
  const TemporaryFolder folder;
  DataOptions options;
  options.eval_share = 0.5;
  options.train = {{folder.write("a.jsonl", demonstrations("a", 1) + demonstrations("a", 1))}};
  try {
    load(options);
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(),
                 "data.eval_share: expected at least two different prompts, of which one is held out, found 1 in 2 "
                 "records; hint: remove data.eval_share, or set data.eval");
  }
}

// Each of the folds 0 to 2 holds one of the three prompts.
TEST(LoadData, AFoldBeyondThePromptsNamesTheCause) {
  const TemporaryFolder folder;
  DataOptions options;
  options.eval_share = 0.2;
  options.train = {{folder.write("a.jsonl", demonstrations("a", 3))}};
  for (options.eval_fold = 0; options.eval_fold < 3; ++options.eval_fold) EXPECT_NO_THROW(load(options));
  try {
    load(options);
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(),
                 "data.eval_fold: expected prompts that folds 0 to 2 have not, found none: there are 3 different "
                 "prompts; hint: use a lower fold, or more prompts");
  }
}

TEST(LoadData, ReportTellsOfTheSplitAndOfFieldsThatWereNotRead) {
  const TemporaryFolder folder;
  std::vector<std::string> warnings;
  set_log_sink([&](LogLevel level, std::string_view line) {
    if (level == LogLevel::warning) warnings.emplace_back(line);
  });
  DataOptions options;
  options.eval_share = 0.1;
  options.train = {{folder.write(
      "a.jsonl", demonstrations("a", 3) + "{\"prompt\":\"p\",\"completion\":\"c\",\"weight\":0,\"id\":7}\n")}};
  const auto data = load(options);
  set_log_sink({});
  EXPECT_EQ(data.train.report.notes,
            (std::vector<std::string>{
                "fields that were not read, with the number of records that have them: id (1), weight (1)",
                "held out for evaluation: 1 of 4 different prompts, 1 of 4 records (25 %); data.eval_share asks for "
                "10 % (records with equal prompts stay together)"}));
  EXPECT_EQ(warnings, (std::vector<std::string>{
                          "data: the field `weight` of 1 records was not read; hint: data.train: [{path: FILE, weight: "
                          "2}] weights the records of a file"}));
}

class Cache : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_sink([this](LogLevel, std::string_view line) { log_ += std::string(line) + "\n"; });
    data_ = folder_.write("a.jsonl", demonstrations("a", 50) + "{\"prompt\":\"p\",\"completion\":\"c\",\"x\":1}\n");
    options_.train = {{data_}};
    options_.eval_share = 0.2;
    options_.cache = folder_ / "cache";
  }
  void TearDown() override { set_log_sink({}); }

  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(options_.cache)) found.push_back(entry.path());
    return found;
  }
  /// Loads, and says whether it came from the cache.
  bool cached(const DataOptions& options, std::uint64_t seed = 0) {
    log_.clear();
    last_ = load(options, seed);
    return log_.find("data cache: read ") != std::string::npos;
  }

  TemporaryFolder folder_;
  std::string data_, log_;
  DataOptions options_;
  DataSet<Sample> last_;
};

void expect_equal(const DataSet<Sample>& a, const DataSet<Sample>& b) {
  const auto same = [](const SampleSet<Sample>& left, const SampleSet<Sample>& right) {
    ASSERT_EQ(left.samples.size(), right.samples.size());
    for (std::size_t i = 0; i < left.samples.size(); ++i) {
      EXPECT_EQ(left.samples[i].ids, right.samples[i].ids);
      EXPECT_EQ(left.samples[i].trained, right.samples[i].trained);
    }
    EXPECT_EQ(left.report.lines(), right.report.lines());
  };
  same(a.train, b.train);
  same(a.eval, b.eval);
  EXPECT_EQ(a.counts.files, b.counts.files);
  EXPECT_EQ(a.counts.file_crc32, b.counts.file_crc32);
  EXPECT_EQ(a.counts.kind(), b.counts.kind());
  EXPECT_EQ(a.counts.records, b.counts.records);
}

TEST_F(Cache, GivesTheSameDataTheSecondTime) {
  EXPECT_FALSE(cached(options_));
  const DataSet<Sample> made = last_;
  EXPECT_TRUE(cached(options_));
  expect_equal(last_, made);
  DataOptions none = options_;
  none.cache.clear();
  expect_equal(load(none), made);
}

TEST_F(Cache, AnythingThatChangesTheSamplesMakesItAnew) {
  EXPECT_FALSE(cached(options_));
  EXPECT_FALSE(cached(options_, 1)) << "the seed splits";
  DataOptions changed = options_;
  changed.max_length = 9;
  EXPECT_FALSE(cached(changed));
  changed = options_;
  changed.shuffle = false;
  EXPECT_TRUE(cached(changed)) << "the order of batches is no part of the data";
  folder_.write("a.jsonl", demonstrations("b", 50));
  EXPECT_FALSE(cached(options_));
  EXPECT_TRUE(prompts_of(last_.train).begin()->first.starts_with("b"));
}

TEST_F(Cache, EveryBrokenByteIsNoticed) {
  EXPECT_FALSE(cached(options_));
  const DataSet<Sample> made = last_;
  ASSERT_EQ(files().size(), 1u);
  const fs::path file = files().front();
  const std::string bytes = file_bytes(file);
  for (std::size_t at = 0; at < bytes.size(); at += 97) {
    std::string broken = bytes;
    broken[at] = static_cast<char>(broken[at] ^ 0x20);
    folder_.write(file, broken);
    EXPECT_FALSE(cached(options_)) << at;
    EXPECT_NE(log_.find("data cache: replacing "), std::string::npos) << log_;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, bytes.size() / 2, bytes.size() - 1}) {
    folder_.write(file, bytes.substr(0, size));
    EXPECT_FALSE(cached(options_)) << size;
  }
  expect_equal(last_, made);
  EXPECT_EQ(file_bytes(file), bytes) << "and it stands again";
}

TEST_F(Cache, PairsAreKeptToo) {
  DataOptions options = options_;
  options.eval_share = 0;
  options.train = {
      {folder_.write("p.jsonl", "{\"prompt\":\"p\",\"chosen\":\"a\",\"rejected\":\"b\",\"margin\":0.5}\n")}};
  const auto made = load_preferences(options, 0, ByteTokenizer(), {});
  log_.clear();
  const auto again = load_preferences(options, 0, ByteTokenizer(), {});
  EXPECT_NE(log_.find("data cache: read "), std::string::npos);
  ASSERT_EQ(again.train.samples.size(), 1u);
  EXPECT_EQ(again.train.samples[0].texts, made.train.samples[0].texts);
  EXPECT_EQ(again.train.samples[0].prompt_length, 2);
  ASSERT_EQ(again.train.samples[0].pairs.size(), 1u);
  EXPECT_EQ(again.train.samples[0].pairs[0].rejected, 1);
  EXPECT_EQ(again.train.samples[0].pairs[0].margin, 0.5f);
}

TEST_F(Cache, JudgmentsWithoutAMajorityAreStillCounted) {
  DataOptions options = options_;
  options.eval_share = 0;
  const std::string start = R"({"prompt":"p","responses":["a","b"],"judgments":[{"annotator":"k","choice":1})";
  options.train = {{folder_.write("j.jsonl", start + "]}\n" + start + R"(,{"annotator":"l","choice":0}]})" + "\n")}};
  for (const char* source : {"file", "cache"}) {
    const auto read = load_preferences(options, 0, ByteTokenizer(), {});
    ASSERT_EQ(read.train.samples.size(), 1u) << source;
    EXPECT_EQ(ByteTokenizer().decode(read.train.samples[0].texts[0]), "pb") << source;
    EXPECT_EQ(read.counts.tied, 1) << source;
    const std::string note = "1 records of judgments left out: they give no label";
    EXPECT_EQ(read.train.report.notes, std::vector<std::string>{note}) << source;
  }
  EXPECT_NE(log_.find("data cache: read "), std::string::npos);
}

TEST_F(Cache, KeepsTheLabelsOfSingleCompletionsForThoseWhoReadThem) {
  DataOptions options = options_;
  options.eval_share = 0;
  options.train = {{folder_.write("u.jsonl",
                                  "{\"prompt\":\"p\",\"completion\":\"a\",\"label\":false}\n"
                                  "{\"prompt\":\"p\",\"completion\":\"b\",\"label\":true}\n")}};
  for (const char* source : {"file", "cache"}) {
    const auto read = load_preferences(options, 0, ByteTokenizer(), {}, {.unpaired = true});
    ASSERT_EQ(read.train.samples.size(), 2u) << source;
    EXPECT_EQ(read.train.samples[0].desirable, 0.0F) << source;
    EXPECT_EQ(read.train.samples[1].desirable, 1.0F) << source;
  }
  EXPECT_NE(log_.find("data cache: read "), std::string::npos);
  EXPECT_THROW(load_preferences(options, 0, ByteTokenizer(), {}), DataError);
}

TEST_F(Cache, RankingsAreKeptWhole) {
  DataOptions options = options_;
  options.eval_share = 0;
  options.train = {
      {folder_.write("r.jsonl",
                     "{\"prompt\":\"p\",\"completions\":[{\"text\":\"a\",\"rank\":2},{\"text\":\"b\",\"rank\":1},"
                     "{\"text\":\"c\",\"rank\":3}]}\n")}};
  const auto made = load_preferences(options, 0, ByteTokenizer(), {});
  log_.clear();
  const auto again = load_preferences(options, 0, ByteTokenizer(), {});
  EXPECT_NE(log_.find("data cache: read "), std::string::npos);
  ASSERT_EQ(again.train.samples.size(), 1u);
  const RankedSample& sample = again.train.samples[0];
  ASSERT_EQ(sample.pairs.size(), 3u);
  EXPECT_EQ(sample.texts, made.train.samples[0].texts);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(sample.pairs[i].chosen, made.train.samples[0].pairs[i].chosen);
    EXPECT_EQ(sample.pairs[i].rejected, made.train.samples[0].pairs[i].rejected);
  }
  EXPECT_EQ(ByteTokenizer().decode(sample.texts[static_cast<std::size_t>(sample.pairs[0].chosen)]), "pb");
}

// Phi-3 writes EOS behind the mark that ends a turn.
TEST_F(Cache, WhereAConversationEndsIsPartOfTheKey) {
  DataOptions options = options_;
  options.eval_share = 0;
  options.train = {{folder_.write("m.jsonl",
                                  "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
                                  "{\"role\":\"assistant\",\"content\":\"a\"}]}\n")}};
  Templates templates;
  templates.chat.emplace(
      "{% for m in messages %}{{ m.content }};{% endfor %}{% if not add_generation_prompt %}#{% endif %}",
      nlohmann::ordered_json(), "t");
  const auto text = [&](const TokenIds& stop_ids) {
    templates.stop_ids = stop_ids;
    return ByteTokenizer().decode(load_demonstrations(options, 0, ByteTokenizer(), templates).train.samples.at(0).ids);
  };
  EXPECT_EQ(text({'#'}), "q;a;#");
  EXPECT_EQ(text({';', '#'}), "q;a;");
  EXPECT_EQ(text({'#'}), "q;a;#");
}

TEST_F(Cache, AFolderThatCannotBeMadeIsAnOutputError) {
  options_.cache = data_ + "/below-a-file";
  EXPECT_THROW(load(options_), OutputError);
}

}  // namespace
}  // namespace rlhf
