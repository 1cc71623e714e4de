// Packs pairs and rankings into micro-batches.
#include "ranked_batch.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "rlhf/tensor/fused.h"

namespace rlhf {
namespace {

/// The number of tokens that all texts of a sample share at the start. Each text keeps at least one other token, where
/// its score is read.
std::size_t shared_tokens(const std::vector<TokenIds>& texts) {
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

}  // namespace

RankedBatch make_ranked_batch(const std::vector<const RankedSample*>& samples, at::Device device) {
  std::vector<Piece> pieces;
  std::vector<std::int64_t> scored, chosen, rejected;
  std::vector<float> margins, weights, targets, evidence, trust;
  std::int64_t num_rows = 0;
  const auto lay_down = [&](std::span<const std::int32_t> ids, std::int64_t after) {
    pieces.push_back({ids, after});
    num_rows += static_cast<std::int64_t>(ids.size());
  };
  for (const RankedSample* sample : samples) {
    const auto first = static_cast<std::int64_t>(scored.size());
    const std::size_t shared = attends_to_prefixes(device) ? shared_tokens(sample->texts) : 0;
    const std::int64_t after = shared > 0 ? static_cast<std::int64_t>(pieces.size()) : -1;
    if (shared > 0) lay_down(std::span(sample->texts.front()).first(shared), -1);
    for (const TokenIds& text : sample->texts) {
      lay_down(std::span(text).subspan(shared), after);
      scored.push_back(num_rows - 1);
    }
    for (const RankedPair& pair : sample->pairs) {
      chosen.push_back(first + pair.chosen);
      rejected.push_back(first + pair.rejected);
      margins.push_back(pair.margin);
      weights.push_back(pair.weight / static_cast<float>(sample->pairs.size()));
      targets.push_back(pair.target);
      evidence.push_back(pair.evidence);
      trust.push_back(pair.trust);
    }
  }
  return {pack(std::span<const Piece>(pieces), device),
          to_device(scored, device),
          to_device(chosen, device),
          to_device(rejected, device),
          {.margin = to_device(margins, device),
           .weight = to_device(weights, device),
           .target = unless_all(targets, kPlainPair.target, device),
           .evidence = unless_all(evidence, kPlainPair.evidence, device),
           .trust = unless_all(trust, kPlainPair.trust, device)}};
}

double packed_share(const std::vector<RankedSample>& samples, at::Device device) {
  double all = 0, packed = 0;
  for (const RankedSample& sample : samples) {
    double tokens = 0;
    for (const TokenIds& text : sample.texts) tokens += static_cast<double>(text.size());
    const double repeated = static_cast<double>(sample.texts.size() - 1);
    all += tokens;
    packed += tokens - (attends_to_prefixes(device) ? repeated * static_cast<double>(shared_tokens(sample.texts)) : 0);
  }
  return all > 0 ? packed / all : 1;
}

}  // namespace rlhf
