#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "rlhf/nn/weight_supply.h"

namespace rlhf {

/// A tensor that a model requests, with its shape in the file. The vectors of a new model are norms, which start at 1.
struct WeightRequest {
  std::string name;
  std::vector<std::int64_t> sizes;
  bool is_vector() const { return sizes.size() == 1; }
};
/// The autograd leaf on the model's device and in its dtype, and its fp32 master (Parameter::master).
struct Weight {
  at::Tensor leaf, master;
};
/// The source of a model's weights. `read` returns the values of one tensor of a file; `place` makes the leaf of a
/// parameter, whose rows may come from several tensors.
struct WeightSource {
  std::function<at::Tensor(const WeightRequest&)> read;
  std::function<Weight(at::TensorList parts)> place;
  std::shared_ptr<WeightSupply> supply;  ///< null if the weights are always there
};

}  // namespace rlhf
