#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace rlhf {

/// A trainable tensor under its Hugging Face name. `value` is the autograd leaf in the compute dtype.
struct Parameter {
  std::string name;
  at::Tensor value;
  bool decay = true;  ///< weight decay applies (false for norms and biases)
  at::Tensor
      master;  ///< fp32 values that `value` was rounded from, which an optimizer goes on from; undefined: `value`
};

using Parameters = std::vector<Parameter>;

}  // namespace rlhf
