#include <filesystem>
#include <iterator>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

#include "support/temporary_folder.h"
#include "text/tiny_tokenizer.h"

namespace rlhf {
namespace {

using nlohmann::json;
using testing::load_error;
using testing::TemporaryFolder;
using testing::tiny_tokenizer;
using testing::write_tokenizer;

struct BadValue {
  const char* place;        // JSON pointer into the tiny tokenizer
  const char* replacement;  // JSON; "" removes the value
  const char* expected;     // stands in the error: the path of the key, or what was found
};

constexpr BadValue kBadValues[] = {
    // The file as a whole.
    {"/version", "\"2.0\"", "version: expected 1.0, found \"2.0\""},
    {"/version", "1", "version: expected a string"},
    {"/truncation", "[]", "truncation: expected an object"},
    {"/truncation", "true", "truncation: expected an object"},
    {"/padding", "3", "padding: expected an object"},
    {"/something", "1", "something: expected no such key"},
    {"/model", "", "model: expected an object, found no such key"},
    {"/model", "null", "model: expected an object"},
    {"/model", "[]", "model: expected an object"},
    {"/model", "\"BPE\"", "model: expected an object"},
    // Added tokens.
    {"/added_tokens", "{}", "added_tokens: expected a list"},
    {"/added_tokens", "7", "added_tokens: expected a list"},
    {"/added_tokens/0", "[]", "added_tokens[0]: expected an object"},
    {"/added_tokens/0", "\"<s>\"", "added_tokens[0]: expected an object"},
    {"/added_tokens/0/content", "", "added_tokens[0].content: expected a string, found no such key"},
    {"/added_tokens/0/content", "1", "added_tokens[0].content: expected a string"},
    {"/added_tokens/0/content", "null", "added_tokens[0].content: expected a string"},
    {"/added_tokens/0/id", "", "added_tokens[0].id: expected a whole number from 0 to 4194303, found no such key"},
    {"/added_tokens/0/id", "\"0\"", "added_tokens[0].id: expected a whole number"},
    {"/added_tokens/0/id", "-1", "added_tokens[0].id: expected a whole number"},
    {"/added_tokens/0/id", "0.5", "added_tokens[0].id: expected a whole number"},
    {"/added_tokens/0/id", "1", "added_tokens[0].id: expected 0"},
    {"/added_tokens/1/id", "9", "added_tokens[1].id: expected 8"},
    {"/added_tokens/1/id", "2147483648", "added_tokens[1].id: expected a whole number"},
    {"/added_tokens/1/id", "18446744073709551615", "added_tokens[1].id: expected a whole number"},
    {"/added_tokens/1/id", "1e300", "added_tokens[1].id: expected a whole number"},
    {"/added_tokens/1/lstrip", "1", "added_tokens[1].lstrip: expected true or false"},
    {"/added_tokens/1/rstrip", "\"yes\"", "added_tokens[1].rstrip: expected true or false"},
    {"/added_tokens/1/single_word", "[]", "added_tokens[1].single_word: expected true or false"},
    {"/added_tokens/1/normalized", "{}", "added_tokens[1].normalized: expected true or false"},
    {"/added_tokens/1/special", "0", "added_tokens[1].special: expected true or false"},
    // Normalizers.
    {"/normalizer", "[]", "normalizer: expected an object"},
    {"/normalizer", "\"NFC\"", "normalizer: expected an object"},
    {"/normalizer", "{}", "normalizer.type: expected a string, found no such key"},
    {"/normalizer", "{\"type\": 1}", "normalizer.type: expected a string"},
    {"/normalizer", "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"\"}", "found \"Precompiled\""},
    {"/normalizer", "{\"type\": \"BertNormalizer\"}", "found \"BertNormalizer\""},
    {"/normalizer", "{\"type\": \"StripAccents\"}", "found \"StripAccents\""},
    {"/normalizer", "{\"type\": \"Sequence\"}", "normalizer.normalizers: expected a list, found no such key"},
    {"/normalizer", "{\"type\": \"Sequence\", \"normalizers\": {}}", "normalizer.normalizers: expected a list"},
    {"/normalizer/normalizers/0", "null", "normalizer.normalizers[0]: expected an object"},
    {"/normalizer/normalizers/0/prepend", "",
     "normalizer.normalizers[0].prepend: expected a string, found no such key"},
    {"/normalizer/normalizers/0/prepend", "[]", "normalizer.normalizers[0].prepend: expected a string"},
    {"/normalizer/normalizers/1/pattern", "\" \"", "normalizer.normalizers[1].pattern: expected an object"},
    {"/normalizer/normalizers/1/pattern", "{}", "expected one of the keys"},
    {"/normalizer/normalizers/1/pattern", "{\"String\": \"a\", \"Regex\": \"a\"}", "expected one of the keys"},
    {"/normalizer/normalizers/1/pattern", "{\"String\": \"\"}", "pattern.String: expected a pattern that is not"},
    {"/normalizer/normalizers/1/pattern", "{\"Glob\": \"*\"}", "pattern.Glob: expected no such key"},
    {"/normalizer/normalizers/1/content", "null", "normalizer.normalizers[1].content: expected a string"},
    {"/normalizer", "{\"type\": \"Strip\", \"strip_left\": true}",
     "normalizer.strip_right: expected true or false, found no such key"},
    {"/normalizer", "{\"type\": \"Strip\", \"strip_left\": 1, \"strip_right\": 1}",
     "strip_left: expected true or false"},
    // Pre-tokenizers and their patterns.
    {"/pre_tokenizer", "{\"type\": \"BertPreTokenizer\"}", "pre_tokenizer.type: expected a supported pre-tokenizer"},
    {"/pre_tokenizer", "{\"type\": \"UnicodeScripts\"}", "found \"UnicodeScripts\""},
    {"/pre_tokenizer", "{\"type\": \"ByteLevel\"}",
     "pre_tokenizer.add_prefix_space: expected true or false, found no such key"},
    {"/pre_tokenizer", "{\"type\": \"ByteLevel\", \"add_prefix_space\": 1}",
     "add_prefix_space: expected true or false"},
    {"/pre_tokenizer/pretokenizers", "1", "pre_tokenizer.pretokenizers: expected a list"},
    {"/pre_tokenizer/pretokenizers/0/behavior", "\"Glued\"", "behavior: expected Removed, Isolated"},
    {"/pre_tokenizer/pretokenizers/0/behavior", "2", "behavior: expected a string"},
    {"/pre_tokenizer/pretokenizers/0/invert", "\"no\"", "invert: expected true or false"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"(\"", "found missing closing parenthesis"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"a**b(\"", ".Regex: expected a supported regular expression"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"[b-a]\"", ".Regex: expected a supported regular expression"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"[a\"", ".Regex: expected a supported regular expression"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"\\\\\"", "\"\\\", which is not supported"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"\\\\p{Nonsense}\"", "expected a supported regular expression"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"\\\\p{L\"", "which is not supported"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"[a&&b]\"", "\"&&\", which is not supported"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"[a[b]]\"", "\"[b\", which is not supported"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"(?<n>a)\\\\k<n>\"", "which is not supported"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"(?R)\"", "which is not supported"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"(*COMMIT)\"", "\"(*\", which is not supported"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"a{1,3}+\"", "\"{1,3}+\", which is not supported"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"a\\\\bb\"", "\"\\b\", which is not supported"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "\"((((a{999}){999}){999}){999})\"",
     "expected a supported regular expression"},
    {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "5", ".Regex: expected a string"},
    {"/pre_tokenizer/pretokenizers/1/individual_digits", "\"x\"", "individual_digits: expected true or false"},
    {"/pre_tokenizer/pretokenizers/2/replacement", "\"ab\"", "replacement: expected one character"},
    {"/pre_tokenizer/pretokenizers/2/replacement", "\"\"", "replacement: expected one character"},
    {"/pre_tokenizer/pretokenizers/2/prepend_scheme", "\"often\"", "prepend_scheme: expected always, first or never"},
    {"/pre_tokenizer", "{\"type\": \"Metaspace\", \"replacement\": \"_\", \"add_prefix_space\": false}",
     "add_prefix_space: expected true, or false together with prepend_scheme never"},
    // What stands in front.
    {"/post_processor", "{\"type\": \"BertProcessing\"}", "post_processor.type: expected a supported post-processor"},
    {"/post_processor", "{\"type\": \"RobertaProcessing\"}", "found \"RobertaProcessing\""},
    {"/post_processor/single", "\"$A\"", "post_processor.single: expected a list"},
    {"/post_processor/single", "[]", "post_processor.single: expected a Sequence item for the text"},
    {"/post_processor/single/0", "{\"Token\": 1}", "single[0].Token: expected no such key"},
    {"/post_processor/single/1/Sequence/id", "\"B\"", "expected the text, once"},
    {"/post_processor/single/0", "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}", "expected the text, once"},
    {"/post_processor/single/0/SpecialToken/id", "\"<t>\"", "id: expected a key of special_tokens"},
    {"/post_processor/special_tokens/<s>/ids", "[1.5]", "ids[0]: expected a whole number"},
    {"/post_processor/special_tokens/<s>/ids", "[77]", "expected ids of tokens, found 77"},
    {"/post_processor/special_tokens/<s>/ids", "[-1]", "ids[0]: expected a whole number"},
    {"/post_processor/single/2", "{\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}}",
     "no tokens after the text except"},
    // Decoders.
    {"/decoder", "{\"type\": \"WordPiece\"}", "decoder.type: expected a supported decoder"},
    {"/decoder", "{\"type\": \"CTC\"}", "found \"CTC\""},
    {"/decoder", "{\"type\": \"BPEDecoder\", \"suffix\": \"\"}", "found \"BPEDecoder\""},
    {"/decoder/decoders", "null", "decoder.decoders: expected a list"},
    {"/decoder/decoders/3/start", "-1", "start: expected a whole number"},
    {"/decoder/decoders/3/stop", "\"1\"", "stop: expected a whole number"},
    {"/decoder/decoders/3/content", "\"\"", "content: expected one character"},
    // Models.
    {"/model/type", "\"WordPiece\"", "model.type: expected a supported model (BPE, Unigram), found \"WordPiece\""},
    {"/model/type", "\"WordLevel\"", "found \"WordLevel\""},
    {"/model/type", "3", "model.type: expected a string"},
    {"/model/vocab", "", "model.vocab: expected an object, found no such key"},
    {"/model/vocab", "{}", "model.vocab: expected at least one piece"},
    {"/model/vocab", "[]", "model.vocab: expected an object"},
    {"/model/vocab/a", "3", "expected a unique id, found 3"},
    {"/model/vocab/a", "-2", "model.vocab.a: expected a whole number"},
    {"/model/vocab/a", "2.0", "model.vocab.a: expected a whole number"},
    {"/model/vocab/a", "\"2\"", "model.vocab.a: expected a whole number"},
    {"/model/vocab/a", "null", "model.vocab.a: expected a whole number"},
    {"/model/vocab/a", "4194304", "model.vocab.a: expected a whole number from 0 to 4194303"},
    {"/model/vocab/a", "2147483648", "model.vocab.a: expected a whole number"},
    {"/model/vocab/a", "9223372036854775808", "model.vocab.a: expected a whole number"},
    {"/model/vocab/1", "8", "expected a unique id for every token"},
    {"/model/merges", "", "model.merges: expected a list, found no such key"},
    {"/model/merges", "{}", "model.merges: expected a list"},
    {"/model/merges/0", "\"a\"", "model.merges[0]: expected two pieces"},
    {"/model/merges/0", "\"a b a\"", "model.merges[0]: expected two pieces"},
    {"/model/merges/0", "[\"a\"]", "model.merges[0]: expected two pieces"},
    {"/model/merges/0", "[\"a\", 1]", "model.merges[0]: expected two pieces"},
    {"/model/merges/0", "7", "model.merges[0]: expected two pieces"},
    {"/model/merges/0", "\"a q\"", "model.merges[0]: expected pieces of the vocabulary, found \"q\""},
    {"/model/merges/0", "\"b a\"", "model.merges[0]: expected pieces of the vocabulary, found \"ba\""},
    {"/model/merges/1", "[\"\\n\", \"a\"]", "found \"\\n\", which is not in it"},
    {"/model/dropout", "0.1", "model.dropout: expected 0"},
    {"/model/dropout", "\"0\"", "model.dropout: expected a number"},
    {"/model/continuing_subword_prefix", "\"##\"", "model.continuing_subword_prefix: expected an empty string"},
    {"/model/end_of_word_suffix", "\"</w>\"", "model.end_of_word_suffix: expected an empty string"},
    {"/model/unk_token", "1", "model.unk_token: expected a string"},
    {"/model/fuse_unk", "1", "model.fuse_unk: expected true or false"},
    {"/model/byte_fallback", "\"true\"", "model.byte_fallback: expected true or false"},
    {"/model/ignore_merges", "[]", "model.ignore_merges: expected true or false"},
    {"/model", "{\"type\": \"Unigram\", \"vocab\": []}", "model.vocab: expected from 1 to"},
    {"/model", "{\"type\": \"Unigram\", \"vocab\": {\"a\": 0}}", "model.vocab: expected a list"},
    {"/model", "{\"type\": \"Unigram\", \"vocab\": [\"a\"]}", "model.vocab[0]: expected a list"},
    {"/model", "{\"type\": \"Unigram\", \"vocab\": [[\"a\"]]}", "model.vocab[0]: expected a piece and its score"},
    {"/model", "{\"type\": \"Unigram\", \"vocab\": [[1, 1]]}", "model.vocab[0][0]: expected a string"},
    {"/model", "{\"type\": \"Unigram\", \"vocab\": [[\"a\", \"b\"]]}", "model.vocab[0][1]: expected a number"},
    {"/model", "{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0]], \"unk_id\": 1}",
     "model.unk_id: expected a whole number"},
    {"/model", "{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0]], \"unk_id\": -1}",
     "model.unk_id: expected a whole number"},
    {"/model", "{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0]], \"byte_fallback\": 1}",
     "byte_fallback: expected true or"},
};

json changed(const BadValue& bad) {
  json document = tiny_tokenizer();
  const json::json_pointer place(bad.place);
  if (*bad.replacement == '\0') {
    document[place.parent_pointer()].erase(place.back());
  } else {
    document[place] = json::parse(bad.replacement);
  }
  return document;
}

TEST(HfBadFiles, AWrongValueIsAModelErrorThatNamesItsKey) {
  const TemporaryFolder folder;
  write_tokenizer(folder, tiny_tokenizer());
  ASSERT_EQ(load_error(folder.path()), "accepted") << "the cases below must differ from a good file by one value";
  static_assert(std::size(kBadValues) >= 100);
  for (const BadValue& bad : kBadValues) {
    write_tokenizer(folder, changed(bad));
    const std::string message = load_error(folder.path());
    EXPECT_NE(message.find(bad.expected), std::string::npos) << bad.place << " " << bad.replacement << "\n" << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_LT(message.size(), folder.path().string().size() + 400) << message;
  }
}

TEST(HfBadFiles, WhatIsNoJsonObjectIsAModelError) {
  const TemporaryFolder folder;
  const std::string good = tiny_tokenizer().dump();
  const std::pair<std::string, const char*> cases[] = {
      {"", "byte 1: expected JSON, found broken JSON"},
      {"[]", "expected a JSON object, found []"},
      {"null", "expected a JSON object, found null"},
      {good.substr(0, good.size() - 1), ": expected JSON, found broken JSON"},
      {good + "}", ": expected JSON, found broken JSON"},
      {"{\"model\": 1e999}", "expected a number that a double holds, found \"1e999\""},
      {"{\"model\": \"\xFF\"}", "byte 12: expected UTF-8, found 0xFF"},
      {"{\"model\": \"\xED\xA0\x80\"}", "byte 12: expected UTF-8, found 0xED"},
      {"{\"model\": \"\\ud800\"}", "byte 18: expected JSON, found broken JSON"},
      {std::string(10'000, '['), "expected at most 64 levels of nesting, found more"},
      {"{\"a\":" + std::string(10'000, '[') + std::string(10'000, ']') + "}",
       "expected at most 64 levels of nesting, found more"},
      {std::string(1'000'000, '{'), "byte 2: expected JSON, found broken JSON"},
      {"\"" + std::string(1'000, '['), "byte 1002: expected JSON, found broken JSON"},
      {std::string("{\0}", 3), "byte 2: expected text without NUL, found NUL"},
      {"{\"model\": {}, \"model\": {}}", "expected unique keys, found \"model\" twice"},
  };
  for (const auto& [text, expected] : cases) {
    folder.write("tokenizer.json", text);
    const std::string message = load_error(folder.path());
    EXPECT_NE(message.find(expected), std::string::npos) << text.substr(0, 40) << "\n" << message;
  }
}

TEST(HfBadFiles, AFileCutAnywhereIsAModelError) {
  const TemporaryFolder folder;
  const std::string good = tiny_tokenizer().dump();
  for (std::size_t length = 0; length < good.size(); length += 7) {
    folder.write("tokenizer.json", good.substr(0, length));
    EXPECT_NE(load_error(folder.path()), "accepted") << length;
  }
}

TEST(HfBadFiles, AFileWithChangedBytesIsReadOrRefused) {
  const TemporaryFolder folder;
  const std::string good = tiny_tokenizer().dump();
  std::mt19937 random(7);
  const std::string signs = "\"[]{}:,0129-.eatrufsn\\ \n\xC3\x7F";
  int read = 0, refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = good;
    for (int changes = 1 + static_cast<int>(random() % 3); changes > 0; --changes)
      bytes[random() % bytes.size()] = signs[random() % signs.size()];
    folder.write("tokenizer.json", bytes);
    try {
      const auto tokenizer = load_tokenizer(folder.path());
      tokenizer->decode(tokenizer->encode("<s> ab1 \n<x>ab \xFF").ids);
      ++read;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(read, 0);
  EXPECT_GT(refused, 0);
}

TEST(HfBadFiles, APatternThatBacktracksWithoutEndIsADataErrorAndNoOtherIds) {
  const TemporaryFolder folder;
  json document = tiny_tokenizer();
  document["pre_tokenizer"] =
      json::parse(R"({"type": "Split", "pattern": {"Regex": "(?:a+)+$"}, "behavior": "Isolated", "invert": false})");
  write_tokenizer(folder, document);
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode("aa").ids, (TokenIds{0, 4, 2, 2}));
  EXPECT_THROW(tokenizer->encode(std::string(200, 'a') + "b"), DataError);
}

TEST(HfBadFiles, RulesThatLetATextGrowWithoutMeasureAreADataError) {
  const TemporaryFolder folder;
  json document = tiny_tokenizer();
  document["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(4096, 'b')}};
  write_tokenizer(folder, document);
  EXPECT_THROW(load_tokenizer(folder.path())->encode(std::string(4096, 'a')), DataError);
}

TEST(HfBadFiles, AnUnknownPieceThatIsMissingIsAnErrorWhereItIsNeeded) {
  const TemporaryFolder folder;
  json document = tiny_tokenizer();
  document["model"]["unk_token"] = "<nothing>";
  write_tokenizer(folder, document);
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode("ab").ids, (TokenIds{0, 6}));
  EXPECT_THROW(tokenizer->encode("z"), ModelError);
  document["model"] = json::parse(R"({"type": "Unigram", "vocab": [["<s>", 0], ["a", 0], ["_", 0]]})");
  document["added_tokens"].erase(1);
  write_tokenizer(folder, document);
  EXPECT_THROW(load_tokenizer(folder.path())->encode("z"), ModelError);
}

}  // namespace
}  // namespace rlhf
