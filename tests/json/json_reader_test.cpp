// Typed reading of JSON: values, and errors that name the path of keys.
#include "rlhf/json/json_reader.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"

namespace rlhf {
namespace {

using Json = nlohmann::ordered_json;

const Json kDocument = Json::parse(R"({
  "name": "x", "count": 3, "share": 0.5, "flag": true, "none": null, "big": 18446744073709551615,
  "list": [{"kind": "round"}, {"kind": "oval"}, 7], "odd key": {"<s>": 1}, "empty": {}})");

JsonReader reader() { return {kDocument, "FILE", throw_as<ModelError>}; }

template <typename Read>
std::string refusal(const Read& read) {
  try {
    read(reader());
  } catch (const ModelError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(JsonReader, ReadsValuesOfTheirKind) {
  EXPECT_EQ(reader().at("name").string(), "x");
  EXPECT_EQ(reader().at("count").integer(1, 3), 3);
  EXPECT_EQ(reader().at("count").number(), 3.0) << "a whole number is a number";
  EXPECT_EQ(reader().at("share").positive_number(), 0.5);
  EXPECT_TRUE(reader().at("flag").boolean());
  EXPECT_EQ(reader().at("list").item(1).at("kind").one_of({"round", "oval"}), 1u);
  EXPECT_EQ(reader().at("list").place(), "FILE: list");
}

TEST(JsonReader, NullAndAbsentKeysHaveTheOtherValue) {
  for (const char* key : {"none", "absent"}) {
    EXPECT_FALSE(reader().find(key)) << key;
    EXPECT_TRUE(reader().boolean_or(key, true)) << key;
    EXPECT_EQ(reader().string_or(key, "y"), "y") << key;
    EXPECT_EQ(reader().positive_number_or(key, 2), 2) << key;
  }
  EXPECT_TRUE(reader().at("absent").is_absent());
  EXPECT_FALSE(reader().at("none").is_absent());
  EXPECT_TRUE(reader().at("none").is_null());
  EXPECT_FALSE(reader().boolean_or("flag", false) == false);
}

TEST(JsonReader, ErrorsNameThePathAndWhatIsThere) {
  EXPECT_EQ(refusal([](const auto& r) { r.at("name").integer(0, 9); }),
            "FILE: name: expected a whole number from 0 to 9, found \"x\"");
  EXPECT_EQ(refusal([](const auto& r) { r.at("count").integer(4, 9); }),
            "FILE: count: expected a whole number from 4 to 9, found 3");
  EXPECT_EQ(refusal([](const auto& r) { r.at("big").integer(0, INT64_MAX); }),
            "FILE: big: expected a whole number from 0 to 9223372036854775807, found 18446744073709551615");
  EXPECT_EQ(refusal([](const auto& r) { r.at("list").item(0).at("kind").boolean(); }),
            "FILE: list[0].kind: expected true or false, found \"round\"");
  EXPECT_EQ(refusal([](const auto& r) {
              r.at("list").item(1).at("kind").one_of({"round", "square"});
            }),
            "FILE: list[1].kind: expected one of round, square, found \"oval\"");
  EXPECT_EQ(refusal([](const auto& r) { r.at("list").item(2).at("kind"); }),
            "FILE: list[2]: expected an object, found 7");
  EXPECT_EQ(refusal([](const auto& r) { r.at("odd key").at("<s>").string(); }),
            "FILE: [\"odd key\"][\"<s>\"]: expected a string, found 1");
  EXPECT_EQ(refusal([](const auto& r) { r.fail("something else", "this"); }),
            "FILE: expected something else, found this");
}

TEST(JsonReader, AnAbsentValueIsRefusedWhereItIsRead) {
  EXPECT_EQ(refusal([](const auto& r) { r.at("list").item(0).at("size").number(); }),
            "FILE: list[0].size: expected a number, found no such key; it has \"kind\"");
  EXPECT_EQ(refusal([](const auto& r) { r.at("empty").at("a").at("b"); }),
            "FILE: empty.a: expected an object, found no such key; it has no field");
  EXPECT_EQ(refusal([](const auto& r) { r.at("absent").value(); }).substr(0, 49),
            "FILE: absent: expected a value, found no such key");
}

TEST(JsonReader, OnlyKnownKeysCanBeAllowed) {
  EXPECT_EQ(refusal([](const auto& r) { r.at("list").item(0).allow_only({"kind", "size"}); }), "accepted");
  EXPECT_EQ(refusal([](const auto& r) { r.at("list").item(0).allow_only({"size"}); }),
            "FILE: list[0].kind: expected no such key (it is not supported), found \"round\"");
}

TEST(JsonReader, VisitsEntriesAndItems) {
  std::vector<std::string> places;
  reader().at("odd key").for_each_entry(
      [&](const std::string& key, const JsonReader& value) { places.push_back(key + " " + value.place()); });
  reader().at("list").for_each_item([&](const JsonReader& item) { places.push_back(item.place()); });
  EXPECT_EQ(places, (std::vector<std::string>{"<s> FILE: [\"odd key\"][\"<s>\"]", "FILE: list[0]", "FILE: list[1]",
                                              "FILE: list[2]"}));
}

TEST(ShownJson, IsOneShortLine) {
  EXPECT_EQ(shown_json("a\nb"), "\"a\\nb\"");
  EXPECT_LE(shown_json(std::string(1000, 'x')).size(), 80u);
  EXPECT_EQ(shown_json(std::vector<int>(1000, 1)), "a list of 1000 values");
  EXPECT_EQ(shown_keys(Json::object()), "no field");
}

}  // namespace
}  // namespace rlhf
