// The token that ends a turn, for templates of known formats.
#include "rlhf/text/end_of_turn.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/temporary_folder.h"
#include "tiny_tokenizer.h"

namespace rlhf {
namespace {

/// A tokenizer with the marks of several formats, and one of a single character for the rest of a text.
class Marks {
 public:
  Marks() {
    std::vector<std::string> lines;
    for (const char* line : {"The answer is twenty four", "Hello user assistant system Answer", "<turn></turn>;"})
      lines.push_back(line);
    train_tokenizer(lines, {.vocab_size = 300}, folder_.path());
    std::int64_t id = 300;
    nlohmann::json added, special = nlohmann::json::array();
    for (const char* mark :
         {"<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<end_of_turn>",
          "<start_of_turn>", "<|end|>", "<|user|>", "<|assistant|>", "<|endoftext|>", "<|begin_of_text|>"}) {
      added[mark] = id++;
      special.push_back(mark);
    }
    folder_.write("added_tokens.json", added.dump());
    folder_.write("special_tokens_map.json", nlohmann::json{{"additional_special_tokens", special}}.dump());
    tokenizer_ = load_tokenizer(folder_.path());
  }
  const Tokenizer& get() const { return *tokenizer_; }
  std::string end_of(const ChatTemplate& chat_template) const {
    const EndOfTurn end = find_end_of_turn(chat_template, get());
    return end.id ? get().piece(*end.id) : "text: " + end.text;
  }
  std::string end_of(const std::string& source) const { return end_of(ChatTemplate(source, Json::object(), "test")); }

 private:
  testing::TemporaryFolder folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

// The EOS ids that the models of these formats name in their generation_config.json.
TEST(EndOfTurn, IsWhatTheModelsOfAFormatStopAt) {
  const Marks marks;
  const Json eos = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  for (const auto& [name, expected] : std::vector<std::pair<std::string, std::string>>{{"chatml", "<|im_end|>"},
                                                                                       {"llama3", "<|eot_id|>"},
                                                                                       {"gemma", "<end_of_turn>"},
                                                                                       {"phi3", "<|end|>"},
                                                                                       {"zephyr", "</s>"},
                                                                                       {"llama2", "</s>"},
                                                                                       {"mistral", "</s>"},
                                                                                       {"vicuna", "</s>"},
                                                                                       {"alpaca", "</s>"}})
    EXPECT_EQ(marks.end_of(named_chat_template(name, eos)), expected) << name;
}

TEST(EndOfTurn, IsTheFirstSpecialTokenAfterTheAnswer) {
  const Marks marks;
  const std::string turns = "{% for m in messages %}<turn>{{ m.content }}";
  EXPECT_EQ(marks.end_of(turns + "<|im_end|>\n<|endoftext|>{% endfor %}"), "<|im_end|>");
  EXPECT_EQ(marks.end_of(turns + "</turn>{% endfor %}<|endoftext|>"), "<|endoftext|>");
  EXPECT_EQ(marks.end_of(turns + "\n</turn>\n{% endfor %}"), "text: </turn>");
  EXPECT_EQ(marks.end_of(turns + "|\u00a7{% endfor %}"), "text: |\u00a7") << "pieces of single bytes are no marks";
  EXPECT_EQ(marks.end_of(turns + "\n{% endfor %}"), "text: ");
  EXPECT_EQ(marks.end_of(turns + " <|end|>{% endfor %}"), "<|end|>") << "a space is no special token";
}

TEST(EndOfTurn, IsNotTheUnknownToken) {
  const testing::TemporaryFolder folder;
  nlohmann::json tokenizer = testing::tiny_tokenizer();  // it knows few characters
  tokenizer["added_tokens"].insert(tokenizer["added_tokens"].begin() + 1,
                                   nlohmann::json::object({{"id", 1}, {"content", "<unk>"}, {"special", true}}));
  testing::write_tokenizer(folder, tokenizer);
  folder.write("tokenizer_config.json", R"({"unk_token": "<unk>"})");
  const ChatTemplate plain("{% for m in messages %}{{ m.content }}§{% endfor %}", Json::object(), "test");
  EXPECT_FALSE(find_end_of_turn(plain, *load_tokenizer(folder.path())).id);
}

TEST(EndOfTurn, IsFoundWhereATemplateRequiresASystemMessageOrParts) {
  const Marks marks;
  EXPECT_EQ(marks.end_of("{% if messages[0].role != 'system' %}{{ raise_exception('no system message') }}{% endif %}"
                         "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}"),
            "<|im_end|>");
  EXPECT_EQ(marks.end_of("{% for m in messages %}{% if m.content is not string %}{% for part in m.content %}"
                         "{{ part.text }}{% endfor %}<|end|>{% endif %}{% endfor %}"),
            "<|end|>");
  EXPECT_EQ(marks.end_of("{{ raise_exception('never') }}"), "text: ");
  EXPECT_EQ(marks.end_of("no answer<|end|>"), "text: ");
}

}  // namespace
}  // namespace rlhf
