// Reads the model of a tokenizer, BPE or Unigram.
#include "text/hf/word_model.h"

#include <algorithm>

#include "text/hf/byte_pair_model.h"
#include "text/hf/unigram_model.h"

namespace rlhf::hf {

std::vector<std::int32_t> Vocabulary::byte_ids() const {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::vector<std::int32_t> ids;
  for (unsigned byte = 0; byte < 256; ++byte)
    ids.push_back(find(std::string("<0x") + kDigits[byte >> 4] + kDigits[byte & 15] + '>').value_or(-1));
  return ids;
}

bool append_bytes(std::string_view text, const std::vector<std::int32_t>& byte_ids, std::vector<WordToken>& tokens) {
  const auto id_of = [&](char byte) { return byte_ids[static_cast<unsigned char>(byte)]; };
  if (byte_ids.empty() || std::any_of(text.begin(), text.end(), [&](char byte) { return id_of(byte) < 0; }))
    return false;
  for (const char byte : text) tokens.push_back({id_of(byte), 1});
  return true;
}

std::unique_ptr<WordModel> read_word_model(const JsonReader& node) {
  // Old files do not name the type; only BPE has merges.
  const bool is_old = !node.find("type");
  const std::string type = is_old ? node.find("merges") ? "BPE" : "" : node.at("type").string();
  if (type == "BPE") return read_byte_pair_model(node);
  if (type == "Unigram") return read_unigram_model(node);
  node.at("type").fail("a supported model (BPE, Unigram)");
}

}  // namespace rlhf::hf
