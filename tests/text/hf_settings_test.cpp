#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/error.h"
#include "rlhf/text/tokenizer.h"

#include "support/file_bytes.h"
#include "support/source_dir.h"
#include "support/temporary_folder.h"
#include "text/tiny_tokenizer.h"

namespace rlhf {
namespace {

using nlohmann::json;
using testing::file_bytes;
using testing::load_error;
using testing::TemporaryFolder;
using testing::tiny_tokenizer;
using testing::write_tokenizer;

TEST(HfSettings, RolesAreStringsOrObjectsAndResolvedInTheVocabulary) {
  const TemporaryFolder folder;
  write_tokenizer(folder, tiny_tokenizer());
  EXPECT_EQ(load_tokenizer(folder.path())->bos_id(), std::nullopt);
  folder.write("tokenizer_config.json", R"({"bos_token": "<s>", "eos_token": {"content": "<x>", "lstrip": false},
                                           "unk_token": "<unk>", "pad_token": null})");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->bos_id(), 0);
  EXPECT_EQ(tokenizer->eos_id(), 8);
  EXPECT_EQ(tokenizer->unknown_id(), 1);
  EXPECT_EQ(tokenizer->pad_id(), std::nullopt);
  EXPECT_EQ(tokenizer->decode({6, 1}), "ab") << "a piece with a role is special";
}

// GPT-2's tokenizer_config.json names no EOS; transformers has it from the class, config.json of the model says it too.
TEST(HfSettings, EosIsTheModelsWhereTheTokenizerNamesNone) {
  const TemporaryFolder folder;
  write_tokenizer(folder, tiny_tokenizer());
  folder.write("tokenizer_config.json", R"({"model_max_length": 1024})");
  const auto eos = [&](const std::string& config) {
    folder.write("config.json", config);
    return load_tokenizer(folder.path())->eos_id();
  };
  EXPECT_EQ(eos(R"({"eos_token_id": 8})"), 8);
  EXPECT_EQ(eos(R"({"eos_token_id": [7, 8]})"), 7);
  for (const char* none : {R"({})", R"({"eos_token_id": null})", R"({"eos_token_id": []})", R"({"eos_token_id": "8"})",
                           R"({"eos_token_id": 99})", R"({"eos_token_id": -1})", R"({"eos_token_id": 1e30})"})
    EXPECT_EQ(eos(none), std::nullopt) << none;
  folder.write("tokenizer_config.json", R"({"eos_token": "<s>"})");
  EXPECT_EQ(eos(R"({"eos_token_id": 8})"), 0) << "the tokenizer's own word counts";
  folder.write("tokenizer_config.json", R"({"eos_token": null})");
  EXPECT_EQ(eos(R"({"eos_token_id": 8})"), std::nullopt);
}

TEST(HfSettings, SpecialTokensBeyondTheModelAreRefusedInTexts) {
  const TemporaryFolder folder;
  nlohmann::json document = tiny_tokenizer();
  document["added_tokens"][1]["special"] = true;
  write_tokenizer(folder, document);
  const auto tokenizer = load_tokenizer(folder.path(), 8);  // <x> has the id 8
  EXPECT_EQ(tokenizer->vocab_size(), 8);
  EXPECT_EQ(tokenizer->encode("ab").ids, load_tokenizer(folder.path())->encode("ab").ids);
  try {
    tokenizer->encode("ab<x>");
    FAIL() << "accepted";
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(), "expected tokens of the model's vocabulary (ids below 8), found \"<x>\" (id 8)");
  }
  EXPECT_EQ(load_tokenizer(folder.path(), 9)->encode("<x>").ids.back(), 8);
  nlohmann::json in_front = document;  // of every text
  in_front["post_processor"]["single"][0]["SpecialToken"]["id"] = "<x>";
  in_front["post_processor"]["special_tokens"] = {{"<x>", {{"id", "<x>"}, {"ids", {8}}, {"tokens", {"<x>"}}}}};
  const TemporaryFolder other;
  write_tokenizer(other, in_front);
  EXPECT_THROW(load_tokenizer(other.path(), 8), ModelError);
  EXPECT_EQ(load_tokenizer(other.path(), 9)->encode("").ids, TokenIds{8});
  EXPECT_THROW(load_tokenizer(folder.path(), 7), ModelError) << "the piece 1 has the id 7, and is no special token";
}

TEST(HfSettings, TheMapOfSpecialTokensCountsOnlyWithoutAnAddedTokensDecoder) {
  const TemporaryFolder folder;
  write_tokenizer(folder, tiny_tokenizer());
  folder.write("special_tokens_map.json", R"({"eos_token": "<x>"})");
  EXPECT_EQ(load_tokenizer(folder.path())->eos_id(), 8);
  folder.write("tokenizer_config.json", R"({"eos_token": "<s>"})");
  EXPECT_EQ(load_tokenizer(folder.path())->eos_id(), 8);
  folder.write("tokenizer_config.json", R"({"eos_token": "<s>", "added_tokens_decoder": {}})");
  EXPECT_EQ(load_tokenizer(folder.path())->eos_id(), 0);
}

