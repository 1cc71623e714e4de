#include <string>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/text/chat_template.h"

#include "support/temporary_folder.h"

namespace rlhf {
namespace {

using testing::TemporaryFolder;

const Json kHi = {{{"role", "user"}, {"content", "hi"}}};

std::string text_of(const TemporaryFolder& folder, const std::string& name = "default") {
  const auto found = find_chat_template(folder.path(), name);
  return found ? found->render(kHi) : "nothing";
}

template <class Failure>
std::string failure(const TemporaryFolder& folder, const std::string& name = "default") {
  try {
    find_chat_template(folder.path(), name);
  } catch (const Failure& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ChatFolder, WithoutTemplateGivesNothing) {
  const TemporaryFolder folder;
  EXPECT_FALSE(find_chat_template(folder.path()).has_value());
  folder.write("tokenizer_config.json", R"({"chat_template": null, "bos_token": "<s>"})");
  EXPECT_FALSE(find_chat_template(folder.path()).has_value());
}

TEST(ChatFolder, FilesComeBeforeTheConfig) {
  const TemporaryFolder folder;
  folder.write("tokenizer_config.json", R"({"chat_template": "config", "bos_token": "<s>"})");
  EXPECT_EQ(text_of(folder), "config");
  folder.write("chat_template.jinja", "{{ bos_token }}file");
  folder.write("additional_chat_templates/tool_use.jinja", "tools {{ messages[0].content }}");
  EXPECT_EQ(text_of(folder), "<s>file");
  EXPECT_EQ(text_of(folder, "tool_use"), "tools hi");
}

TEST(ChatFolder, ConfigMayHoldSeveralByName) {
  const TemporaryFolder folder;
  folder.write("tokenizer_config.json",
               R"({"chat_template": [{"name": "default", "template": "d"}, {"name": "rag", "template": "r"}]})");
  EXPECT_EQ(text_of(folder), "d");
  EXPECT_EQ(text_of(folder, "rag"), "r");
}

TEST(ChatFolder, TheMapOfSpecialTokensGoesBeforeTheConfigUnlessThatHasADecoder) {
  const TemporaryFolder folder;
  folder.write("chat_template.jinja",
               "{{ bos_token }}{{ eos_token }}{{ pad_token }}{{ image_token }}{{ add_bos_token }}");
  folder.write("tokenizer_config.json", R"({"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>",
      "pad_token": null, "add_bos_token": true, "extra_special_tokens": {"image_token": "<img>"}})");
  folder.write("special_tokens_map.json", R"({"eos_token": "other", "pad_token": {"content": "<pad>"}})");
  EXPECT_EQ(text_of(folder), "<s>other<pad><img>");
  folder.write("tokenizer_config.json", R"({"bos_token": "<s>", "eos_token": "</s>", "added_tokens_decoder": {}})");
  EXPECT_EQ(text_of(folder), "<s></s>");
}

TEST(ChatFolder, RolesThatNoFileNamesAreTheTokenizers) {
  const TemporaryFolder folder;
  folder.write("chat_template.jinja", "{{ bos_token }}{{ eos_token }}");
  folder.write("tokenizer_config.json", R"({"bos_token": "<s>"})");
  const Json roles = {{"bos_token", "not this"}, {"eos_token", "</s>"}};
  EXPECT_EQ(find_chat_template(folder.path(), "default", roles)->render(kHi), "<s></s>");
}

TEST(ChatFolder, AnotherNameIsAModelErrorThatListsThem) {
  const TemporaryFolder folder;
  folder.write("additional_chat_templates/b.jinja", "");
  folder.write("additional_chat_templates/a.jinja", "");
  EXPECT_NE(failure<ModelError>(folder).find("expected one named 'default', found a, b"), std::string::npos);
}

TEST(ChatFolder, BrokenFilesAreModelErrors) {
  const TemporaryFolder folder;
  folder.write("tokenizer_config.json", "{");
  EXPECT_NE(failure<ModelError>(folder).find("byte 2: expected JSON"), std::string::npos);
  folder.write("tokenizer_config.json", "{\"a\": " + std::string(100000, '[') + std::string(100000, ']') + "}");
  EXPECT_NE(failure<ModelError>(folder).find("at most 64 levels"), std::string::npos);
  folder.write("tokenizer_config.json", R"({"chat_template": 5})");
  EXPECT_NE(failure<ModelError>(folder).find("chat_template: expected a text, or a list"), std::string::npos);
  folder.write("tokenizer_config.json", R"({"chat_template": "{% if %}"})");
  EXPECT_NE(failure<ModelError>(folder).find("tokenizer_config.json:1:7: expected an expression, found %}"),
            std::string::npos)
      << failure<ModelError>(folder);
}

TEST(NamedChatTemplates, AnotherNameIsAConfigErrorThatListsThem) {
  try {
    named_chat_template("chatlm", {});
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("alpaca, chatml, gemma, llama2, llama3, mistral, phi3, vicuna, zephyr"),
              std::string::npos);
  }
}

TEST(NamedChatTemplates, GivenTokensReplaceTheFormatsOwn) {
  const Json messages = {{{"role", "user"}, {"content", "a"}}, {{"role", "assistant"}, {"content", "b"}}};
  EXPECT_EQ(named_chat_template("llama2", {}).render(messages), "<s>[INST] a [/INST] b </s>");
  EXPECT_EQ(named_chat_template("llama2", {{"bos_token", "<bos>"}, {"eos_token", "<eos>"}}).render(messages),
            "<bos>[INST] a [/INST] b <eos>");
}

}  // namespace
}  // namespace rlhf
