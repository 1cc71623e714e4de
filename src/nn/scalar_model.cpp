#include "rlhf/nn/scalar_model.h"

#include <utility>

#include <ATen/ops/linear.h>

#include "rlhf/tensor/check_shape.h"

namespace rlhf {

ScalarModel::ScalarModel(std::unique_ptr<CausalLM> trunk, at::Tensor score, double reward_mean)
    : trunk_(std::move(trunk)), reward_mean_(reward_mean) {
  check_shape(score, "score", {1, trunk_->shape().hidden_size});
  for (const Parameter& parameter : trunk_->parameters()) {
    const bool unused_head = !trunk_->shape().tied_head && parameter.value.is_same(trunk_->head());
    if (!unused_head) parameters_.push_back(parameter);
  }
  parameters_.push_back({"score.weight", std::move(score), /*decay=*/true});
}

at::Tensor ScalarModel::values(const PackedBatch& batch, const at::Tensor& rows) {
  const at::Tensor hidden = trunk_->forward(batch, rows);
  return at::linear(hidden.to(at::kFloat), score().to(at::kFloat)).squeeze(1);
}

at::Tensor ScalarModel::scores(const PackedBatch& batch) { return values(batch, last_rows(batch.segments)); }

}  // namespace rlhf
