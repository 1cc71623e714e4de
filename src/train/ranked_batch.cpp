// Packs pairs and rankings into micro-batches.
#include "ranked_batch.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "rlhf/tensor/fused.h"

namespace rlhf {
namespace {

/// The number of tokens that are packed once for all texts of a sample. Each text keeps at least one other token.
std::size_t shared_tokens(const RankedSample& sample, at::Device device, SharedPart part) {
  if (!attends_to_prefixes(device)) return 0;
  if (part == SharedPart::prompt) return static_cast<std::size_t>(std::max(0, sample.prompt_length - 1));
  const std::vector<TokenIds>& texts = sample.texts;
  std::size_t shared = texts.front().size() - 1;
  for (const TokenIds& text : texts) {
    const auto begin = text.begin(), end = begin + static_cast<std::ptrdiff_t>(std::min(shared, text.size() - 1));
    shared = static_cast<std::size_t>(std::mismatch(begin, end, texts.front().begin()).first - begin);
  }
  return shared;
}

constexpr RankedPair kPlainPair;

/// Undefined if all are `usual`: then the loss is computed without them.
at::Tensor unless_all(const std::vector<float>& values, float usual, at::Device device) {
  const bool plain = std::ranges::all_of(values, [&](float value) { return value == usual; });
  return plain ? at::Tensor() : to_device(values, device);
}

/// The texts of samples as pieces, and their pairs.
class Layout {
 public:
  Layout(at::Device device, SharedPart part) : device_(device), part_(part) {}

  /// Adds a sample and calls body(text, first_row) for each of its texts: token t of it, if it is not a shared one, is
  /// in row first_row + t.
  template <typename Body>
  void add(const RankedSample& sample, const Body& body) {
    add_pairs(sample);
    const std::size_t shared = shared_tokens(sample, device_, part_);
    const std::int64_t after = shared > 0 ? static_cast<std::int64_t>(pieces_.size()) : -1;
    if (shared > 0) lay_down(std::span(sample.texts.front()).first(shared), -1);
    for (const TokenIds& text : sample.texts) {
      body(text, num_rows_ - static_cast<std::int64_t>(shared));
      lay_down(std::span(text).subspan(shared), after);
      ++num_texts_;
    }
  }

  RankedBatch batch(const std::vector<std::int64_t>& rows) const {
    return {pack(std::span<const Piece>(pieces_), device_),
            to_device(rows, device_),
            to_device(chosen_, device_),
            to_device(rejected_, device_),
            {.margin = to_device(margins_, device_),
             .weight = to_device(weights_, device_),
             .target = unless_all(targets_, kPlainPair.target, device_),
             .evidence = unless_all(evidence_, kPlainPair.evidence, device_),
             .trust = unless_all(trust_, kPlainPair.trust, device_)}};
  }

 private:
  void lay_down(std::span<const std::int32_t> ids, std::int64_t after) {
    pieces_.push_back({ids, after});
    num_rows_ += static_cast<std::int64_t>(ids.size());
  }

  void add_pairs(const RankedSample& sample) {
    for (const RankedPair& pair : sample.pairs) {
      chosen_.push_back(num_texts_ + pair.chosen);
      rejected_.push_back(num_texts_ + pair.rejected);
      margins_.push_back(pair.margin);
      weights_.push_back(pair.weight / static_cast<float>(sample.pairs.size()));
      targets_.push_back(pair.target);
      evidence_.push_back(pair.evidence);
      trust_.push_back(pair.trust);
    }
  }

  at::Device device_;
  SharedPart part_;
  std::vector<Piece> pieces_;
  std::int64_t num_rows_ = 0, num_texts_ = 0;
  std::vector<std::int64_t> chosen_, rejected_;
  std::vector<float> margins_, weights_, targets_, evidence_, trust_;
};

}  // namespace

RankedBatch make_ranked_batch(const std::vector<const RankedSample*>& samples, at::Device device) {
  Layout layout(device, SharedPart::beginning);
  std::vector<std::int64_t> rows;
  for (const RankedSample* sample : samples)
    layout.add(*sample, [&](const TokenIds& text, std::int64_t first_row) {
      rows.push_back(first_row + static_cast<std::int64_t>(text.size()) - 1);
    });
  return layout.batch(rows);
}

CompletionBatch make_completion_batch(const std::vector<const RankedSample*>& samples, at::Device device) {
  Layout layout(device, SharedPart::prompt);
  std::vector<std::int64_t> rows, targets, lengths, sample_end;
  for (const RankedSample* sample : samples) {
    layout.add(*sample, [&](const TokenIds& text, std::int64_t first_row) {
      const std::int64_t first = std::max(1, sample->prompt_length), end = std::ssize(text);
      for (std::int64_t t = first; t < end; ++t) {
        rows.push_back(first_row + t - 1);  // the row before a token predicts it
        targets.push_back(text[static_cast<std::size_t>(t)]);
      }
      lengths.push_back(std::max<std::int64_t>(0, end - first));
    });
    sample_end.push_back(std::ssize(rows));
  }
  return {layout.batch(rows), to_device(targets, device), make_segments(lengths, device), std::move(sample_end)};
}

double packed_share(const std::vector<RankedSample>& samples, at::Device device, SharedPart part) {
  double all = 0, packed = 0;
  for (const RankedSample& sample : samples) {
    double tokens = 0;
    for (const TokenIds& text : sample.texts) tokens += static_cast<double>(text.size());
    const double repeated = static_cast<double>(sample.texts.size() - 1);
    all += tokens;
    packed += tokens - repeated * static_cast<double>(shared_tokens(sample, device, part));
  }
  return all > 0 ? packed / all : 1;
}

}  // namespace rlhf
