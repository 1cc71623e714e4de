// Byte pair encoding.
#include "text/hf/byte_pair_model.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "rlhf/core/error.h"

#include "text/hf/characters.h"
#include "text/hf/pair_table.h"
#include "text/hf/word_cache.h"

namespace rlhf::hf {
namespace {

struct BytePairSettings {
  std::optional<std::string> unknown;  // the piece for characters without a piece
  std::vector<std::int32_t> bytes;     // ids of <0x00>… with byte fallback, else empty
  bool fuse_unknown = false;
  bool ignore_merges = false;  // a word that is a piece becomes that piece without merging
};

/// A part of a word during merging. The parts are a doubly linked list in a vector.
struct WordPart {
  std::int32_t id;
  std::int32_t bytes;  // 0: merged into another one
  std::int32_t previous;
  std::int32_t next;  // -1: none
};

/// A candidate merge; a later merge may have made it invalid.
struct Merge {
  std::uint32_t rank;
  std::int32_t place;  // of the left part
  std::int32_t id;     // of the merged piece
};

/// Orders candidates: lowest rank first, then leftmost.
struct IsLater {
  bool operator()(const Merge& a, const Merge& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.place > b.place;
  }
};

class BytePairModel : public WordModel {
 public:
  BytePairModel(Vocabulary vocabulary, PairTable merges, BytePairSettings settings)
      : WordModel(std::move(vocabulary)), merges_(std::move(merges)), settings_(std::move(settings)) {
    if (settings_.unknown) unknown_id_ = vocabulary_.find(*settings_.unknown);
  }

  void encode(std::string_view word, std::vector<WordToken>& tokens) const override {
    if (settings_.ignore_merges) {
      if (const auto id = vocabulary_.find(word)) {
        tokens.push_back({*id, static_cast<std::int32_t>(word.size())});
        return;
      }
    }
    const bool is_short = word.size() <= WordCache::kMaxWordBytes;
    if (is_short && cache_.find(word, tokens)) return;
    const std::size_t first = tokens.size();
    std::vector<WordPart> parts = parts_of(word);
    merge(parts);
    for (const WordPart& part : parts)
      if (part.bytes > 0) tokens.push_back({part.id, part.bytes});
    if (is_short) cache_.store(word, std::span(tokens).subspan(first));
  }

 private:
  std::vector<WordPart> parts_of(std::string_view word) const;
  void merge(std::vector<WordPart>& parts) const;
  std::int32_t unknown_id() const;

  const PairTable::Pair* merge_of(const WordPart& left, const WordPart& right) const {
    return merges_.find({static_cast<std::uint32_t>(left.id), static_cast<std::uint32_t>(right.id)});
  }

