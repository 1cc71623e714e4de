// Unigram segmentation: the sequence of pieces with the highest sum of scores.
#include "text/hf/unigram_model.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "rlhf/core/error.h"

#include "text/hf/byte_trie.h"
#include "text/hf/characters.h"

namespace rlhf::hf {
namespace {

constexpr std::size_t kMaxPieceBytes = 1024;  // bounds the search at each position of a text
constexpr double kUnknownPenalty = 10;        // an unknown character scores this much below the lowest score

// The number parser of the `tokenizers` library rounds twice: the digits to a double, then the quotient by a power of
// ten. The last bits decide between sequences with equal sums, so scores are read in the same way.
double as_the_library_reads(double value) {
  char digits[32] = {};
  std::to_chars(digits, digits + sizeof digits, std::abs(value), std::chars_format::scientific);  // d.ddde-xx, shortest
  std::uint64_t significand = 0;
  int exponent = 0;
  const char* at = digits;
  for (bool fraction = false; *at != 'e' && *at != '\0'; ++at) {
    if (*at == '.') {
      fraction = true;
    } else {
      significand = significand * 10 + static_cast<std::uint64_t>(*at - '0');
      exponent -= fraction;
    }
  }
  exponent += std::atoi(at + 1);
  if (std::abs(exponent) > 300) return value;
  const double scaled = static_cast<double>(significand), power = std::pow(10, std::abs(exponent));
  return std::copysign(exponent < 0 ? scaled / power : scaled * power, value);
}

struct UnigramSettings {
  std::vector<double> scores;  // by id
  std::optional<std::int32_t> unknown;
  std::vector<std::int32_t> bytes;  // ids of <0x00>… with byte fallback, else empty
};

/// The best sequence that ends at a position of the word.
struct Best {
  double score = 0;
  std::int32_t begin = -1;  // of its last piece; -1 if no sequence ends here
  bool is_unknown = false;
};

class UnigramModel : public WordModel {
 public:
  UnigramModel(Vocabulary vocabulary, UnigramSettings settings)
      : WordModel(std::move(vocabulary)), settings_(std::move(settings)) {
    for (const auto& [piece, id] : vocabulary_.pieces()) pieces_.insert(piece, id);
    const auto lowest = std::min_element(settings_.scores.begin(), settings_.scores.end());
    unknown_score_ = *lowest - kUnknownPenalty;
  }

  void encode(std::string_view word, std::vector<WordToken>& tokens) const override {
    const std::vector<Best> best = best_until(word);
    std::vector<std::int32_t> ends;  // of the pieces, last first; adjacent unknown characters are one piece
    bool was_unknown = false;
    for (auto end = static_cast<std::int32_t>(word.size()); end > 0;) {
      const Best& last = best[static_cast<std::size_t>(end)];
      if (!was_unknown || !last.is_unknown) ends.push_back(end);
      was_unknown = last.is_unknown;
      end = last.begin;
    }
    std::int32_t begin = 0;
    for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
      add_piece(word.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(*end - begin)), tokens);
      begin = *end;
    }
  }

 private:
  std::vector<Best> best_until(std::string_view word) const {
    std::vector<Best> best(word.size() + 1);
    const auto offer = [&](std::size_t begin, std::size_t bytes, double piece_score, bool is_unknown) {
      Best& at_end = best[begin + bytes];
      const double score = piece_score + best[begin].score;
      const bool is_better = at_end.begin < 0 || score > at_end.score;
      if (is_better) at_end = {score, static_cast<std::int32_t>(begin), is_unknown};
      return is_better;
    };
    for (std::size_t begin = 0; begin < word.size();) {
      const std::size_t bytes = character_at(word, begin).bytes;
      bool has_character = false;
      pieces_.for_each_prefix(word, begin, [&](std::size_t length, std::int32_t id) {
        offer(begin, length, settings_.scores[static_cast<std::size_t>(id)], id == settings_.unknown);
        has_character = has_character || length == bytes;
      });
      if (!has_character && offer(begin, bytes, unknown_score_, true)) check_unknown();
      begin += bytes;
    }
    return best;
  }

  void add_piece(std::string_view piece, std::vector<WordToken>& tokens) const {
    if (const auto id = vocabulary_.find(piece)) {
      tokens.push_back({*id, static_cast<std::int32_t>(piece.size())});
    } else if (!append_bytes(piece, settings_.bytes, tokens)) {
      tokens.push_back({*settings_.unknown, static_cast<std::int32_t>(piece.size())});
    }
  }

  void check_unknown() const {
    if (!settings_.unknown)
      throw ModelError("tokenising a text: model.unk_id: expected a piece, found none and a character that needs it");
  }

  UnigramSettings settings_;
  ByteTrie pieces_;
  double unknown_score_ = 0;
};

}  // namespace

std::unique_ptr<WordModel> read_unigram_model(const JsonReader& node) {
  const JsonReader list = node.at("vocab");
  if (list.list().empty() || list.list().size() > static_cast<std::size_t>(Vocabulary::kMaxIds))
    list.fail("from 1 to " + std::to_string(Vocabulary::kMaxIds) + " pieces");
  Vocabulary vocabulary;
  UnigramSettings settings;
  for (std::size_t i = 0; i < list.list().size(); ++i) {
    const JsonReader entry = list.item(i);
    if (entry.list().size() != 2) entry.fail("a piece and its score");
    const std::string& piece = entry.item(0).string();
    if (piece.size() > kMaxPieceBytes)
      entry.item(0).fail("a piece of at most 1024 bytes", std::to_string(piece.size()) + " bytes");
    vocabulary.add(piece, static_cast<std::int32_t>(i));
    settings.scores.push_back(as_the_library_reads(entry.item(1).number()));
  }
  if (const auto unknown = node.find("unk_id"))
    settings.unknown =
        static_cast<std::int32_t>(unknown->integer(0, static_cast<std::int64_t>(list.list().size()) - 1));
  if (node.boolean_or("byte_fallback", false)) settings.bytes = vocabulary.byte_ids();
  return std::make_unique<UnigramModel>(std::move(vocabulary), std::move(settings));
}

}  // namespace rlhf::hf
