#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/nn/kv_cache.h"
#include "rlhf/nn/parameter.h"
#include "rlhf/nn/weight_gate.h"
#include "rlhf/nn/weight_supply.h"
#include "rlhf/tensor/packed_batch.h"

namespace rlhf {

/// The sizes of a model.
struct ModelShape {
  std::int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0, num_layers = 0;
  std::int64_t num_heads = 0, num_key_value_heads = 0, head_dim = 0, max_positions = 0;
  bool tied_head = false;
  bool gated = true;             ///< the feed-forward parts are activation(gate) · up, else activation(up)
  std::int64_t num_experts = 0;  ///< per layer; 0: the model is no mixture of experts
  std::int64_t active_size = 0;  ///< of a mixture of experts: the part of intermediate_size that a token uses

  std::int64_t used_size() const { return num_experts > 0 ? active_size : intermediate_size; }
};

/// A decoder that turns tokens into hidden states. Implement this interface to train your own model. It does not
/// compute logits: callers request the rows they need, and pass them with head() to linear_logprobs or to sampling.
class CausalLM {
 public:
  virtual ~CausalLM() = default;
  virtual const ModelShape& shape() const = 0;
  /// Returns the hidden states after the final norm of the tokens `rows` ([R] int64), or of all N tokens if `rows` is
  /// undefined: [R,D] in the compute dtype, times the factor of the logits if the model has one, and with a column of
  /// ones behind them if the head has a bias. Differentiable. The parts of the last layer that only other tokens need
  /// are not computed. If `cache` is given, the keys and values of every sequence are added to it (inference only); it
  /// must have batch.segments.count() free rows. The library's models throw ShapeError and ArgumentError for tensors
  /// and caches that do not suit them; ids outside the vocabulary are found on a CPU only.
  virtual at::Tensor forward(const PackedBatch& batch, const at::Tensor& rows = {}, KvCache* cache = nullptr) = 0;
  /// Processes one token per active row of the cache and appends it to the row: tokens [B] int64 -> hidden [B,D].
  /// Records no gradient.
  virtual at::Tensor decode(const at::Tensor& tokens, KvCache& cache) = 0;
  /// The output projection [V,D]; the embedding if the head is tied; [V,D+1] if it has a bias, the last column.
  virtual const at::Tensor& head() const = 0;
  /// Logits are logit_cap · tanh(hidden · headᵀ / logit_cap), or hidden · headᵀ if it is 0.
  virtual double logit_cap() const { return 0; }
  /// All trainable tensors, each once, in file order.
  virtual Parameters& parameters() = 0;
  /// Whether forward() keeps only the input of each layer for the backward pass, and computes the rest again there. The
  /// results are the same. A model may ignore it.
  virtual void set_recompute(bool /*recompute*/) {}
  /// Of a mixture of experts: from now on the backward pass of each forward() adds the gradient of `coefficient` times
  /// PackedBatch::share times the load-balancing loss of the routers (arXiv:2101.03961, over all layers, as
  /// transformers computes it). nullopt: the coefficient in the model's config.json. Initially it is 0. Other models
  /// ignore it.
  virtual void set_router_loss(std::optional<double> /*coefficient*/) {}
  /// What has the weights, if they are not always there (nn/weight_supply.h). Null for models that ignore it.
  const std::shared_ptr<WeightSupply>& supply() const { return supply_; }
  /// What the model asks before it reads weights. Null for models that do not, whose weights must always be complete.
  virtual WeightGate* gate() { return nullptr; }
  virtual at::Device device() const = 0;
  virtual at::ScalarType dtype() const = 0;

  /// Rows that forward() ran since this was last asked.
  std::int64_t take_processed_tokens() { return std::exchange(processed_tokens_, 0); }
  /// Σ share · load-balancing loss of the forward passes since this was last asked, or nullopt if none had such a loss.
  /// Waits for the device.
  std::optional<double> take_router_loss() {
    const at::Tensor loss = std::exchange(router_loss_, at::Tensor());
    return loss.defined() ? std::optional(loss.item<double>()) : std::nullopt;
  }

 protected:
  void set_supply(std::shared_ptr<WeightSupply> supply) { supply_ = std::move(supply); }
  /// forward() counts its rows here.
  void count_processed(std::int64_t tokens) { processed_tokens_ += tokens; }
  void count_router_loss(const at::Tensor& loss) {
    router_loss_ = router_loss_.defined() ? router_loss_.add(loss) : loss;
  }

 private:
  std::int64_t processed_tokens_ = 0;
  at::Tensor router_loss_;
  std::shared_ptr<WeightSupply> supply_;
};

/// Calls `use`, in which the weights of the model are there, for passes without gradients (WeightSupply::lend).
template <typename Use>
void lend_weights(const CausalLM& model, const Use& use) {
  if (const auto& supply = model.supply()) {
    supply->lend(use);
  } else {
    use();
  }
}

}  // namespace rlhf
