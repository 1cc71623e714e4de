#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rlhf/nn/parameter.h"

#include "nn/decoder_config.h"

namespace rlhf {

/// A linear layer of the decoder, which may stand for several tensors of a file with the same input.
struct LinearLayer {
  std::string name;                    ///< of the parameter; that of the part if there is one
  std::vector<Parameter::Part> parts;  ///< full names without ".weight" and ".bias"
  std::int64_t width = 0;              ///< of the input
  bool bias = false;
  FileLayout layout;  ///< of the matrix, if it is one tensor
};

/// The layer of the tensors `names`, which divide the rows by `shares`, or of one tensor with all rows.
LinearLayer fused_layer(const std::string& prefix, const std::string& name, const std::vector<std::string>& names,
                        const std::vector<std::int64_t>& shares, std::int64_t width, bool bias = false,
                        const FileLayout& layout = {});

/// The linear layers of layer `number`: query‖key‖value, output of the attention, and without experts gate‖up and down.
struct LayerLinears {
  LinearLayer query_key_value, output, gate_up, down;
};
LayerLinears linear_layers(const DecoderConfig& config, std::int64_t number);

}  // namespace rlhf