TEST(HfSettings, WithTokenizerJsonItsPostProcessorAloneSaysWhetherBosIsAdded) {
  const TemporaryFolder folder;
  write_tokenizer(folder, tiny_tokenizer());
  folder.write("tokenizer_config.json", R"({"bos_token": "<s>", "add_bos_token": false})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("ab").ids, (TokenIds{0, 6}));
  json document = tiny_tokenizer();
  document["post_processor"] = nullptr;
  write_tokenizer(folder, document);
  folder.write("tokenizer_config.json", R"({"bos_token": "<s>", "add_bos_token": true})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("ab").ids, TokenIds{6});
}

TEST(HfSettings, TokensOfTheConfigAreAddedBehindTheVocabulary) {
  const TemporaryFolder folder;
  write_tokenizer(folder, tiny_tokenizer());
  folder.write("tokenizer_config.json", R"({"pad_token": "<pad>", "extra_special_tokens": ["<t>"],
    "added_tokens_decoder": {"9": {"content": "<tool>", "lstrip": true, "special": false, "normalized": false}}})");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->vocab_size(), 12);
  EXPECT_EQ(tokenizer->pad_id(), 10);
  EXPECT_EQ(tokenizer->encode("ab <tool><t>", Bos::none).ids, (TokenIds{6, 9, 11}));
  EXPECT_EQ(tokenizer->decode({6, 9, 10, 11}), "ab<tool>");
}

TEST(HfSettings, WhatDoesNotFitTheVocabularyIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"added_tokens_decoder": {"11": {"content": "<t>"}}})", "added token \"<t>\": expected the id 9, found 11"},
      {R"({"added_tokens_decoder": {"3": {"content": "<x>"}}})", "added token \"<x>\": expected the id 8, found 3"},
      {R"({"added_tokens_decoder": {"nine": {"content": "<t>"}}})", "expected ids from 0 to"},
      {R"({"added_tokens_decoder": {"-1": {"content": "<t>"}}})", "expected ids from 0 to"},
      {R"({"added_tokens_decoder": {"99999999999": {"content": "<t>"}}})", "expected ids from 0 to"},
      {R"({"added_tokens_decoder": []})", "added_tokens_decoder: expected an object"},
      {R"({"added_tokens_decoder": {"9": "<t>"}})", "expected an object, found \"<t>\""},
      {R"({"bos_token": 1})", "bos_token: expected an object, found 1"},
      {R"({"bos_token": {"text": "<s>"}})", "bos_token.text: expected no such key"},
      {R"({"extra_special_tokens": 5})", "extra_special_tokens: expected a list, found 5"},
      {R"({"additional_special_tokens": [5]})", "additional_special_tokens[0]: expected an object"},
      {R"({"split_special_tokens": true})", "split_special_tokens: expected false"},
      {R"({"tokenizer_class": 3})", "tokenizer_class: expected a string"},
      {R"({"add_bos_token": "yes"})", "add_bos_token: expected true or false, found \"yes\""},
      {R"([])", "expected a JSON object, found []"},
      {R"({"bos_token": tru)", "byte 18: expected JSON, found broken JSON"},
  };
  const TemporaryFolder folder;
  write_tokenizer(folder, tiny_tokenizer());
  for (const auto& [config, expected] : cases) {
    folder.write("tokenizer_config.json", config);
    const std::string message = load_error(folder.path());
    EXPECT_NE(message.find(expected), std::string::npos) << config << "\n" << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

// GPT-2's files with three letters: "Ġ" is the space.
void write_gpt2(const TemporaryFolder& folder) {
  folder.write("vocab.json", R"({"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġab": 4, "<|endoftext|>": 5})");
  folder.write("merges.txt", "#version: 0.2\na b\nĠ ab\n");
}

TEST(HfSettings, VocabularyAndMergesAreReadByGpt2sRules) {
  const TemporaryFolder folder;
  write_gpt2(folder);
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode("ab ab<|endoftext|>").ids, (TokenIds{3, 4, 5}));
  EXPECT_EQ(tokenizer->decode({3, 4, 5}), "ab ab");
  EXPECT_EQ(tokenizer->bos_id(), 5);
  EXPECT_EQ(tokenizer->eos_id(), 5);
  EXPECT_EQ(load_tokenizer(folder / "merges.txt")->encode("ab").ids, TokenIds{3});
  folder.write("tokenizer_config.json",
               R"({"add_bos_token": true, "add_prefix_space": true, "bos_token": "<|endoftext|>"})");
  EXPECT_EQ(load_tokenizer(folder.path())->encode("ab").ids, (TokenIds{5, 4}));
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "Qwen2Tokenizer"})");
  EXPECT_NE(load_error(folder.path()).find("expected a GPT2Tokenizer for vocab.json and merges.txt, found \"Qwen2"),
            std::string::npos);
}

