#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/nn/parameter.h"

namespace rlhf {

/// How the weights of a model are kept while they are not used, and how they come back.
struct WeightKeeping {
  using Wait = std::function<void()>;

  int rank = 0, size = 1;            ///< each of `size` processes keeps an equal part of the weights
  std::optional<at::Device> device;  ///< where a part is kept; nullopt: where the model runs
  bool whole = true;                 ///< WeightSupply::lend() brings all layers at once
  /// With several processes: starts to give all of them the parts of all. The tensor is [size · s], and the s elements
  /// of this process are there.
  std::function<Wait(const at::Tensor&)> gather;
  /// With several processes: whether any of them says true.
  std::function<bool(bool)> any;

  bool is_whole() const { return size == 1 && !device; }  ///< the weights are always there
};

/// Weights that have memory only while a model uses them. Each process keeps a part of each unit: the weights of a
/// layer, and those before and after all layers. A layer gets its weights before it runs, while those of the next one
/// are on their way, and loses them afterwards; the backward pass does the same in the other order. The weights outside
/// of layers are there during lend(), and from begin_training() to end_training(). Then all processes must make the
/// same passes, or empty ones for those that only others make. Source: stage 3 of arXiv:1910.02054.
class WeightSupply {
 public:
  /// `leaves` are views of `whole` [size · s], which begin at `places`. `own` [s] is what this process keeps.
  struct Unit {
    std::vector<at::Tensor> leaves;
    std::vector<std::int64_t> places;
    at::Tensor whole, own;
    WeightKeeping::Wait wait;  ///< if parts of others are on their way
    bool held = false;
  };

  explicit WeightSupply(WeightKeeping keeping);
  WeightSupply(const WeightSupply&) = delete;
  WeightSupply& operator=(const WeightSupply&) = delete;

  /// Adds the unit of a layer, or of weights outside of layers, and takes the memory of its values. The master of a
  /// parameter, if there is one, is reduced to the own elements, flat. Call it for the layers in their order.
  void add(std::optional<std::int64_t> layer, std::span<Parameter> parameters);
  /// The unit of a leaf, or null.
  const Unit* find(const at::Tensor& leaf) const;
  const WeightKeeping& keeping() const { return keeping_; }
  std::int64_t bytes() const;  ///< of what this process keeps
  /// From now on, lend() brings all layers at once, or layer by layer.
  void lend_whole(bool whole) { keeping_.whole = whole; }

  /// Calls `use`, in which passes without gradients can run, different ones in each process. All processes must call
  /// it; with layer by layer they must exchange nothing else in `use`. Within another lend(), only calls `use`.
  void lend(const std::function<void()>& use);
  /// Call this before each pass with gradients. `before_backward(i)` is called in its backward pass before the weights
  /// of layer i - 1 are asked for; the gradients of the layers after i are then complete.
  void begin_training(std::function<void(std::int64_t)> before_backward);
  void end_training();
  /// What a pass with gradients asks for, after begin_training().
  void run_empty_pass();

  /// The model calls these: at the start of a pass, and around each layer in it and in its backward pass. begin_pass()
  /// throws std::logic_error if the weights are not lent.
  void begin_pass();
  void before_layer(std::int64_t layer);
  void after_layer(std::int64_t layer);
  void before_backward(std::int64_t layer);
  void after_backward(std::int64_t layer);

 private:
  enum class State : std::uint8_t { away, whole, layers, training };
  class Lent;

  std::int64_t num_layers() const { return static_cast<std::int64_t>(layers_.size()); }
  Unit& unit_of(std::int64_t layer) { return units_[layers_.at(static_cast<std::size_t>(layer))]; }
  void start(Unit& unit);
  static void finish(Unit& unit);
  static void release(Unit& unit);
  void hold_outside();
  void hold_all();
  void release_all();
  void run_empty_forward();

  WeightKeeping keeping_;
  std::vector<Unit> units_;
  std::vector<std::size_t> layers_, outside_;  ///< their units
  State state_ = State::away;
  std::function<void(std::int64_t)> before_backward_;
};

}  // namespace rlhf
