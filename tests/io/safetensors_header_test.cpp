#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/io/safetensors.h"

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

std::string length_of(std::uint64_t length) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes;
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return length_of(header.size()) + header + std::string(data_bytes, '\1');
}

/// Header of one tensor "x" with these fields.
std::string x(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"x":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

std::string two(const std::string& first_offsets, const std::string& second_offsets) {
  return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first_offsets +
         R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second_offsets + "}}";
}

/// Header of one tensor whose name has so many bytes.
std::string named(std::size_t bytes) {
  return "{\"" + std::string(bytes, 'n') + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
}

std::string deep_objects(std::size_t depth) {
  std::string header;
  for (std::size_t i = 0; i < depth; ++i) header += "{\"x\":";
  return header + "1" + std::string(depth, '}');
}

/// Header of that many tensors without a byte of data; reading it must not take time quadratic in them.
std::string many(std::size_t tensors) {
  std::string header = "{";
  for (std::size_t i = 0; i < tensors; ++i) {
    header += (i > 0 ? ",\"" : "\"") + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  }
  return header + "}";
}

struct Case {
  std::string name;
  std::string file;
  std::string message;  // a part of it; empty: the file is good
};

/// The message that opening such a file gives, or nothing if it opens.
std::optional<std::string> refusal(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  try {
    const SafetensorsFile file(path);
    for (const auto& [name, entry] : file.entries()) file.tensor(name);
    return std::nullopt;
  } catch (const ModelError& error) {
    return error.what();
  }
}

void expect_each(const std::vector<Case>& cases) {
  const testing::TemporaryFolder folder;
  const std::filesystem::path path = folder / "model.safetensors";
  for (const Case& item : cases) {
    const std::optional<std::string> message = refusal(path, item.file);
    ASSERT_EQ(message.has_value(), !item.message.empty()) << item.name << ": " << message.value_or("was accepted");
    if (!message) continue;
    EXPECT_NE(message->find(item.message), std::string::npos) << item.name << ": " << *message;
    EXPECT_TRUE(message->starts_with(path.string() + ": ")) << item.name << ": " << *message;
    EXPECT_EQ(message->find('\n'), std::string::npos) << item.name << ": " << *message;
    EXPECT_LT(message->size(), path.string().size() + 300) << item.name << ": " << *message;
  }
}

TEST(SafetensorsHeader, GoodOnesAreAccepted) {
  expect_each({
      {"no tensors", file_of("{}", 0), ""},
      {"one tensor", file_of(x(R"("F32")", "[2,3]", "[0,24]"), 24), ""},
      {"trailing spaces", file_of("{}      ", 0), ""},
      {"scalar", file_of(x(R"("F64")", "[]", "[0,8]"), 8), ""},
      {"size 0", file_of(x(R"("F64")", "[0,5]", "[0,0]"), 0), ""},
      {"rank 8", file_of(x(R"("U8")", "[1,1,1,1,1,1,1,2]", "[0,2]"), 2), ""},
      {"two tensors, listed backwards", file_of(two("[4,8]", "[0,4]"), 8), ""},
      {"metadata", file_of(R"({"__metadata__":{"format":"pt"}})", 0), ""},
      {"name of 4096 bytes", file_of(named(4096), 1), ""},
      {"200,000 tensors", file_of(many(200'000), 0), ""},
  });
}

TEST(SafetensorsHeader, ALyingLengthIsRefused) {
  expect_each({
      {"empty file", "", "found an empty one"},
      {"7 bytes", std::string(7, '\0'), "expected 8 bytes of header length, found 7 bytes"},
      {"no header", length_of(0), "expected JSON that starts with '{', found nothing"},
      {"longer than the file", length_of(100) + "{}", "found a header length of 100"},
      {"one byte longer than the file", length_of(3) + "{}", "expected a header of at most 2 bytes"},
      {"over the limit", length_of(100'000'001) + "{}", "found a header length of 100000001"},
      {"2^63", length_of(std::uint64_t{1} << 63) + "{}", "found a header length of 9223372036854775808"},
      {"2^64-1", length_of(~std::uint64_t{0}) + "{}", "found a header length of 18446744073709551615"},
      {"shorter than the JSON", length_of(1) + "{}", "expected JSON, found broken JSON"},
  });
}

TEST(SafetensorsHeader, WhatIsNotTheJsonOfAHeaderIsRefused) {
  expect_each({
      {"list", file_of("[]", 0), "starts with '{', found \"[\""},
      {"space first", file_of(" {}", 0), "starts with '{', found \" \""},
      {"unfinished", file_of("{\"x\":", 0), "expected JSON, found broken JSON"},
      {"two values", file_of("{}{}", 0), "expected JSON, found broken JSON"},
      {"hidden behind NUL", file_of(std::string("{}\0{\"x\":1}", 10), 0), "expected text without NUL"},
      {"not UTF-8", file_of("{\"\xff\":1}", 0), "expected UTF-8, found 0xFF"},
      {"lone surrogate", file_of(R"({"\ud800":1})", 0), "expected JSON, found broken JSON"},
      {"same tensor twice", file_of(R"({"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{}})", 0),
       "expected unique keys, found \"x\" twice"},
      {"same field twice", file_of(R"({"x":{"dtype":"U8","dtype":"F32","shape":[0],"data_offsets":[0,0]}})", 0),
       "found \"dtype\" twice"},
      {"same metadata key twice", file_of(R"({"__metadata__":{"a":"1","a":"2"}})", 0), "found \"a\" twice"},
      {"a number beyond all", file_of(x(R"("U8")", "[1e999]", "[0,1]"), 1), "a double holds, found \"1e999\""},
      {"deep nesting of objects", file_of(deep_objects(10'000), 0), "at most 3 levels of nesting, found more"},
      {"deep nesting", file_of("{\"x\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}", 0),
       "levels of nesting"},
      {"metadata number", file_of(R"({"__metadata__":{"a":1}})", 0), "to hold strings only, found 1 at \"a\""},
      {"metadata list", file_of(R"({"__metadata__":[]})", 0), "__metadata__ to be an object of strings"},
  });
}

TEST(SafetensorsHeader, ATensorThatSaysNonsenseIsRefusedByName) {
  const auto whole = [](const std::string& text) { return "tensor \"x\": expected " + text; };
  expect_each({
      {"no object", file_of(R"({"x":1})", 0), whole("an object, found 1")},
      {"no dtype", file_of(R"({"x":{"shape":[],"data_offsets":[0,0]}})", 0), whole("the key dtype")},
      {"no shape", file_of(R"({"x":{"dtype":"U8","data_offsets":[0,0]}})", 0), whole("the key shape")},
      {"no offsets", file_of(R"({"x":{"dtype":"U8","shape":[]}})", 0), whole("the key data_offsets")},
      {"unknown dtype", file_of(x(R"("F8_E4M3")", "[1]", "[0,1]"), 1), "found \"F8_E4M3\""},
      {"dtype number", file_of(x("7", "[1]", "[0,1]"), 1), "BOOL, found 7"},
      {"negative size", file_of(x(R"("U8")", "[-1]", "[0,1]"), 1), "from 0 to 2^63-1, found -1"},
      {"fraction", file_of(x(R"("U8")", "[1.0]", "[0,1]"), 1), "found 1.0"},
      {"shape no list", file_of(x(R"("U8")", "1", "[0,1]"), 1), "shape to be a list, found 1"},
      {"size of 2^63", file_of(x(R"("U8")", "[9223372036854775808]", "[0,1]"), 1), "found 9223372036854775808"},
      {"overflowing product", file_of(x(R"("U8")", "[4294967296,4294967296]", "[0,0]"), 0), "less than 2^63 bytes"},
      {"overflowing bytes", file_of(x(R"("F64")", "[1152921504606846976]", "[0,0]"), 0), "less than 2^63 bytes"},
      {"overflow beside a 0", file_of(x(R"("F64")", "[0,4294967296,4294967296]", "[0,0]"), 0), "less than 2^63 bytes"},
      {"rank 9", file_of(x(R"("U8")", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1), "at most 8 dimensions, found 9"},
      {"offsets backwards", file_of(x(R"("U8")", "[1]", "[1,0]"), 1), "data_offsets [begin, end], found [1,0]"},
      {"three offsets", file_of(x(R"("U8")", "[1]", "[0,1,1]"), 1), "data_offsets [begin, end]"},
      {"negative offset", file_of(x(R"("U8")", "[1]", "[-1,0]"), 1), "found -1"},
      {"out of the file", file_of(x(R"("U8")", "[9]", "[0,9]"), 8), "an end at 9"},
      {"shape and offsets disagree", file_of(x(R"("F32")", "[3]", "[0,8]"), 8), "12 bytes by shape and dtype, found 8"},
      {"extra field", file_of(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}})", 1),
       "only the keys dtype, shape, data_offsets"},
      {"long name", file_of(named(4097), 1), "a name of at most 4096 bytes, found 4097"},
      {"newline in a name", file_of(R"({"a\nb":1})", 0), R"(tensor "a\nb": expected an object)"},
  });
}

TEST(SafetensorsHeader, TensorsThatDoNotTileTheDataAreRefused) {
  expect_each({
      {"hole at the start", file_of(two("[1,5]", "[5,9]"), 9), "start at 0, found 1 (hole)"},
      {"hole", file_of(two("[0,4]", "[5,9]"), 9), "start at 4, found 5 (hole)"},
      {"overlap", file_of(two("[0,4]", "[3,7]"), 7), "start at 4, found 3 (overlap)"},
      {"the same bytes twice", file_of(two("[0,4]", "[0,4]"), 4), "start at 4, found 0 (overlap)"},
      {"unclaimed end", file_of(two("[0,4]", "[4,8]"), 9), "expected the file to end with its last tensor"},
      {"cut short", file_of(two("[0,4]", "[4,8]"), 7), "an end at 8"},
      {"data without tensors", file_of("{}", 1), "expected the file to end with its last tensor"},
  });
}

}  // namespace
}  // namespace rlhf
