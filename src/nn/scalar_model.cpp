// The scalar head of reward and value models.
#include "rlhf/nn/scalar_model.h"

#include <utility>

#include <ATen/ops/arange.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scatter_reduce.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/where.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/tensor/check_shape.h"

namespace rlhf {

namespace {

/// The row of the last token of each segment that is not `padding`, or of its first token if all are: [B].
at::Tensor last_rows_before(const PackedBatch& batch, std::int32_t padding) {
  const at::Tensor starts = batch.segments.cu_seqlens.to(at::kLong);
  const at::Tensor all = at::arange(batch.segments.total(), batch.tokens.options());
  const at::Tensor segment = at::searchsorted(starts, all, /*out_int32=*/false, /*right=*/true).sub(1);
  const at::Tensor rows = at::where(batch.tokens.ne(padding), all, 0);
  const at::Tensor first = starts.narrow(0, 0, batch.segments.count());
  return first.scatter_reduce(0, segment, rows, "amax");
}

}  // namespace

ScalarModel::ScalarModel(std::unique_ptr<CausalLM> trunk, at::Tensor score, double reward_mean,
                         std::optional<std::int32_t> padding)
    : trunk_(std::move(trunk)), reward_mean_(reward_mean), padding_(padding) {
  check_given(trunk_, "trunk", "a model");
  check_shape(score, "score", {1, trunk_->shape().hidden_size});
  check_floating(score, "score");
  check_device(score, "score", trunk_->device());
  for (const Parameter& parameter : trunk_->parameters()) {
    const bool unused_head = !trunk_->shape().tied_head && parameter.value.is_same(trunk_->head());
    if (!unused_head) parameters_.push_back(parameter);
  }
  parameters_.push_back({.name = "score.weight", .value = std::move(score), .layer = trunk_->shape().num_layers});
}

at::Tensor ScalarModel::values(const PackedBatch& batch, const at::Tensor& rows) {
  if (!rows.defined()) throw ShapeError("rows: expected the rows to read, found no tensor");
  const at::Tensor hidden = trunk_->forward(batch, rows);
  return at::linear(hidden.to(at::kFloat), score().to(at::kFloat)).squeeze(1);
}

at::Tensor ScalarModel::scores(const PackedBatch& batch) {
  return values(batch, padding_ ? last_rows_before(batch, *padding_) : last_rows(batch.segments));
}

}  // namespace rlhf
