#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

#include "support/file_bytes.h"
#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::file_bytes;
using testing::TemporaryFolder;

// A folder with a working tokenizer of 262 pieces: 3 special ones, 256 bytes, 3 of text.
void make_tokenizer(const std::filesystem::path& folder) {
  TokenizerTraining settings;
  settings.vocab_size = 262;
  train_tokenizer({"ab ab ab"}, settings, folder);
}

std::string model_error(const std::filesystem::path& path) {
  try {
    load_tokenizer(path);
  } catch (const ModelError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::model);
    return error.what();
  }
  return "accepted";
}

TEST(LoadTokenizer, FolderAndFileGiveTheSame) {
  const TemporaryFolder folder;
  make_tokenizer(folder.path());
  const auto ids = load_tokenizer(folder.path())->encode("ab ba").ids;
  EXPECT_EQ(load_tokenizer(folder / "tokenizer.model")->encode("ab ba").ids, ids);
  std::filesystem::copy_file(folder / "tokenizer.model", folder / "other.model");
  EXPECT_EQ(load_tokenizer(folder / "other.model")->encode("ab ba").ids, ids);
}

TEST(LoadTokenizer, AddBosTokenOfTheFolderIsHonoured) {
  const TemporaryFolder folder;
  make_tokenizer(folder.path());
  const auto with = load_tokenizer(folder.path())->encode("ab").ids;
  EXPECT_EQ(with.front(), 1);
  folder.write("tokenizer_config.json", R"({"add_bos_token": false})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("ab").ids, TokenIds(with.begin() + 1, with.end()));
  EXPECT_EQ(load_tokenizer(folder / "tokenizer.model")->encode("").ids, TokenIds{});
  folder.write("tokenizer_config.json", "{}");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("ab").ids, with);
  std::filesystem::remove(folder / "tokenizer_config.json");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("ab").ids, with);
}

TEST(LoadTokenizer, FilesAreThoseToCopy) {
  const TemporaryFolder folder;
  make_tokenizer(folder.path());
  folder.write("special_tokens_map.json", "{}");
  folder.write("config.json", "{}");
  const std::vector<std::filesystem::path> expected = {folder / "tokenizer.model", folder / "tokenizer_config.json",
                                                       folder / "special_tokens_map.json"};
  EXPECT_EQ(load_tokenizer(folder.path())->files(), expected);
}

TEST(LoadTokenizer, IdsOutsideTheVocabularyHaveNoPieceAndDecodeAsReplacementCharacters) {
  const TemporaryFolder folder;
  make_tokenizer(folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->decode({1, 2}), "");
  for (const std::int32_t id : {-1, 262, 1 << 30}) EXPECT_THROW(tokenizer->piece(id), ModelError) << id;
  // A model may pad its vocabulary, so its sampler may draw an id that stands for nothing.
  for (const std::int32_t id : {262, 1 << 30}) EXPECT_EQ(tokenizer->decode({1, id, 2}), "\uFFFD") << id;
  EXPECT_THROW(tokenizer->decode({1, -1}), ModelError);
}

TEST(CompareTokenizers, ComparesTokensAndNotRows) {
  const TemporaryFolder folder;
  make_tokenizer(folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(first_difference(*tokenizer, *load_tokenizer(folder.path(), 576)), std::nullopt);
  EXPECT_EQ(ids_without_token(*tokenizer, 265), (TokenIds{262, 263, 264}));
  EXPECT_EQ(ids_without_token(*tokenizer, 262), TokenIds{});
  folder.write("added_tokens.json", R"({"<pad>": 262})");
  const auto more = load_tokenizer(folder.path());
  EXPECT_EQ(first_difference(*tokenizer, *more), std::nullopt) << "the other one may have more tokens";
  EXPECT_EQ(first_difference(*more, *tokenizer), 262);
  const TemporaryFolder other;
  TokenizerTraining settings;
  settings.vocab_size = 262;
  train_tokenizer({"cd cd cd"}, settings, other.path());
  EXPECT_EQ(first_difference(*tokenizer, *load_tokenizer(other.path())), 259)
      << "after three control pieces and 256 bytes";
}

TEST(LoadTokenizer, OtherKindsAreRefusedByName) {
  const TemporaryFolder folder;
  folder.write("a/vocab.txt", "");
  folder.write("b/tekken.json", "{}");
  folder.write("c/vocab.json", "{}");
  EXPECT_EQ(model_error(folder / "a"), "reading tokenizer " + (folder / "a").string() +
                                           ": expected tokenizer.json, tokenizer.model, or vocab.json and merges.txt, "
                                           "found a WordPiece vocabulary (vocab.txt), which is not supported");
  EXPECT_NE(model_error(folder / "a/vocab.txt").find("found a WordPiece vocabulary"), std::string::npos);
  EXPECT_NE(model_error(folder / "b").find("found a tekken vocabulary"), std::string::npos);
  EXPECT_NE(model_error(folder / "c").find("found none of them"), std::string::npos);
}

TEST(LoadTokenizer, WhatIsMissingOrBrokenIsAModelErrorInOneLine) {
  const TemporaryFolder folder;
  make_tokenizer(folder / "good");
  const std::string model = file_bytes(folder / "good/tokenizer.model");
  folder.write("empty/tokenizer.model", "");
  folder.write("text/tokenizer.model", "this is no protobuf\n");
  folder.write("cut/tokenizer.model", model.substr(0, model.size() / 2));
  folder.write("nothing/readme.txt", "");
  folder.write("broken/tokenizer.model", model);
  folder.write("broken/tokenizer_config.json", "{\"add_bos_token\": tru");
  folder.write("typed/tokenizer.model", model);
  folder.write("typed/tokenizer_config.json", "{\"add_bos_token\": \"yes\"}");
  const std::pair<const char*, const char*> cases[] = {
      {"absent", "found no such file or folder"},
      {"nothing", "found none of them"},
      {"empty", "found 0 bytes of something else"},
      {"text", "found 20 bytes of something else"},
      {"cut", "bytes of something else"},
      {"broken", "tokenizer_config.json: byte 22: expected JSON, found broken JSON"},
      {"typed", "add_bos_token: expected true or false, found \"yes\""},
  };
  for (const auto& [name, part] : cases) {
    ::testing::internal::CaptureStderr();
    const std::string message = model_error(folder / name);
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << "the library underneath must not write to stderr";
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace rlhf
