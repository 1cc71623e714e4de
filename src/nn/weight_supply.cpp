// Memory, parts and passes of weights that are there only while they are used.
#include "rlhf/nn/weight_supply.h"

#include <stdexcept>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <c10/core/StorageImpl.h>

#include "rlhf/core/check_argument.h"

#include "nn/shard_layout.h"

namespace rlhf {
namespace {

/// Gives the tensor, and all views of it, memory of its size, or takes it. Autograd does not count this as a change.
void set_memory(const at::Tensor& tensor, bool there) {
  c10::StorageImpl& storage = *tensor.storage().unsafeGetStorageImpl();
  const std::size_t bytes = there ? tensor.nbytes() : 0;
  storage.set_data_ptr_noswap(storage.allocator()->allocate(bytes));
  storage.set_nbytes(bytes);
}

}  // namespace

WeightSupply::WeightSupply(WeightKeeping keeping) : keeping_(std::move(keeping)) {
  check_argument(keeping_.size >= 1 && keeping_.rank >= 0 && keeping_.rank < keeping_.size, "keeping",
                 "a rank below its size", keeping_.rank);
  if (keeping_.size > 1) {
    check_given(keeping_.gather, "keeping.gather", "a function, with several processes");
    check_given(keeping_.any, "keeping.any", "a function, with several processes");
  }
}

void WeightSupply::add(std::optional<std::int64_t> layer, std::span<Parameter> parameters) {
  const at::NoGradGuard no_grad;
  check_argument(!parameters.empty(), "parameters", "at least one", "none");
  check_argument(!layer || *layer == num_layers(), "layer", std::to_string(num_layers()), layer.value_or(-1));
  const at::Tensor& first = parameters.front().value;
  Unit unit;
  std::int64_t end = 0;
  for (const Parameter& parameter : parameters) {
    check_argument(parameter.value.scalar_type() == first.scalar_type(), parameter.name,
                   c10::toString(first.scalar_type()), c10::toString(parameter.value.scalar_type()));
    unit.leaves.push_back(parameter.value);
    unit.places.push_back(end);
    end += padded(parameter.value.numel(), kShardAlignment);
  }
  end = padded(end, kShardAlignment * keeping_.size);
  unit.whole = lay_out_leaves(unit.leaves, unit.places, end);
  const OwnPart part{keeping_.rank, keeping_.size, end};
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    at::Tensor& master = parameters[i].master;
    if (!master.defined()) continue;
    const auto [begin, count] = part.of(unit.places[i], master.numel());
    master = master.reshape({-1}).narrow(0, begin, count).clone();
  }
  unit.own =
      unit.whole.narrow(0, part.begin(), part.count())
          .to(at::TensorOptions(keeping_.device.value_or(first.device())), /*non_blocking=*/false, /*copy=*/true);
  set_memory(unit.whole, false);
  (layer ? layers_ : outside_).push_back(units_.size());
  units_.push_back(std::move(unit));
}

const WeightSupply::Unit* WeightSupply::find(const at::Tensor& leaf) const {
  for (const Unit& unit : units_)
    for (const at::Tensor& other : unit.leaves)
      if (other.is_same(leaf)) return &unit;
  return nullptr;
}

std::int64_t WeightSupply::bytes() const {
  std::int64_t sum = 0;
  for (const Unit& unit : units_) sum += static_cast<std::int64_t>(unit.own.nbytes());
  return sum;
}

void WeightSupply::start(Unit& unit) {
  if (unit.held) return;
  const at::NoGradGuard no_grad;
  set_memory(unit.whole, true);
  unit.held = true;
  const OwnPart part{keeping_.rank, keeping_.size, unit.whole.numel()};
  unit.whole.narrow(0, part.begin(), part.count()).copy_(unit.own);
  if (keeping_.size > 1) unit.wait = keeping_.gather(unit.whole);
}

void WeightSupply::finish(Unit& unit) {
  if (const auto wait = std::exchange(unit.wait, nullptr)) wait();
}

void WeightSupply::release(Unit& unit) {
  finish(unit);
  if (std::exchange(unit.held, false)) set_memory(unit.whole, false);
}

void WeightSupply::hold_outside() {
  for (const std::size_t i : outside_) start(units_[i]);
  for (const std::size_t i : outside_) finish(units_[i]);
}

void WeightSupply::hold_all() {
  for (Unit& unit : units_) start(unit);
  for (Unit& unit : units_) finish(unit);
}

void WeightSupply::release_all() {
  for (Unit& unit : units_) release(unit);
}

/// Ends the use of lent weights, also after an exception.
class WeightSupply::Lent {
 public:
  Lent(WeightSupply& supply, State state) : supply_(supply) { supply.state_ = state; }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() {
    supply_.state_ = State::away;
    // After an exception nobody waits for what is on its way, which may never come.
    for (Unit& unit : supply_.units_)
      if (!unit.wait) release(unit);
  }

 private:
  WeightSupply& supply_;
};

void WeightSupply::lend(const std::function<void()>& use) {
  if (state_ == State::whole || state_ == State::layers) return use();
  if (state_ == State::training) throw std::logic_error("weights: expected lend() after end_training(), found before");
  const Lent lent(*this, keeping_.whole ? State::whole : State::layers);
  if (keeping_.whole) {
    hold_all();
    return use();
  }
  hold_outside();
  use();
  if (keeping_.size == 1) return;
  while (keeping_.any(false)) run_empty_forward();
}

void WeightSupply::begin_training(std::function<void(std::int64_t)> before_backward) {
  if (state_ == State::whole || state_ == State::layers)
    throw std::logic_error("weights: expected no pass with gradients in lend(), found one");
  before_backward_ = std::move(before_backward);
  // Without a gradient of its input, the first layer keeps its weights.
  for (const std::size_t i : layers_) release(units_[i]);
  if (std::exchange(state_, State::training) == State::away) hold_outside();
}

void WeightSupply::end_training() {
  if (state_ != State::training) return;
  release_all();
  state_ = State::away;
  before_backward_ = nullptr;
}

void WeightSupply::run_empty_pass() {
  run_empty_forward();
  for (std::int64_t layer = num_layers(); layer-- > 0;) {
    before_backward(layer);
    after_backward(layer);
  }
}

void WeightSupply::run_empty_forward() {
  for (std::int64_t layer = 0; layer < num_layers(); ++layer) {
    before_layer(layer);
    after_layer(layer);
  }
}

void WeightSupply::begin_pass() {
  if (state_ == State::away) throw std::logic_error("weights: expected lend() around a pass, found none");
  if (state_ == State::layers && keeping_.size > 1) keeping_.any(true);
}

void WeightSupply::before_layer(std::int64_t layer) {
  start(unit_of(layer));
  if (layer + 1 < num_layers()) start(unit_of(layer + 1));
  finish(unit_of(layer));
}

void WeightSupply::after_layer(std::int64_t layer) {
  if (state_ == State::whole) return;
  const bool is_next = state_ == State::training && layer + 1 == num_layers();  // in the backward pass
  if (!is_next) release(unit_of(layer));
}

void WeightSupply::before_backward(std::int64_t layer) {
  if (before_backward_) before_backward_(layer);
  start(unit_of(layer));
  if (layer > 0) start(unit_of(layer - 1));
  finish(unit_of(layer));
}

void WeightSupply::after_backward(std::int64_t layer) { release(unit_of(layer)); }

}  // namespace rlhf