  PairTable merges_;  // (left, right) to (rank, merged piece)
  BytePairSettings settings_;
  std::optional<std::int32_t> unknown_id_;
  mutable WordCache cache_;
};

std::int32_t BytePairModel::unknown_id() const {
  if (!unknown_id_)
    throw ModelError("tokenising a text: model.unk_token: expected a piece of the vocabulary, found " +
                     shown_json(*settings_.unknown) + " and a character that needs it");
  return *unknown_id_;
}

// Splits a word into characters. A character without a piece becomes its bytes, or the unknown piece, or is dropped.
// The unknown piece is appended only before the next character that has a piece (so byte pieces may come before it).
std::vector<WordPart> BytePairModel::parts_of(std::string_view word) const {
  std::vector<WordPart> parts;
  parts.reserve(word.size());
  const auto add = [&](std::int32_t id, std::size_t bytes) {
    const auto place = static_cast<std::int32_t>(parts.size());
    parts.push_back({id, static_cast<std::int32_t>(bytes), place - 1, place + 1});
  };
  std::vector<WordToken> bytes;
  std::size_t unknown_bytes = 0;
  const auto add_unknown = [&] {
    if (unknown_bytes > 0) add(unknown_id(), unknown_bytes);
    unknown_bytes = 0;
  };
  for (std::size_t at = 0; at < word.size();) {
    const std::string_view character = word.substr(at, character_at(word, at).bytes);
    at += character.size();
    if (const auto id = vocabulary_.find(character)) {
      add_unknown();
      add(*id, character.size());
    } else if (bytes.clear(); append_bytes(character, settings_.bytes, bytes)) {
      for (const WordToken& byte : bytes) add(byte.id, 1);
    } else if (settings_.unknown) {
      if (!settings_.fuse_unknown) add_unknown();
      unknown_bytes += character.size();
    } else if (!parts.empty()) {
      parts.back().bytes +=
          static_cast<std::int32_t>(character.size());  // dropped; the part before it covers its bytes
    }
  }
  add_unknown();
  if (!parts.empty()) parts.back().next = -1;
  return parts;
}

void BytePairModel::merge(std::vector<WordPart>& parts) const {
  std::vector<Merge> found;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i)
    if (const auto* to = merge_of(parts[i], parts[i + 1]))
      found.push_back({to->first, static_cast<std::int32_t>(i), static_cast<std::int32_t>(to->second)});
  std::priority_queue<Merge, std::vector<Merge>, IsLater> queue(IsLater(), std::move(found));
  const auto offer = [&](std::int32_t place) {
    if (place < 0 || parts[static_cast<std::size_t>(place)].next < 0) return;
    const WordPart& left = parts[static_cast<std::size_t>(place)];
    if (const auto* to = merge_of(left, parts[static_cast<std::size_t>(left.next)]))
      queue.push({to->first, place, static_cast<std::int32_t>(to->second)});
  };
  while (!queue.empty()) {
    const Merge top = queue.top();
    queue.pop();
    WordPart& left = parts[static_cast<std::size_t>(top.place)];
    if (left.bytes == 0 || left.next < 0) continue;
    WordPart& right = parts[static_cast<std::size_t>(left.next)];
    const auto* to = merge_of(left, right);
    if (!to || static_cast<std::int32_t>(to->second) != top.id) continue;  // one of its parts was merged meanwhile
    left.id = top.id;
    left.bytes += std::exchange(right.bytes, 0);
    left.next = right.next;
    if (left.next >= 0) parts[static_cast<std::size_t>(left.next)].previous = top.place;
    offer(left.previous);
    offer(top.place);
  }
}

Vocabulary read_vocabulary(const JsonReader& node) {
  Vocabulary vocabulary;
  std::vector<bool> taken;
  for (const auto& [piece, value] : node.object().items()) {
    const bool good = value.is_number_unsigned() && value.get<std::uint64_t>() < Vocabulary::kMaxIds;
    if (!good) node.at(piece).fail("a whole number from 0 to " + std::to_string(Vocabulary::kMaxIds - 1));
    const auto id = value.get<std::size_t>();
    if (id >= taken.size()) taken.resize(id + 1);
    if (taken[id]) node.at(piece).fail("a unique id", std::to_string(id) + ", which another piece has");
    taken[id] = true;
    vocabulary.add(piece, static_cast<std::int32_t>(id));
  }
  if (vocabulary.size() == 0) node.fail("at least one piece");
  return vocabulary;
}

// Reads a merge, "a b" or ["a", "b"]; nullopt for a version line.
std::optional<std::pair<std::string, std::string>> read_merge(const JsonReader& merges, std::size_t i) {
  const nlohmann::ordered_json& value = merges.list()[i];
  if (value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string())
    return std::pair(value[0].get<std::string>(), value[1].get<std::string>());
  if (!value.is_string()) merges.item(i).fail("two pieces");
  const auto& line = value.get_ref<const std::string&>();
  if (line.starts_with("#version")) return std::nullopt;
  const auto space = line.find(' ');
  if (space == std::string::npos || line.find(' ', space + 1) != std::string::npos)
    merges.item(i).fail("two pieces with a space between them");
  return std::pair(line.substr(0, space), line.substr(space + 1));
}

PairTable read_merges(const JsonReader& node, const Vocabulary& vocabulary) {
  PairTable merges;
  std::uint32_t rank = 0;
  for (std::size_t i = 0; i < node.list().size(); ++i) {
    const auto pair = read_merge(node, i);
    if (!pair) continue;
    const auto id_of = [&](const std::string& piece) {
      const auto id = vocabulary.find(piece);
      if (!id) node.item(i).fail("pieces of the vocabulary", shown_json(piece) + ", which is not in it");
      return static_cast<std::uint32_t>(*id);
    };
    const std::uint32_t left = id_of(pair->first), right = id_of(pair->second);
    merges.set({left, right}, {rank++, id_of(pair->first + pair->second)});
  }
  return merges;
}

// Refuses settings that existing byte-level and SentencePiece models leave empty.
void refuse_what_is_not_supported(const JsonReader& node) {
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const auto affix = node.find(key);
    if (affix && !affix->string().empty()) affix->fail("an empty string (others are not supported)");
  }
  const auto dropout = node.find("dropout");
  if (dropout && dropout->number() != 0) dropout->fail("0 (dropout is not supported)");
}

}  // namespace

std::unique_ptr<WordModel> read_byte_pair_model(const JsonReader& node) {
  refuse_what_is_not_supported(node);
  Vocabulary vocabulary = read_vocabulary(node.at("vocab"));
  PairTable merges = read_merges(node.at("merges"), vocabulary);
  BytePairSettings settings;
  if (const auto unknown = node.find("unk_token")) settings.unknown = unknown->string();
  settings.fuse_unknown = node.boolean_or("fuse_unk", false);
  settings.ignore_merges = node.boolean_or("ignore_merges", false);
  if (node.boolean_or("byte_fallback", false)) settings.bytes = vocabulary.byte_ids();
  return std::make_unique<BytePairModel>(std::move(vocabulary), std::move(merges), std::move(settings));
}

}  // namespace rlhf::hf
