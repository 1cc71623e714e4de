#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "rlhf/core/signals.h"
#include "rlhf/dist/ranks.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/tensor/pack_by_length.h"
#include "rlhf/train/trainee.h"

namespace rlhf {

/// The items of a pass.
struct PassItems {
  std::vector<std::int64_t> lengths;    ///< tokens
  std::vector<std::int64_t> head_rows;  ///< those of them whose logits are computed; empty if none are
};

/// What a pass of a model over each item costs: multiply-adds of a forward pass, E·t + V·D·r + w·t² for t tokens and r
/// rows of the head [V,D], where E is the number of weights of the layers and w the sum of the widths of their
/// attention.
std::vector<double> pass_costs(const PassItems& items, const ModelShape& shape);

/// Calls body(group), which is a pass of `model`, for the groups of this rank: indices of items, of at most `budget`
/// tokens. With `trainee`, whose gradients the body adds to, these are exchanged; `last`: no other passes
/// follow before its step. Without it the weights of the model are lent.
template <typename Body>
void for_each_own_group(const PassItems& items, std::int64_t budget, const Ranks& ranks, const CausalLM& model,
                        Trainee* trainee, bool last, const Body& body) {
  const std::vector<Groups> all = pack_for_ranks(items.lengths, pass_costs(items, model.shape()), budget, ranks.size());
  const Groups& own = all[static_cast<std::size_t>(ranks.rank())];
  const auto run = [&] {
    for (std::size_t i = 0; i < own.size(); ++i) {
      stop_if_signalled();
      if (trainee != nullptr) trainee->begin_pass(last && i + 1 == own.size());
      body(own[i]);
    }
  };
  if (trainee == nullptr) return lend_weights(model, run);
  run();
  const Groups& most = *std::ranges::max_element(all, {}, &Groups::size);
  trainee->end_passes(std::ssize(most) - std::ssize(own), last);
}

}  // namespace rlhf
