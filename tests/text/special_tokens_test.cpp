// Against transformers: tests/golden/special_tokens/SOURCE.md.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "rlhf/core/log.h"
#include "rlhf/text/chat_template.h"
#include "rlhf/text/tokenizer.h"

#include "support/base64.h"
#include "support/file_bytes.h"
#include "support/source_dir.h"
#include "support/temporary_folder.h"
#include "text/tiny_tokenizer.h"

namespace rlhf {
namespace {

using testing::TemporaryFolder;

const Json& golden() {
  static const Json kGolden =
      Json::parse(testing::file_bytes(testing::source_dir() + "/golden/special_tokens/golden.json"));
  return kGolden;
}

// tokenizer.json's version has to come first.
void write_files(const Json& files, const TemporaryFolder& folder) {
  for (const auto& [name, value] : files.items()) folder.write(name, value.dump());
}

// Runs `action` and returns the warnings that it logs.
template <typename Action>
std::string warnings_of(const Action& action) {
  std::string lines;
  set_log_sink([&](LogLevel level, std::string_view line) {
    if (level == LogLevel::warning) lines.append(line).append("\n");
  });
  action();
  set_log_sink({});
  return lines;
}

Json id_or_null(const std::optional<std::int32_t>& id) { return id ? Json(*id) : Json(); }

TEST(SpecialTokens, EveryWayToNameThemGivesTheIdsOfTransformers) {
  ASSERT_GE(golden()["cases"].size(), 36u);
  for (const Json& one : golden()["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const TemporaryFolder folder;
    if (!one["files"].contains("tokenizer.json")) folder.write("tokenizer.json", golden()["tokenizer_json"].dump());
    write_files(one["files"], folder);
    const auto tokenizer = load_tokenizer(folder.path());
    EXPECT_EQ(tokenizer->vocab_size(), one["size"].get<std::int64_t>());
    for (const auto& [text, id] : one["added"].items()) EXPECT_EQ(tokenizer->piece(id), text);
    for (std::size_t i = 0; i < one["texts"].size(); ++i) {
      const auto text = one["texts"][i].get<std::string>();
      const TokenIds ids = tokenizer->encode(text, Bos::none).ids;
      EXPECT_EQ(ids, one["ids"][i].get<TokenIds>()) << text;
      EXPECT_EQ(tokenizer->decode(ids), one["decoded"][i].get<std::string>()) << text;
    }
    EXPECT_EQ(id_or_null(tokenizer->bos_id()), one["roles"]["bos_token"]);
    EXPECT_EQ(id_or_null(tokenizer->eos_id()), one["roles"]["eos_token"]);
    EXPECT_EQ(id_or_null(tokenizer->unknown_id()), one["roles"]["unk_token"]);
    EXPECT_EQ(id_or_null(tokenizer->pad_id()), one["roles"]["pad_token"]);
  }
}

// A template that prints every name that a case may have.
TEST(SpecialTokens, TemplatesGetThoseOfTheFilesThatTransformersReads) {
  for (const Json& one : golden()["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const TemporaryFolder folder;
    if (!one["files"].contains("tokenizer.json")) folder.write("tokenizer.json", golden()["tokenizer_json"].dump());
    write_files(one["files"], folder);
    const auto tokenizer = load_tokenizer(folder.path());
    Json roles = Json::object();
    if (const auto id = tokenizer->pad_id()) roles["pad_token"] = tokenizer->piece(*id);
    std::string source, expected;
    for (const std::string name :
         {"bos_token",  "eos_token", "unk_token",   "sep_token",   "pad_token",   "cls_token", "mask_token",
          "tool_token", "new_token", "video_token", "image_token", "audio_token", "no_token",  "x_token",
          "z_token",    "a",         "m",           "n",           "x",           "z"}) {
      source += name + "={{ " + name + " }};";
      expected += name + "=" + (one["template"].contains(name) ? one["template"][name].get<std::string>() : "") + ";";
    }
    folder.write("chat_template.jinja", source);
    EXPECT_EQ(find_chat_template(folder.path(), "default", roles)->render(Json::array()), expected);
  }
}

TEST(TokenizerClasses, TheFileIsFollowedAndOneLineSaysWhereAClassGivesOtherIds) {
  for (const Json& one : golden()["classes"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const TemporaryFolder folder;
    write_files(one["files"], folder);
    std::unique_ptr<Tokenizer> tokenizer;
    const std::string warnings = warnings_of([&] { tokenizer = load_tokenizer(folder.path()); });
    std::string examples;
    bool differs = false;
    for (std::size_t i = 0; i < one["texts"].size(); ++i) {
      const Json text = one["texts"][i];
      const Json ours = one["file_ids"][i], theirs = one["class_ids"][i];
      EXPECT_EQ(tokenizer->encode(text.get<std::string>(), Bos::none).ids, ours.get<TokenIds>()) << text;
      if (ours == theirs || differs) continue;
      differs = true;
      examples = "for example for " + text.dump(-1, ' ', true) + ": " + theirs.dump();
    }
    if (!differs) {
      EXPECT_EQ(warnings, "");
      continue;
    }
    EXPECT_NE(warnings.find("used as it is; transformers 5 has other rules for the class " +
                            std::string(one["files"]["tokenizer_config.json"]["tokenizer_class"]).substr(0, 5)),
              std::string::npos)
        << warnings;
    EXPECT_NE(warnings.find(examples.substr(0, 60)), std::string::npos) << warnings << examples;
    EXPECT_EQ(std::count(warnings.begin(), warnings.end(), '\n'), 1) << warnings;
    EXPECT_EQ(warnings_of([&] { load_tokenizer(folder.path()); }), "") << "once for each file";
  }
}

TEST(SentencePieceFolders, InternLm2NamesPiecesAnew) {
  const Json& one = golden()["internlm2"];
  const TemporaryFolder folder;
  write_files(one["files"], folder);
  folder.write("tokenizer.model", testing::from_base64(one["model"]));
  std::unique_ptr<Tokenizer> tokenizer;
  EXPECT_EQ(warnings_of([&] { tokenizer = load_tokenizer(folder.path()); }), "");
  EXPECT_EQ(tokenizer->piece(311), "<|im_end|>");
  EXPECT_EQ(tokenizer->vocab_size(), 313);
  for (std::size_t i = 0; i < one["texts"].size(); ++i) {
    const auto text = one["texts"][i].get<std::string>();
    const TokenIds ids = tokenizer->encode(text, Bos::none).ids;
    EXPECT_EQ(ids, one["ids"][i].get<TokenIds>()) << text;
    EXPECT_EQ(tokenizer->decode(ids), one["decoded"][i].get<std::string>()) << text;
  }
}

TEST(SentencePieceFolders, PythonCodeIsNotRun) {
  const TemporaryFolder folder;
  folder.write("tokenizer.model", testing::from_base64(golden()["internlm2"]["model"]));
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "ChatGLMTokenizer",
      "auto_map": {"AutoTokenizer": ["tokenization_chatglm.ChatGLMTokenizer", null]}})");
  const std::string message = testing::load_error(folder.path());
  EXPECT_NE(message.find("expected files that define the tokenizer, found ChatGLMTokenizer"), std::string::npos)
      << message;
  EXPECT_NE(message.find("; hint: use a version of the model with a tokenizer.json"), std::string::npos) << message;
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "BaichuanTokenizer",
      "auto_map": {"AutoTokenizer": ["tokenization_baichuan.BaichuanTokenizer", null]}})");
  const std::string warnings = warnings_of([&] { load_tokenizer(folder.path()); });
  EXPECT_NE(warnings.find("the Python code of BaichuanTokenizer is not run"), std::string::npos) << warnings;
}

}  // namespace
}  // namespace rlhf
