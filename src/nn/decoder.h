#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/kernels/kernels.h"
#include "rlhf/nn/causal_lm.h"

#include "nn/rotary.h"

namespace rlhf {

/// How a family names the tensors of a decoder. Names of a layer follow `layers` and the layer's number.
struct DecoderNames {
  std::string embedding, final_norm, head, layers;
  std::string attention_norm, query, key, value, output;
  std::string mlp_norm, gate, up, down;
};

/// Everything that fixes the arithmetic of a decoder. A family fills it from its config.json.
struct DecoderConfig {
  ModelShape shape;
  double rope_theta = 10000.0;
  double norm_eps = 1e-6;
  double initializer_range = 0.02;
  DecoderNames names;
};

/// A tensor that the decoder asks for. Vectors are norms: they start at 1 and are spared weight decay.
struct WeightRequest {
  std::string name;
  std::vector<std::int64_t> sizes;
  bool is_norm() const { return sizes.size() == 1; }
};
/// The autograd leaf, on the decoder's device and in its dtype, and what Parameter::master says of it.
struct Weight {
  at::Tensor leaf, master;
};
/// Where a decoder has its weights from: `read` gives the values of one tensor as a file has them, `place` makes the
/// leaf of a whole parameter.
struct WeightSource {
  std::function<at::Tensor(const WeightRequest&)> read;
  std::function<Weight(const at::Tensor& values)> place;
};

/// Pre-norm decoder with rotary positions, grouped-query attention and a gated feed-forward layer.
class Decoder final : public CausalLM {
 public:
  /// Asks `source` for every weight. Without `with_head` an untied output head is left out (a scalar model's trunk).
  Decoder(const DecoderConfig& config, const WeightSource& source, bool with_head);

  const ModelShape& shape() const override { return config_.shape; }
  at::Tensor forward(const PackedBatch& batch, const at::Tensor& rows, KvCache* cache) override;
  at::Tensor decode(const at::Tensor& tokens, KvCache& cache) override;
  const at::Tensor& head() const override { return head_; }
  Parameters& parameters() override { return parameters_; }
  at::Device device() const override { return embedding_.device(); }
  at::ScalarType dtype() const override { return embedding_.scalar_type(); }

 private:
  struct Layer {
    at::Tensor attention_norm, query_key_value, output;
    at::Tensor mlp_norm, gate_up, down;
  };
  /// Attention of one layer: (layer, rotated query‖key‖value [N,(H+2G)·E]) -> [N,H·E].
  using Attend = std::function<at::Tensor(std::int64_t, const at::Tensor&)>;

  Layer make_layer(const std::string& prefix, const WeightSource& source);
  at::Tensor request(const WeightSource& source, std::string name, std::vector<std::int64_t> sizes);
  /// One parameter of several tensors that lie below each other and read the same input.
  at::Tensor request_stack(const WeightSource& source, std::string name, const std::vector<Parameter::Part>& parts,
                           std::int64_t width);
  /// Hidden states of the tokens `rows`, of all if undefined.
  at::Tensor run(const at::Tensor& tokens, const at::Tensor& positions, const at::Tensor& rows,
                 const Attend& attend) const;

  DecoderConfig config_;
  AttentionHeads heads_;
  double attention_scale_;
  Parameters parameters_;
  at::Tensor embedding_, final_norm_, head_;
  std::vector<Layer> layers_;
};

}  // namespace rlhf
