#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"
#include "rlhf/nn/attention.h"
#include "rlhf/nn/causal_lm.h"
#include "rlhf/tensor/low_rank.h"

#include "nn/decoder_config.h"
#include "nn/linear_layers.h"
#include "nn/lora.h"
#include "nn/recompute.h"
#include "nn/router_balance.h"
#include "nn/weight_source.h"

namespace rlhf {

/// A decoder with a residual stream and, per layer, attention and a feed-forward part, each with a norm. DecoderConfig
/// defines the variant. A copy shares all weights.
class Decoder final : public CausalLM {
 public:
  /// Reads every weight from `source`. If `with_head` is false, omits an untied output head (for scalar models).
  Decoder(const DecoderConfig& config, const WeightSource& source, bool with_head);

  /// Makes it a decoder without an output head, for a scalar model.
  void drop_head();
  /// Adds adapters to linear layers; their matrices are then the parameters. The other weights must be frozen.
  void adapt(const LoraSource& source);

  const ModelShape& shape() const override { return config_.shape; }
  at::Tensor forward(const PackedBatch& batch, const at::Tensor& rows, KvCache* cache) override;
  at::Tensor decode(const at::Tensor& tokens, KvCache& cache) override;
  const at::Tensor& head() const override { return head_; }
  double logit_cap() const override { return config_.logit_cap; }
  Parameters& parameters() override { return parameters_; }
  void set_recompute(bool recompute) override { recompute_ = recompute; }
  void set_router_loss(std::optional<double> coefficient) override {
    router_loss_ = config_.experts.count > 0 ? coefficient.value_or(config_.experts.balance_coef) : 0;
  }
  WeightGate* gate() override { return &gate_; }
  at::Device device() const override { return embedding_.device(); }
  at::ScalarType dtype() const override { return embedding_.scalar_type(); }

 private:
  struct Linear {
    at::Tensor weight, bias;
    std::optional<LowRank> adapter;
    at::Tensor operator()(const at::Tensor& x) const;
  };
  struct Expert {
    Linear gate_up, down;
  };
  struct Layer {
    Norm attention_norm;
    Linear query_key_value;
    Norm query_norm, key_norm;
    Linear output;
    Norm attention_post_norm, mlp_norm;
    Linear gate_up, down;
    Linear router, shared_gate;
    std::vector<Expert> experts;
    Expert shared_expert;
    Norm mlp_post_norm;
    AttentionRule rule;
    std::size_t rotary = 0;
  };
  /// Attention of one layer: (layer, rotated query‖key‖value [N,(H+2G)·E]) -> [N,H·E].
  using Attend = std::function<at::Tensor(std::int64_t, const at::Tensor&)>;
  /// What all layers of a forward pass read. Layers may run again after it.
  struct Pass {
    std::vector<RotaryTable> tables;
    Attend attend;
    c10::intrusive_ptr<RouterBalance> balance;  ///< null without a loss of the routers
  };

  void check_batch(const PackedBatch& batch, const at::Tensor& rows) const;
  void check_cache(const KvCache& cache) const;
  Layer make_layer(std::int64_t number, const WeightSource& source);
  Linear make_linear(const WeightSource& source, const LinearLayer& layer);
  Expert make_expert(const WeightSource& source, const std::string& prefix, std::int64_t inner);
  void make_experts(const WeightSource& source, const std::string& prefix, Layer& layer);
  Norm make_norm(const WeightSource& source, const std::string& prefix, const std::string& name, std::int64_t width);
  /// The parameters from `first` on are those of this layer (Parameter::layer). Returns their number with those before.
  std::size_t end_layer(const WeightSource& source, std::size_t first, std::int64_t layer);
  at::Tensor request(const WeightSource& source, const std::string& name, std::vector<std::int64_t> sizes,
                     const FileLayout& layout = {});
  /// The output head: [V,D], or [V,D+1] whose last column is its bias.
  at::Tensor request_head(const WeightSource& source);
  at::Tensor request_stack(const WeightSource& source, const std::string& name,
                           const std::vector<Parameter::Part>& parts, const std::vector<std::int64_t>& row_sizes);

  bool has_bounded_positions() const { return position_table_.defined() || config_.bounded_positions; }
  const AttentionRule& rule(std::int64_t layer) const { return layers_[static_cast<std::size_t>(layer)].rule; }
  at::Tensor embed_tokens(const at::Tensor& tokens, const at::Tensor& positions) const;
  at::Tensor query_key_value(const Layer& layer, const at::Tensor& x, const std::vector<RotaryTable>& tables) const;
  at::Tensor feed_forward(const Layer& layer, const at::Tensor& x, RouterBalance* balance) const;
  at::Tensor apply_inner(const Linear& gate_up, const Linear& down, const at::Tensor& x) const;
  at::Tensor apply_experts(const Layer& layer, const at::Tensor& x, RouterBalance* balance) const;
  /// What a sublayer adds to the residual stream.
  at::Tensor to_residual(const at::Tensor& x, const Norm& post_norm) const;
  /// What is multiplied by the head.
  at::Tensor to_head(const at::Tensor& hidden) const;
  /// `body` of layer `i`, whose weights are complete and which has them from supply() meanwhile.
  Residual run_supplied(std::int64_t i, const Residual& input, const LayerBody& body) const;
  /// Layer `i`; from its attention on for the tokens `rows` only, if that is defined.
  Residual run_layer(std::int64_t i, const Residual& input, const at::Tensor& rows, const Pass& pass) const;
  /// All layers but the last, whose activations the backward pass needs at once.
  Residual run_inner_layers(Residual residual, const Pass& pass) const;
  /// Hidden states of the tokens `rows`, or of all tokens if `rows` is undefined.
  at::Tensor run(const at::Tensor& tokens, const at::Tensor& positions, const at::Tensor& rows, Attend attend,
                 c10::intrusive_ptr<RouterBalance> balance = {}) const;

  DecoderConfig config_;
  AttentionHeads heads_;
  Parameters parameters_;
  at::Tensor embedding_, position_table_, head_;
  std::vector<at::Tensor> frequencies_;  ///< one per rotary embedding
  std::vector<Layer> layers_;
  Norm embedding_norm_, final_norm_;
  mutable WeightGate gate_;
  bool recompute_ = false;
  double router_loss_ = 0;  ///< its coefficient
  bool draws_ = false;      ///< a forward pass with gradients draws random numbers
};

}  // namespace rlhf
