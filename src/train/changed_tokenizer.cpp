// The tokenizer of a run where it differs from the files of the model: added tokens, roles, chat template.
#include "changed_tokenizer.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/log.h"
#include "rlhf/text/end_of_turn.h"
#include "rlhf/text/tokenizer_changes.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;

TokenizerTexts texts_of(const SideFiles& files) {
  TokenizerTexts texts;
  for (const SideFile& file : files) texts[file.name] = file.content;
  return texts;
}

SideFiles side_files_of(const TokenizerTexts& texts) {
  SideFiles files;
  for (const auto& [name, content] : texts) files.push_back({name, content});
  return files;
}

/// A new folder in the folder for temporary files; it is removed when the last pointer goes.
std::shared_ptr<const fs::path> make_temporary_folder() {
  std::string pattern = (fs::temp_directory_path() / "rlhf-tokenizer-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw OutputError("creating a temporary folder for the tokenizer: cannot create " + pattern);
  const auto remove = [](const fs::path* folder) {
    std::error_code ignored;
    fs::remove_all(*folder, ignored);
    delete folder;
  };
  return {new fs::path(pattern), remove};
}

void log_new_tokens(const std::vector<NewToken>& tokens, const ModelFolder& folder, std::int64_t rows_before) {
  if (tokens.empty()) return;
  std::string line = "added to the tokenizer:";
  for (const NewToken& token : tokens) line += " " + token.content + " (id " + std::to_string(token.id) + ")";
  if (folder.shape.vocab_size > rows_before && rows_before > 0)
    line += "; the embedding grows from " + std::to_string(rows_before) + " to " +
            std::to_string(folder.shape.vocab_size) + " rows";
  log_info(line);
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

}  // namespace

std::string load_changed_tokenizer(const ModelOptions& model, const std::string& path, Setup& setup) {
  const auto original = load_tokenizer(path);
  TokenizerTexts texts = texts_of(read_side_files(original->files()));
  const auto tokens = new_tokens(*original, model.add_tokens, "model.add_tokens");
  const auto is_eos = [&](const NewToken& token) { return token.content == model.eos_token; };
  if (!model.eos_token.empty() && std::none_of(tokens.begin(), tokens.end(), is_eos))
    find_token(*original, model.eos_token, "model.eos_token");
  add_tokens(texts, tokens);
  if (!model.eos_token.empty()) set_token_role(texts, "eos_token", model.eos_token);

  const auto folder = make_temporary_folder();
  write_side_files(side_files_of(texts), *folder);
  // The kind of model and its EOS can decide what the files of a tokenizer mean.
  if (fs::exists(fs::path(path) / "config.json"))
    write_file_atomically(*folder / "config.json", read_file(fs::path(path) / "config.json", ExitCode::model));
  setup.tokenizer_folder = folder;
  const std::int64_t rows = setup.folder.shape.vocab_size;
  std::int64_t needed = rows;
  for (const NewToken& token : tokens) needed = std::max<std::int64_t>(needed, token.id + 1);
  setup.tokenizer = model.init ? load_tokenizer(*folder) : load_tokenizer(*folder, needed);
  if (!model.init) grow_vocabulary(setup.folder, needed);
  log_new_tokens(tokens, setup.folder, rows);
  return folder->string();
}

SideFiles saved_tokenizer_files(const SideFiles& files, const std::string& chat_template,
                                const std::string& pad_token) {
  if (chat_template.empty() && pad_token.empty()) return files;
  TokenizerTexts texts = texts_of(files);
  if (!chat_template.empty()) set_chat_template(texts, chat_template);
  if (!pad_token.empty()) set_token_role(texts, "pad_token", pad_token);
  return side_files_of(texts);
}

std::int32_t padding_id(const Tokenizer& tokenizer, const TokenIds& stop_ids) {
  const auto ends_texts = [&](std::int32_t id) {
    return std::find(stop_ids.begin(), stop_ids.end(), id) != stop_ids.end();
  };
  if (const auto id = tokenizer.pad_id(); id && !ends_texts(*id)) return *id;
  std::vector<std::int32_t> special;
  auto last = static_cast<std::int32_t>(tokenizer.vocab_size() - 1);
  for (std::int32_t id = 0; id <= last; ++id)
    if (!ends_texts(id) && is_special(tokenizer, id)) special.push_back(id);
  const auto named = [&](const char* word) -> std::optional<std::int32_t> {
    for (const std::int32_t id : special)
      if (lower(tokenizer.piece(id)).find(word) != std::string::npos) return id;
    return std::nullopt;
  };
  const auto any = special.empty() ? std::nullopt : std::optional(special.back());
  for (const auto id :
       {named("pad"), tokenizer.unknown_id(), named("reserved"), named("unused"), tokenizer.bos_id(), any})
    if (id && !ends_texts(*id)) return *id;
  // A pad token is found in texts by its name, so an entry is taken that is not written like its text ("Ġthe").
  for (std::int32_t id = last; id >= 0; --id)
    if (!ends_texts(id) && tokenizer.piece(id) != tokenizer.decode({id})) return id;
  while (last > 0 && ends_texts(last)) --last;
  return last;
}

}  // namespace rlhf
