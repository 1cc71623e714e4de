// Linear layers with a low-rank update, whose gradients are added in place.
#include "rlhf/tensor/low_rank.h"

#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include "rlhf/core/check_argument.h"
#include "rlhf/tensor/check_shape.h"
#include "rlhf/tensor/gradient.h"
#include "rlhf/tensor/linear.h"

#include "tensor/product.h"

namespace rlhf {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Views of the tensors of one block.
struct BlockViews {
  at::Tensor y;  ///< [N,rows], a view of the output or of its gradient
  at::Tensor u;  ///< [N,r], a view of x·Aᵀ or of its gradient
  at::Tensor b;  ///< [rows,r], a view of B or of its gradient
};

/// Calls body(views) for each block.
template <typename Body>
void for_each_block(const std::vector<LowRank::Block>& blocks, const at::Tensor& y, const at::Tensor& u,
                    const at::Tensor& b, const Body& body) {
  const std::int64_t rank = b.size(1);
  std::int64_t row = 0, column = 0;
  for (const auto& [begin, rows] : blocks) {
    body(BlockViews{y.narrow(1, begin, rows), u.narrow(1, column, rank), b.narrow(0, row, rows)});
    row += rows;
    column += rank;
  }
}

/// y += u·Bᵀ, block by block.
void add_update(const at::Tensor& y, const at::Tensor& u, const LowRank& update) {
  for_each_block(update.blocks, y, u, update.b, [](const BlockViews& block) { block.y.addmm_(block.u, block.b.t()); });
}

class LowRankLinear : public torch::autograd::Function<LowRankLinear> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& a, const at::Tensor& b, const LowRank& update) {
    at::Tensor y = product(x, weight), kept;  // the kept inputs, times 1 / (1 − dropout)
    if (update.dropout > 0) kept = at::empty_like(x).bernoulli_(1 - update.dropout).div_(1 - update.dropout);
    const at::Tensor u = product(kept.defined() ? x.mul(kept) : x, a).mul_(update.scale);
    add_update(y, u, update);
    context->save_for_backward({x, weight, a, b, u, kept});
    context->saved_data["scale"] = update.scale;
    std::vector<std::int64_t> bounds;
    for (const auto& [begin, rows] : update.blocks) bounds.insert(bounds.end(), {begin, rows});
    context->saved_data["blocks"] = bounds;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &a = saved[2], &b = saved[3], &u = saved[4], &kept = saved[5];
    const at::Tensor& grad = gradients[0];
    const std::vector<LowRank::Block> blocks = blocks_of(context->saved_data["blocks"].toIntVector());
    const at::Tensor grad_b = gradient_of_b(blocks, grad, u, b);
    at::Tensor grad_u = at::empty_like(u);
    for_each_block(blocks, grad, grad_u, b, [](const BlockViews& block) { block.u.copy_(at::mm(block.y, block.b)); });
    grad_u.mul_(context->saved_data["scale"].toDouble());
    const at::Tensor grad_a = weight_gradient(a, grad_u, kept.defined() ? x.mul(kept) : x);
    return {context->needs_input_grad(0) ? gradient_of_x(grad, weight, grad_u, a, kept) : at::Tensor(), at::Tensor(),
            grad_a, grad_b, at::Tensor()};
  }

 private:
  static std::vector<LowRank::Block> blocks_of(const std::vector<std::int64_t>& bounds) {
    std::vector<LowRank::Block> blocks;
    for (std::size_t i = 0; i < bounds.size(); i += 2) blocks.push_back({bounds[i], bounds[i + 1]});
    return blocks;
  }

  /// The gradient of B; undefined if it was added in place.
  static at::Tensor gradient_of_b(const std::vector<LowRank::Block>& blocks, const at::Tensor& grad,
                                  const at::Tensor& u, const at::Tensor& b) {
    if (adds_in_place(b)) {
      for_each_block(blocks, grad, u, b.grad(),
                     [](const BlockViews& block) { add_product(block.b, block.y, block.u); });
      return {};
    }
    std::vector<at::Tensor> parts;
    for_each_block(blocks, grad, u, b, [&](const BlockViews& block) { parts.push_back(at::mm(block.y.t(), block.u)); });
    return at::cat(parts);
  }

  static at::Tensor gradient_of_x(const at::Tensor& grad, const at::Tensor& weight, const at::Tensor& grad_u,
                                  const at::Tensor& a, const at::Tensor& kept) {
    const at::Tensor grad_x = linear_input_gradient(grad, weight);
    return kept.defined() ? grad_x.add_(at::mm(grad_u, a).mul_(kept)) : grad_x.addmm_(grad_u, a);
  }
};

void check_update(const at::Tensor& x, const at::Tensor& weight, const LowRank& update) {
  check_shape(weight, "weight", {-1, -1});
  check_shape(x, "x", {-1, weight.size(1)});
  check_floating(weight, "weight");
  std::int64_t rows = 0, end = 0;
  for (const auto& [begin, count] : update.blocks) {
    check_argument(begin >= end && begin + count <= weight.size(0), "blocks", "ascending rows of the weight", begin);
    rows += count;
    end = begin + count;
  }
  check_shape(update.b, "b", {rows, -1});
  check_shape(update.a, "a", {static_cast<std::int64_t>(update.blocks.size()) * update.b.size(1), weight.size(1)});
  for (const auto& [tensor, name] : {std::pair(&x, "x"), {&update.a, "a"}, {&update.b, "b"}}) {
    check_dtype(*tensor, name, weight.scalar_type());
    check_device(*tensor, name, weight.device());
  }
  check_argument(update.dropout >= 0 && update.dropout < 1, "dropout", "at least 0 and below 1", update.dropout);
}

}  // namespace

at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const LowRank& update) {
  check_update(x, weight, update);
  if (bias.defined()) check_shape(bias, "bias", {weight.size(0)});
  const bool differentiable =
      at::GradMode::is_enabled() && (x.requires_grad() || update.a.requires_grad() || update.b.requires_grad());
  check_argument(!differentiable || !weight.requires_grad(), "weight", "a frozen weight", "one that is trained");
  at::Tensor y;
  if (differentiable) {
    y = LowRankLinear::apply(x, weight, update.a, update.b, update);
  } else {
    y = inference_product(x, weight);
    add_update(y, inference_product(x, update.a).mul_(update.scale), update);
  }
  return bias.defined() ? y.add(bias) : y;
}

}  // namespace rlhf
