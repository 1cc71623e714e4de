#include "rlhf/runs/metrics.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"

#include "runs/append_file.h"
#include "support/file_bytes.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::file_bytes;
using testing::TemporaryFolder;

TEST(Metrics, KeepTheirOrderAndTheLastValueOfAName) {
  Metrics metrics;
  metrics.set("loss", 1);
  metrics.set("accuracy", 0.5);
  metrics.set("loss", 2);
  ASSERT_EQ(metrics.items().size(), 2u);
  EXPECT_EQ(metrics.items()[0].first, "loss");
  ASSERT_NE(metrics.find("loss"), nullptr);
  EXPECT_EQ(*metrics.find("loss"), 2);
  EXPECT_EQ(metrics.find("margin"), nullptr);
}

TEST(JsonlSink, WritesOneObjectALineStepFirst) {
  const TemporaryFolder folder;
  Metrics metrics;
  metrics.set("loss", 0.1);
  metrics.set("a/b", 3);
  const auto sink = open_jsonl_sink(folder / "metrics.jsonl");
  sink->write(7, metrics);
  EXPECT_EQ(file_bytes(folder / "metrics.jsonl"), "{\"step\":7,\"loss\":0.1,\"a/b\":3.0}\n") << "visible at once";
  sink->write(8, {});
  sink->flush();
  EXPECT_EQ(file_bytes(folder / "metrics.jsonl"), "{\"step\":7,\"loss\":0.1,\"a/b\":3.0}\n{\"step\":8}\n");
}

TEST(JsonlSink, NumbersReadBackEqual) {
  const TemporaryFolder folder;
  std::mt19937_64 bits(1);
  std::vector<double> values = {0.1, 1.0 / 3, 1e-300, 5e-324, 1.7976931348623157e308, -0.0, 123456789.123456789};
  while (values.size() < 2000) {
    const double value = std::bit_cast<double>(bits());
    if (std::isfinite(value)) values.push_back(value);
  }
  const auto sink = open_jsonl_sink(folder / "metrics.jsonl");
  for (const double value : values) {
    Metrics metrics;
    metrics.set("x", value);
    sink->write(1, metrics);
  }
  std::istringstream lines(file_bytes(folder / "metrics.jsonl"));
  std::string line;
  for (const double value : values) {
    ASSERT_TRUE(std::getline(lines, line));
    const std::string digits = line.substr(line.rfind(':') + 1);
    EXPECT_EQ(std::strtod(digits.c_str(), nullptr), value) << line;
  }
}

TEST(JsonlSink, AFigureThatIsNotFiniteIsNull) {
  const TemporaryFolder folder;
  Metrics metrics;
  metrics.set("a", std::numeric_limits<double>::quiet_NaN());
  metrics.set("b", -std::numeric_limits<double>::infinity());
  open_jsonl_sink(folder / "m.jsonl")->write(1, metrics);
  EXPECT_EQ(file_bytes(folder / "m.jsonl"), "{\"step\":1,\"a\":null,\"b\":null}\n");
}

TEST(JsonlSink, ResumeCutsLaterStepsAndATornLine) {
  const TemporaryFolder folder;
  const std::string kept = "{\"step\":1}\n{\"step\":2,\"x\":1}\n{\"step\":2,\"eval_x\":1}\n";
  const auto file = folder.write("m.jsonl", kept + "{\"step\":3}\n{\"step\":4}\n{\"st");
  {
    cut_jsonl_after(file, 2);
    EXPECT_EQ(file_bytes(file), kept);
    const auto sink = open_jsonl_sink(file);
    sink->write(3, {});
  }
  EXPECT_EQ(file_bytes(file), kept + "{\"step\":3}\n");
}

TEST(CutJsonl, KeepsWholeLinesUpToTheStep) {
  const TemporaryFolder folder;
  const auto cut = [&](const std::string& bytes, std::int64_t keep_until) {
    const auto file = folder.write("m.jsonl", bytes);
    cut_jsonl_after(file, keep_until);
    return file_bytes(file);
  };
  EXPECT_EQ(cut("{\"step\":0}\n{\"step\":1}\n", 0), "{\"step\":0}\n");
  EXPECT_EQ(cut("{\"step\":0}\n{\"step\":1}\n", 5), "{\"step\":0}\n{\"step\":1}\n");
  EXPECT_EQ(cut("{\"step\":1}\n{\"step\":1}", 5), "{\"step\":1}\n") << "a line without its end was not written whole";
  EXPECT_EQ(cut("{\"step\":1}\n\xff\n{\"step\":2}\n", 5), "{\"step\":1}\n{\"step\":2}\n");
  EXPECT_EQ(cut("{\"step\":1}\n{\"step\":3}\n{\"step\":2}\n", 2), "{\"step\":1}\n{\"step\":2}\n");
  EXPECT_EQ(cut("{\"other\":1}\n", 5), "");
  EXPECT_EQ(cut("", 5), "");
  cut_jsonl_after(folder / "absent.jsonl", 5);
  EXPECT_FALSE(std::filesystem::exists(folder / "absent.jsonl"));
}

TEST(JsonlSink, AFileThatIsRemovedOrReplacedIsAnOutputError) {
  const TemporaryFolder folder;
  const auto sink = open_jsonl_sink(folder / "m.jsonl");
  sink->write(1, {});
  EXPECT_NO_THROW(sink->flush());
  std::filesystem::remove(folder / "m.jsonl");
  EXPECT_THROW(sink->flush(), OutputError);
  folder.write("m.jsonl", "");
  EXPECT_THROW(sink->flush(), OutputError) << "another file";
}

TEST(JsonlSink, WhatCannotBeWrittenIsAnOutputErrorWithTheReason) {
  const TemporaryFolder folder;
  try {
    open_jsonl_sink(folder / "absent/m.jsonl");
    FAIL() << "accepted";
  } catch (const OutputError& error) {
    EXPECT_EQ(error.what(), "writing " + (folder / "absent/m.jsonl").string() + ": No such file or directory");
  }
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full to try a full disk with";
  AppendFile full("/dev/full");
  try {
    full.append("x");
    FAIL() << "accepted";
  } catch (const OutputError& error) {
    EXPECT_STREQ(error.what(), "writing /dev/full: No space left on device");
  }
}

}  // namespace
}  // namespace rlhf
