// The parser of JSON: what it takes, what it refuses, and how.
#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/json/json_file.h"
#include "rlhf/json/json_reader.h"

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

std::string refusal(const std::string& text, const JsonLimits& limits = {}) {
  try {
    parse_json(text, "FILE", throw_as<DataError>, limits);
  } catch (const DataError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ParseJson, KeepsTheOrderOfKeysAndTheKindsOfNumbers) {
  const std::string text = R"({"b":[1,-2,3.5,1e2],"a":{"z":null,"y":true},"":"\u00e9"})";
  const auto value = parse_json(text, "FILE", throw_as<DataError>);
  EXPECT_EQ(value.dump(), R"({"b":[1,-2,3.5,100.0],"a":{"z":null,"y":true},"":"é"})");
  EXPECT_TRUE(value["b"][0].is_number_unsigned());
  EXPECT_TRUE(value["b"][1].is_number_integer());
  EXPECT_TRUE(value["b"][3].is_number_float());
  EXPECT_EQ(parse_json("7", "FILE", throw_as<DataError>), 7) << "any value is a document";
}

TEST(ParseJson, RefusesWhatOtherReadersReadDifferently) {
  EXPECT_EQ(refusal(R"({"a":1,"b":2,"a":3})"), R"(FILE: expected unique keys, found "a" twice)");
  EXPECT_EQ(refusal(R"([{"x":{"a":1,"a":1}}])"), R"(FILE: expected unique keys, found "a" twice)");
  EXPECT_EQ(refusal(R"({"a":{"x":1},"b":{"x":1}})"), "accepted") << "of different objects";
  EXPECT_EQ(refusal("[1e999]"), R"(FILE: expected a number that a double holds, found "1e999")");
  EXPECT_EQ(refusal(std::string("{}\0{}", 5)), "FILE: byte 3: expected text without NUL, found NUL");
  EXPECT_EQ(refusal("[\"\xff\"]"),
            "FILE: byte 3: expected UTF-8, found 0xFF; hint: iconv -t UTF-8 converts other encodings");
  EXPECT_EQ(refusal("{} {}"), "FILE: byte 4: expected JSON, found broken JSON (unexpected '{'; expected end of input)");
  EXPECT_EQ(refusal("[NaN]"), "FILE: byte 2: expected JSON, found broken JSON (invalid literal)");
}

TEST(ParseJson, IsBounded) {
  const std::string deep = std::string(5, '[') + std::string(5, ']');
  EXPECT_EQ(refusal(deep, {.max_depth = 5}), "accepted");
  EXPECT_EQ(refusal(deep, {.max_depth = 4}), "FILE: expected at most 4 levels of nesting, found more");
  EXPECT_EQ(refusal(std::string(1'000'000, '[')), "FILE: expected at most 64 levels of nesting, found more");
  EXPECT_EQ(refusal(R"({"a":1,"b":2})", {.max_keys = 1}), "FILE: expected at most 1 keys, found more");
  EXPECT_EQ(refusal(R"(["\u0000"])"), "accepted");
  EXPECT_EQ(refusal(R"(["\u0000"])", {.allow_escaped_nul = false}), "FILE: expected text without NUL, found \\u0000");
}

TEST(ParseJson, AnObjectCanBeAskedFor) {
  EXPECT_THROW(parse_json_object("[]", "FILE", throw_as<ModelError>), ModelError);
  EXPECT_EQ(parse_json_object("{}", "FILE", throw_as<ModelError>).size(), 0u);
}

TEST(JsonFile, IsARegularFileOfABoundedSize) {
  const testing::TemporaryFolder folder;
  const auto refused = [&](const std::string& name, std::size_t max_bytes) -> std::string {
    try {
      read_json_object(folder / name, "FILE", max_bytes);
    } catch (const ModelError& error) {
      return error.what();
    }
    return "accepted";
  };
  folder.write("a.json", R"({"a": 1})");
  EXPECT_EQ(refused("a.json", 8), "accepted");
  EXPECT_EQ(refused("a.json", 7), "FILE: expected at most 7 bytes, found 8");
  EXPECT_EQ(refused(".", 8), "FILE: expected a regular file, found another kind");
  EXPECT_NE(refused("absent.json", 8).find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace rlhf
