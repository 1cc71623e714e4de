#include "pretend_attention.h"

#include <cmath>
#include <limits>
#include <string>

#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "host_views.h"

namespace rlhf::testing::pretend {
namespace {

using torch::jit::Stack;

/// The arguments of a call by name.
class Arguments {
 public:
  Arguments(const c10::OperatorHandle& op, Stack* stack) : schema_(op.schema()) {
    const std::size_t count = schema_.arguments().size();
    values_.assign(stack->end() - static_cast<std::ptrdiff_t>(count), stack->end());
    torch::jit::drop(*stack, count);
  }
  const c10::IValue& at(const std::string& name) const {
    return values_[static_cast<std::size_t>(schema_.argumentIndexWithName(name).value())];
  }
  at::Tensor tensor(const std::string& name) const { return at(name).toTensor(); }
  std::int64_t integer_or(const std::string& name, std::int64_t otherwise) const {
    return at(name).isNone() ? otherwise : at(name).toInt();
  }

 private:
  const c10::FunctionSchema& schema_;
  Stack values_;
};

void check_as_cuda(const at::Tensor& x, const at::Tensor& bounds) {
  TORCH_CHECK(x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kHalf, "flash attention: fp16 and bf16 only");
  TORCH_CHECK(x.dim() == 3 && x.size(2) % 8 == 0 && x.size(2) <= 256, "flash attention: head width ", x.size(-1));
  TORCH_CHECK(x.stride(2) == 1, "flash attention: the last dimension must be contiguous");
  TORCH_CHECK(bounds.scalar_type() == at::kInt && bounds.is_contiguous(), "flash attention: bounds must be int32");
}

/// One sequence, [H,n,E] each in float32; keys and values repeated for their group of queries.
struct Sequence {
  at::Tensor q, k, v, weights;  ///< weights [H,n,n]
};

/// The keys that a query does not read, [n,n].
at::Tensor hidden(std::int64_t n, std::int64_t before) {
  const at::Tensor past = at::ones({n, n}, at::kBool).tril();
  return (before >= 0 ? past.triu(-before) : past).logical_not();
}

/// A call on host tensors.
class Call {
 public:
  Call(const Arguments& arguments, HostViews& views)
      : q_(views.of(arguments.tensor("query"))),
        k_(views.of(arguments.tensor("key"))),
        v_(views.of(arguments.tensor("value"))),
        bounds_(views.of(arguments.tensor("cum_seq_q"))),
        before_(arguments.integer_or("window_size_left", -1)),
        scale_(arguments.at("scale").isNone() ? 1 / std::sqrt(static_cast<double>(q_.size(2)))
                                              : arguments.at("scale").toDouble()) {
    for (const at::Tensor* x : {&q_, &k_, &v_}) check_as_cuda(*x, bounds_);
    TORCH_CHECK(arguments.at("is_causal").toBool(), "pretend flash attention: causal only");
    TORCH_CHECK(arguments.tensor("cum_seq_k").is_same(arguments.tensor("cum_seq_q")), "pretend: equal bounds only");
    TORCH_CHECK(bounds_[-1].item<int>() == q_.size(0), "flash attention: bounds do not end at the last row");
  }

  std::int64_t sequences() const { return bounds_.size(0) - 1; }
  std::int64_t group() const { return q_.size(1) / k_.size(1); }
  double scale() const { return scale_; }
  const at::Tensor& q() const { return q_; }
  const at::Tensor& k() const { return k_; }

  at::Tensor rows(const at::Tensor& x, std::int64_t i) const {
    const std::int64_t begin = bounds_[i].item<int>();
    return x.narrow(0, begin, bounds_[i + 1].item<int>() - begin);
  }
  Sequence sequence(std::int64_t i) const {
    const auto heads_first = [&](const at::Tensor& x) { return rows(x, i).transpose(0, 1).to(at::kFloat); };
    Sequence s{heads_first(q_),
               heads_first(k_).repeat_interleave(group(), 0),
               heads_first(v_).repeat_interleave(group(), 0),
               {}};
    const at::Tensor scores = at::matmul(s.q, s.k.transpose(1, 2)).mul(scale_);
    s.weights =
        at::softmax(scores.masked_fill(hidden(s.q.size(1), before_), -std::numeric_limits<double>::infinity()), -1);
    return s;
  }

 private:
  at::Tensor q_, k_, v_, bounds_;
  std::int64_t before_;
  double scale_;
};

}  // namespace

void varlen_attention(const c10::OperatorHandle& op, Stack* stack) {
  const Arguments arguments(op, stack);
  HostViews views(arguments.tensor("query").device());
  const Call call(arguments, views);
  const at::Tensor out = at::empty(call.q().sizes(), call.q().options());
  for (std::int64_t i = 0; i < call.sequences(); ++i) {
    const Sequence s = call.sequence(i);
    call.rows(out, i).copy_(at::matmul(s.weights, s.v).transpose(0, 1));
  }
  const at::Tensor lse = at::zeros({call.q().size(1), call.q().size(0)}, at::kFloat);
  stack->emplace_back(views.on_device(out));
  for (const at::Tensor& other : {lse, at::zeros({2}, at::kLong), at::zeros({}, at::kLong), at::zeros({0})})
    stack->emplace_back(views.on_device(other));
}

void varlen_attention_backward(const c10::OperatorHandle& op, Stack* stack) {
  const Arguments arguments(op, stack);
  HostViews views(arguments.tensor("query").device());
  const Call call(arguments, views);
  const at::Tensor grad_out = views.of(arguments.tensor("grad_out"));
  const at::Tensor grad_q = at::zeros_like(call.q()), grad_k = at::zeros_like(call.k()),
                   grad_v = at::zeros_like(call.k());
  const auto sum_groups = [&](const at::Tensor& x) {  // [H,n,E] -> [n,keys,E]
    return x.view({x.size(0) / call.group(), call.group(), x.size(1), x.size(2)}).sum(1).transpose(0, 1);
  };
  for (std::int64_t i = 0; i < call.sequences(); ++i) {
    const Sequence s = call.sequence(i);
    const at::Tensor grad = call.rows(grad_out, i).transpose(0, 1).to(at::kFloat);
    const at::Tensor by_weights = at::matmul(grad, s.v.transpose(1, 2));
    const at::Tensor by_scores =
        s.weights.mul(by_weights.sub(by_weights.mul(s.weights).sum(-1, true))).mul(call.scale());
    call.rows(grad_q, i).copy_(at::matmul(by_scores, s.k).transpose(0, 1));
    call.rows(grad_k, i).copy_(sum_groups(at::matmul(by_scores.transpose(1, 2), s.q)));
    call.rows(grad_v, i).copy_(sum_groups(at::matmul(s.weights.transpose(1, 2), grad)));
  }
  for (const at::Tensor& result : {grad_q, grad_k, grad_v}) stack->emplace_back(views.on_device(result));
}

}  // namespace rlhf::testing::pretend
