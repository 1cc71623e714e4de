// Changed files of a tokenizer, read again by this library and by transformers.
#include "rlhf/text/tokenizer_changes.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"

#include "support/source_dir.h"
#include "support/temporary_folder.h"
#include "tiny_tokenizer.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::TemporaryFolder;

TokenizerTexts read_texts(const fs::path& folder) {
  TokenizerTexts texts;
  for (const fs::path& file : load_tokenizer(folder)->files())
    texts[file.filename().string()] = read_file(file, ExitCode::model);
  return texts;
}
void write_texts(const TokenizerTexts& texts, const TemporaryFolder& folder) {
  for (const auto& [name, content] : texts) folder.write(name, content);
}

/// Kinds of tokenizer folders.
struct Kind {
  const char* name;
  void (*make)(const TemporaryFolder&);
};
void make_tokenizer_json(const TemporaryFolder& folder) { testing::write_tokenizer(folder, testing::tiny_tokenizer()); }
void make_with_decoder(const TemporaryFolder& folder) {
  make_tokenizer_json(folder);
  folder.write("tokenizer_config.json",
               R"({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<x>", "added_tokens_decoder": {
                   "0": {"content": "<s>", "special": true}, "8": {"content": "<x>", "special": false}}})");
}
void make_with_map(const TemporaryFolder& folder) {
  make_tokenizer_json(folder);
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "PreTrainedTokenizerFast"})");
  folder.write("special_tokens_map.json", R"({"eos_token": {"content": "<x>", "lstrip": false}})");
}
void make_sentencepiece(const TemporaryFolder& folder) {
  train_tokenizer({"The answer is twenty four", "Hello user assistant system Answer", "<turn></turn>;ab1"},
                  {.vocab_size = 300}, folder.path());
}
constexpr Kind kKinds[] = {{"tokenizer.json", make_tokenizer_json},
                           {"added_tokens_decoder", make_with_decoder},
                           {"special_tokens_map.json", make_with_map},
                           {"tokenizer.model", make_sentencepiece}};

const std::vector<std::string> kNew = {"<|end|>", "<|start|>"};

TEST(TokenizerChanges, NewTokensGetTheNextIdsAndAreReadBack) {
  for (const Kind& kind : kKinds) {
    const TemporaryFolder before, after;
    kind.make(before);
    const auto original = load_tokenizer(before.path());
    const auto tokens = new_tokens(*original, {kNew[0], "<s>", kNew[1], kNew[0]}, "model.add_tokens");
    ASSERT_EQ(tokens.size(), 2U) << kind.name;
    TokenizerTexts texts = read_texts(before.path());
    add_tokens(texts, tokens);
    set_token_role(texts, "eos_token", kNew[0]);
    set_token_role(texts, "pad_token", "<s>");
    write_texts(texts, after);
    const auto changed = load_tokenizer(after.path());
    const auto first = static_cast<std::int32_t>(original->vocab_size());
    EXPECT_EQ(changed->vocab_size(), first + 2) << kind.name;
    EXPECT_EQ(changed->eos_id(), first) << kind.name;
    EXPECT_EQ(changed->pad_id(), original->encode("<s>", Bos::none).ids.front()) << kind.name;
    EXPECT_EQ(changed->bos_id(), original->bos_id()) << kind.name;
    EXPECT_EQ(changed->encode("<|start|><|end|>", Bos::none).ids, (TokenIds{first + 1, first})) << kind.name;
    EXPECT_EQ(changed->decode({first, first + 1}), "") << kind.name << ": they are special";
    EXPECT_EQ(changed->encode("ab1", Bos::none).ids, original->encode("ab1", Bos::none).ids) << kind.name;
    EXPECT_TRUE(new_tokens(*changed, kNew, "model.add_tokens").empty()) << kind.name << ": they are there now";
  }
}

TEST(TokenizerChanges, AgreeWithTransformers) {
  const char* python = std::getenv("RLHF_TEST_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "set RLHF_TEST_PYTHON to a Python that has transformers";
  for (const Kind& kind : kKinds) {
    const TemporaryFolder before, after;
    kind.make(before);
    const auto original = load_tokenizer(before.path());
    TokenizerTexts texts = read_texts(before.path());
    add_tokens(texts, new_tokens(*original, kNew, "model.add_tokens"));
    set_token_role(texts, "eos_token", kNew[0]);
    set_token_role(texts, "pad_token", "<s>");
    write_texts(texts, after);
    for (const TemporaryFolder* folder : {&before, &after}) folder->write("config.json", R"({"model_type": "llama"})");
    const std::string out = (after / "out.json").string();
    const std::string command = std::string(python) + " " + testing::source_dir() + "/text/print_changed.py " +
                                before.path().string() + " " + after.path().string() + " > " + out;
    ASSERT_EQ(std::system(command.c_str()), 0) << kind.name;
    const auto theirs = nlohmann::json::parse(std::ifstream(out));
    EXPECT_EQ(theirs.at("saved"), theirs.at("added")) << kind.name;
    const auto changed = load_tokenizer(after.path());
    EXPECT_EQ(theirs.at("saved").at("ids"), changed->encode("ab<|start|>1<|end|>", Bos::none).ids) << kind.name;
    EXPECT_EQ(theirs.at("saved").at("eos"), changed->eos_id().value_or(-1)) << kind.name;
    EXPECT_EQ(theirs.at("saved").at("pad"), changed->pad_id().value_or(-1)) << kind.name;
    EXPECT_EQ(theirs.at("saved").at("text"), "") << kind.name;
  }
}

TEST(TokenizerChanges, WithoutSuchATokenOrATextAreRefused) {
  const TemporaryFolder folder;
  make_tokenizer_json(folder);
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(find_token(*tokenizer, "<x>", "model.eos_token"), 8);
  try {
    find_token(*tokenizer, "<|imend|>", "model.eos_token");
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "model.eos_token: expected a token of the tokenizer, found \"<|imend|>\"; hint: add it with "
                 "model.add_tokens");
  }
  EXPECT_THROW(new_tokens(*tokenizer, {" "}, "model.add_tokens"), ConfigError);
  TokenizerTexts broken = {{"special_tokens_map.json", "[]"}};
  EXPECT_THROW(set_token_role(broken, "pad_token", "<s>"), ModelError);
}

// transformers reads a file before the key, whatever the key has.
TEST(TokenizerChanges, MoveTemplatesIntoFiles) {
  TokenizerTexts files = {{"tokenizer_config.json", R"({"chat_template": "old", "bos_token": "<s>"})"}};
  set_chat_template(files, "new");
  EXPECT_EQ(files.at("chat_template.jinja"), "new");
  EXPECT_EQ(ordered_json::parse(files.at("tokenizer_config.json")), (ordered_json{{"bos_token", "<s>"}}));

  files = {{"tokenizer_config.json",
            R"({"chat_template": [{"name": "default", "template": "old"}, {"name": "tool_use", "template": "tools"},
                                  {"name": "../out", "template": "bad"}]})"}};
  set_chat_template(files, "new");
  EXPECT_EQ(files.at("chat_template.jinja"), "new");
  EXPECT_EQ(files.at("additional_chat_templates/tool_use.jinja"), "tools");
  EXPECT_EQ(files.size(), 3U);
}

}  // namespace
}  // namespace rlhf
