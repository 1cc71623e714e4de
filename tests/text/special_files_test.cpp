// Files of a tokenizer that are no regular files, or endless ones: each is refused in one line, without waiting.
#include "support/special_files.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "rlhf/text/chat_template.h"

#include "tiny_tokenizer.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

/// Puts each special file in the place of `name` in a good folder and returns how often `read` refused it with an
/// error of models that names the file.
template <typename Read>
int refusals(const std::string& name, const Read& read) {
  int refused = 0;
  const testing::TemporaryFolder specials;
  for (const testing::SpecialFile& special : testing::make_special_files(specials.path())) {
    const testing::TemporaryFolder folder;
    const nlohmann::json tokenizer = testing::tiny_tokenizer();
    if (name == "tokenizer.json" || name == "tokenizer_config.json" || name == "special_tokens_map.json" ||
        name == "chat_template.jinja")
      testing::write_tokenizer(folder, tokenizer);
    if (name == "vocab.json") folder.write("merges.txt", "a b\n");
    if (name == "merges.txt") folder.write("vocab.json", "{\"a\": 0, \"b\": 1, \"ab\": 2, \"<|endoftext|>\": 3}");
    fs::remove(folder / name);
    fs::create_symlink(special.path, folder / name);
    try {
      read(folder.path());
      // A dangling link is a file that is not there.
      refused += special.name == "dangling link" || special.name == "link to itself";
    } catch (const Error& error) {
      const std::string text = error.what();
      const bool named =
          text.find(name) != std::string::npos || special.name == "dangling link" || special.name == "link to itself";
      EXPECT_EQ(error.exit_code(), ExitCode::model) << text;
      EXPECT_TRUE(named) << special.name << ": " << text;
      refused += named;
    }
  }
  return refused;
}

TEST(SpecialFiles, OfTokenizersAreRefused) {
  const int kinds = [] {
    const testing::TemporaryFolder folder;
    return static_cast<int>(testing::make_special_files(folder.path()).size());
  }();
  for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "tokenizer_config.json"})
    EXPECT_EQ(refusals(name, [](const fs::path& folder) { load_tokenizer(folder); }), kinds) << name;
  for (const char* name : {"chat_template.jinja", "special_tokens_map.json", "tokenizer_config.json"})
    EXPECT_EQ(refusals(name,
                       [&](const fs::path& folder) {
                         if (std::string(name) != "chat_template.jinja") {
                           const testing::TemporaryFolder other;
                           const auto file = other.write("x", "{{ messages }}");
                           fs::copy_file(file, folder / "chat_template.jinja");
                         }
                         find_chat_template(folder, "default", nlohmann::ordered_json::object());
                       }),
              kinds)
        << name;
}

}  // namespace
}  // namespace rlhf
