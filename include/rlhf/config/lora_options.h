#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "rlhf/config/describe.h"

namespace rlhf {

/// Section `model.lora`: low-rank adapters, arXiv:2106.09685. The names are those of PEFT.
struct LoraOptions {
  std::int64_t rank = 16;
  double alpha = 32;
  std::vector<std::string> targets;
  double dropout = 0;
  bool rslora = false;
};
constexpr auto describe(const LoraOptions*) {
  using C = LoraOptions;
  return std::make_tuple(
      field<&C::rank>("rank of the update of each weight", at_least(1)),
      field<&C::alpha>("the update is multiplied by alpha / rank", more_than(0.0)),
      field<&C::targets>("names of the linear layers that get an adapter, as in the model's files, for example "
                         "[q_proj, v_proj]; default: all linear layers but the output head"),
      field<&C::dropout>("share of an adapter's inputs that are set to 0 in training; rlhf-ppo takes 0 only",
                         at_least(0.0).below(1.0)),
      field<&C::rslora>("multiply by alpha / √rank instead, arXiv:2312.03732"));
}

}  // namespace rlhf
