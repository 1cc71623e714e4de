// A list of structs as an option: read, refused, printed, shown by --help and in the schema.
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/config/describe.h"
#include "rlhf/config/read_config.h"
#include "rlhf/config/sft_config.h"
#include "rlhf/config/show_config.h"
#include "rlhf/core/error.h"

#include "config/temp_file.h"

namespace rlhf {
namespace {

using Lines = std::vector<std::string>;
using nlohmann::json;

enum class Shape { round, square };

struct Corner {
  double radius = 0.5;
  bool operator==(const Corner&) const = default;
};
constexpr auto describe(const Corner*) {
  return std::make_tuple(field<&Corner::radius>("radius of a corner", in_range(0, 1)));
}

struct Piece {
  std::string name;
  std::int64_t count = 1;
  Shape shape = Shape::round;
  std::optional<double> share;
  Corner corner;
  bool operator==(const Piece&) const = default;
};
constexpr auto describe(const Piece*) {
  using C = Piece;
  return std::make_tuple(field<&C::name>("name of the piece").short_form(),
                         field<&C::count>("how many", in_range(1, 9)), field<&C::shape>("its shape"),
                         field<&C::share>("its share", at_least(0)), field<&C::corner>("its corners"));
}

struct Bounds {
  std::int64_t low = 0;
  std::int64_t high = 9;
  bool operator==(const Bounds&) const = default;
};
constexpr auto describe(const Bounds*) {
  return std::make_tuple(field<&Bounds::low>("from"), field<&Bounds::high>("to"));
}

struct Puzzle {
  std::vector<Piece> pieces;
  std::vector<Bounds> bounds = {{1, 2}};
};
constexpr auto describe(const Puzzle*) {
  return std::make_tuple(field<&Puzzle::pieces>("the pieces").may_change(), field<&Puzzle::bounds>("allowed values"));
}

template <typename C = Puzzle>
Lines faults(const Lines& overrides, const std::string& file = "") {
  const TempFile yaml("puzzle.yaml", file);
  try {
    read_config<C>(file.empty() ? "" : yaml.path(), overrides);
  } catch (const ConfigError& error) {
    Lines lines = error.issues();
    for (std::string& line : lines)
      if (const auto at = line.find("puzzle.yaml"); at != std::string::npos) line = line.substr(at);
    return lines;
  }
  return {};
}

TEST(StructList, IsReadFromMapsAndFromTheShortForm) {
  const TempFile yaml(
      "puzzle.yaml",
      "pieces:\n  - edge\n  - name: middle\n    count: 3\n    shape: square\n    corner: {radius: 0.25}\n"
      "  - {name: last, share: 0.5}\nbounds: []\n");
  const auto puzzle = read_config<Puzzle>(yaml.path());
  EXPECT_EQ(puzzle.pieces, (std::vector<Piece>{{.name = "edge"},
                                               {.name = "middle", .count = 3, .shape = Shape::square, .corner = {0.25}},
                                               {.name = "last", .share = 0.5}}));
  EXPECT_TRUE(puzzle.bounds.empty());
}

TEST(StructList, IsReadFromTheCommandLineWhereALaterListReplacesAnEarlierOne) {
  const auto puzzle = read_config<Puzzle>("", {"pieces=[a, b]", "pieces=[{name: \"c d\", count: 2}]"});
  EXPECT_EQ(puzzle.pieces, (std::vector<Piece>{{.name = "c d", .count = 2}}));
  EXPECT_EQ(puzzle.bounds, (std::vector<Bounds>{{1, 2}})) << "the default";
  const auto json_file = TempFile("puzzle.json", R"({"pieces": ["a", {"name": "b", "shape": "square"}]})");
  EXPECT_EQ(read_config<Puzzle>(json_file.path()).pieces,
            (std::vector<Piece>{{.name = "a"}, {.name = "b", .shape = Shape::square}}));
}

TEST(StructList, OneItemNeedsNoBrackets) {
  const auto pieces = [](const std::string& value) { return read_config<Puzzle>("", {"pieces=" + value}).pieces; };
  EXPECT_EQ(pieces("a"), (std::vector<Piece>{{.name = "a"}}));
  EXPECT_EQ(pieces("{name: b, count: 2}"), (std::vector<Piece>{{.name = "b", .count = 2}}));
  const TempFile file("puzzle.yaml", "pieces: c\n");
  EXPECT_EQ(read_config<Puzzle>(file.path()).pieces, (std::vector<Piece>{{.name = "c"}}));
}

TEST(StructList, FaultsNameTheItemAndTheKey) {
  const std::string piece = "{name, count, shape, share, corner} or its name alone";
  EXPECT_EQ(faults({"pieces=[a, {name: b, count: 10}]"}),
            Lines{"command line: pieces[1].count: expected a whole number, from 1 to 9, found 10"});
  EXPECT_EQ(faults({"pieces=[{name: b, shape: squared, corner: {radius: 2}}]"}),
            (Lines{"command line: pieces[0].shape: expected one of round, square, found squared; did you mean "
                   "`square`?",
                   "command line: pieces[0].corner.radius: expected a number, from 0 to 1, found 2"}));
  EXPECT_EQ(faults({"pieces=[a, {count: 2}]"}), Lines{"command line: pieces[1].name: expected a text, found nothing"});
  EXPECT_EQ(faults({"pieces=[{name: a, cuont: 2}]"}),
            Lines{"command line: pieces[0].cuont: unknown key; did you mean `pieces[].count`?"});
  EXPECT_EQ(faults({"pieces=[[a]]"}), Lines{"command line: pieces[0]: expected " + piece + ", found a list of 1"});
  EXPECT_EQ(faults({"pieces={count: 2}"}), Lines{"command line: pieces.name: expected a text, found nothing"});
  EXPECT_EQ(faults({"bounds=[3]"}), Lines{"command line: bounds[0]: expected {low, high}, found 3"});
  EXPECT_EQ(faults({"bounds=[{}]"}), Lines{}) << "without a short form no member is required";
  EXPECT_EQ(faults({}, "pieces:\n  - a\n  - name: b\n    count: none\n    count: 2\n"),
            (Lines{"puzzle.yaml:4: pieces[1].count: expected a whole number, from 1 to 9, found none",
                   "puzzle.yaml:5: pieces[1].count: given twice, first on line 4"}));
}

TEST(StructList, IsPrintedSoThatItReadsBack) {
  Puzzle puzzle;
  puzzle.pieces = {{.name = "plain"}, {.name = "a: b", .count = 2, .share = 0.5}};
  const std::string yaml = to_yaml(puzzle);
  EXPECT_EQ(yaml,
            "pieces: [plain, {name: \"a: b\", count: 2, shape: round, share: 0.5, corner: {radius: 0.5}}]\n"
            "bounds: [{low: 1, high: 2}]\n");
  const TempFile file("effective.yaml", yaml);
  EXPECT_EQ(read_config<Puzzle>(file.path()).pieces, puzzle.pieces);
  EXPECT_EQ(flat_values(puzzle).at("bounds"), "[{low: 1, high: 2}]");
  EXPECT_FALSE(fixed_values(puzzle).contains("pieces"));
}

TEST(StructList, HelpHasARowForEveryKeyOfAnItem) {
  const std::string help = keys_help<Puzzle>(KeyStyle::dotted);
  const auto expect_row = [&](const std::string& start) {
    EXPECT_NE(help.find("\n  " + start), std::string::npos) << start << "\nin\n" << help;
  };
  expect_row("pieces                  -                    list          the pieces");
  expect_row("pieces[].count          1                    from 1 to 9   how many\n");
  expect_row("pieces[].shape          round                round|square  its shape\n");
  expect_row("bounds                  [{low: 1, high: 2}]  list          allowed values");
}

TEST(StructList, SchemaAllowsAnItemOrItsShortForm) {
  const json schema = json::parse(json_schema<Puzzle>("puzzle"));
  const json& pieces = schema["properties"]["pieces"];
  ASSERT_EQ(pieces["anyOf"].size(), 3u) << "an item, its short form, a list of items";
  EXPECT_EQ(pieces["anyOf"][0]["type"], "string");
  EXPECT_EQ(pieces["anyOf"][2]["type"], "array");
  const json& forms = pieces["anyOf"][2]["items"]["anyOf"];
  EXPECT_EQ(forms[0]["type"], "string");
  EXPECT_EQ(forms[1]["required"], json::parse(R"(["name"])"));
  EXPECT_EQ(forms[1]["properties"]["count"]["maximum"], 9);
  EXPECT_EQ(forms[1]["properties"]["corner"]["additionalProperties"], false);
  const json& bounds = schema["properties"]["bounds"];
  EXPECT_EQ(bounds["items"]["type"], "object");
  EXPECT_EQ(bounds["default"], json::parse(R"([{"low": 1, "high": 2}])"));
}

TEST(StructList, IsWhatTheFilesOfATrainingAre) {
  const auto of_train = [](const std::string& value) {
    return faults<SftConfig>({"model.path=m", "train.output=r", "data.train=" + value});
  };
  const std::string start = "command line: data.train", weight = ": expected a number, above 0, at most 1000, found ";
  EXPECT_EQ(of_train("[a, b, {path: c, weight: 0}]"), Lines{start + "[2].weight" + weight + "0"});
  EXPECT_EQ(of_train("[{path: a, weight: 1001}]"), Lines{start + "[0].weight" + weight + "1001"});
  EXPECT_EQ(of_train("[{path: a, weight: many}]"), Lines{start + "[0].weight" + weight + "many"});
  EXPECT_EQ(of_train("[{path: a}]"), Lines{});
  EXPECT_EQ(of_train("[{path: a, wieght: 2}]"),
            Lines{start + "[0].wieght: unknown key; did you mean `data.train[].weight`?"});
  EXPECT_EQ(of_train("[{path: [a]}]"), Lines{start + "[0].path: expected a text, found a list of 1"});
  EXPECT_EQ(of_train("[{weight: 2}]"), Lines{start + "[0].path: expected a text, found nothing"});
  EXPECT_EQ(of_train("[[a]]"), Lines{start + "[0]: expected {path, weight} or its path alone, found a list of 1"});
  EXPECT_EQ(of_train("a"), Lines{});
  EXPECT_EQ(of_train("{path: a, weight: 0}"), Lines{start + ".weight" + weight + "0"});
  EXPECT_EQ(of_train(""),
            Lines{start + ": expected a list, each item {path, weight} or its path alone, found nothing"});
  EXPECT_EQ(of_train("[\"\"]"), Lines{start + ": expected paths or globs, found an empty text in the list"});
}

}  // namespace
}  // namespace rlhf