TEST(HfSettings, BrokenMergesAreRefused) {
  const TemporaryFolder folder;
  write_gpt2(folder);
  for (const char* merges : {"a\n", "a b c\n", "a z\n", "\n", "\xFF b\n", "a b\n\n"}) {
    folder.write("merges.txt", merges);
    EXPECT_NE(load_error(folder.path()).find("model.merges["), std::string::npos) << merges;
  }
  write_gpt2(folder);
  folder.write("vocab.json", "{}");
  EXPECT_NE(load_error(folder.path()).find("model.vocab: expected at least one piece"), std::string::npos);
}

TEST(HfSettings, TokenizerJsonGoesBeforeTheOtherFilesAndAllAreListed) {
  const TemporaryFolder folder;
  write_gpt2(folder);
  write_tokenizer(folder, tiny_tokenizer());
  folder.write("chat_template.jinja", "");
  folder.write("additional_chat_templates/rag.jinja", "");
  folder.write("config.json", "{}");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode("ab").ids, (TokenIds{0, 6}));
  const std::vector<std::filesystem::path> expected = {folder / "tokenizer.json", folder / "vocab.json",
                                                       folder / "merges.txt", folder / "chat_template.jinja",
                                                       folder / "additional_chat_templates/rag.jinja"};
  EXPECT_EQ(tokenizer->files(), expected);
}

TEST(HfSettings, TransformersReadsTheFolderAlike) {
  const char* python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "set RLHF_TEST_PYTHON to a Python that has transformers";
  const TemporaryFolder folder;
  write_tokenizer(folder, tiny_tokenizer());
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>",
    "eos_token": "<eos>", "pad_token": "<x>", "extra_special_tokens": {"tool_token": "<t>", "new_token": "<n>"}, "image_token": "<i>", "add_bos_token": false, "add_eos_token": true,
    "added_tokens_decoder": {"9": {"content": "<tool>", "lstrip": true, "rstrip": false, "single_word": false,
                                   "special": false, "normalized": false}}})");
  const std::vector<std::string> texts = {"ab ab",      "",        " ab <tool> a", "<eos><t>ab<x>",
                                          "<n><i> <t>", "a<s>\nb", "zz 11 ab1"};
  folder.write("texts.json", json(texts).dump());
  const std::string out = folder / "out.json", script = testing::source_dir() + "/text/print_ids.py";
  const std::string command = std::string(python) + " " + script + " " + folder.path().string() + " " +
                              (folder / "texts.json").string() + " > " + out;
  ASSERT_EQ(std::system(command.c_str()), 0);
  const json theirs = json::parse(file_bytes(out));
  const auto tokenizer = load_tokenizer(folder.path());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const TokenIds ids = tokenizer->encode(texts[i]).ids;
    EXPECT_EQ(ids, theirs[i]["ids"].get<TokenIds>()) << texts[i];
    EXPECT_EQ(tokenizer->decode(ids), theirs[i]["decoded"].get<std::string>()) << texts[i];
  }
}

// A SentencePiece model of 262 pieces: <unk>, <s>, </s>, 256 bytes, three of text.
void write_sentencepiece(const TemporaryFolder& folder) {
  TokenizerTraining settings;
  settings.vocab_size = 262;
  train_tokenizer({"ab ab ab"}, settings, folder.path());
}

TEST(HfSettings, TokensBesideASentencePieceModelAreFoundInTheText) {
  const TemporaryFolder folder;
  write_sentencepiece(folder);
  const auto plain = load_tokenizer(folder.path())->encode("ab").ids;
  folder.write("added_tokens.json", R"({"<tool>": 262, "<pad>": 263})");
  folder.write("tokenizer_config.json", R"({"pad_token": "<pad>", "add_bos_token": true})");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->vocab_size(), 264);
  EXPECT_EQ(tokenizer->pad_id(), 263);
  const Encoding encoding = tokenizer->encode("<tool>ab<pad>");
  ASSERT_EQ(encoding.ids.size(), plain.size() + 2);
  EXPECT_EQ(encoding.ids[1], 262);
  EXPECT_EQ(encoding.ids.back(), 263);
  EXPECT_EQ(encoding.ends[1], 6);
  EXPECT_EQ(encoding.ends.back(), 13);
  EXPECT_EQ(tokenizer->decode(encoding.ids), "<tool>ab");
  EXPECT_EQ(tokenizer->piece(262), "<tool>");
  folder.write("added_tokens.json", R"({"<tool>": 300})");
  EXPECT_NE(load_error(folder.path()).find("expected the id 262, found 300"), std::string::npos);
}

TEST(HfSettings, ControlPiecesAreReadWhereTheTextBringsItsOwn) {
  const TemporaryFolder folder;
  write_sentencepiece(folder);
  const auto tokenizer = load_tokenizer(folder.path());
  const TokenIds with = tokenizer->encode("<s>ab</s>", Bos::none).ids;
  EXPECT_EQ(with.front(), 1);
  EXPECT_EQ(with.back(), 2);
  TokenIds ab = tokenizer->encode("ab").ids;
  ab.push_back(2);
  EXPECT_EQ(with, ab);
  EXPECT_GT(tokenizer->encode("<s>").ids.size(), 2u) << "three characters of text";
}

}  // namespace
}  // namespace rlhf
