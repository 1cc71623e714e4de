// Sizes of models for the plan of a cluster.
#include "workload.h"

#include <utility>

namespace rlhf {

namespace {

Role role(std::string name, const ModelFolder& folder, at::ScalarType dtype, bool head) {
  const ModelShape& shape = folder.shape;
  Role role;
  role.name = std::move(name);
  role.element_bytes = static_cast<double>(c10::elementSize(dtype));
  role.matrix_elements = matrix_elements(shape, head);
  role.layers = static_cast<double>(shape.num_layers);
  role.attention_width = role.layers * static_cast<double>(shape.num_heads) * static_cast<double>(shape.head_dim);
  return role;
}

}  // namespace

double matrix_elements(ModelShape shape, bool head) {
  shape.intermediate_size = shape.used_size();
  const double table = static_cast<double>(shape.vocab_size) * static_cast<double>(shape.hidden_size);
  return static_cast<double>(count_parameters(shape)) - table * (shape.tied_head ? 1 : 2) + (head ? table : 0);
}

Role trained_role(std::string name, const ModelFolder& folder, at::ScalarType dtype, const OptimizerOptions& optimizer,
                  bool head, ModelMemory& memory) {
  Role trained = role(std::move(name), folder, dtype, head);
  const std::int64_t count = folder.adapter ? count_adapter_parameters(folder) : count_parameters(folder.shape);
  trained.weight_bytes = static_cast<double>(memory.weights(folder, /*trained=*/true));
  trained.trained = static_cast<double>(count);
  constexpr std::int64_t kSome = 1 << 20;
  const auto together = static_cast<double>(training_bytes(kSome, dtype, optimizer.moments));
  trained.state_bytes = together / static_cast<double>(kSome) - trained.gradient_bytes;
  return trained;
}

Role frozen_role(std::string name, const ModelFolder& folder, at::ScalarType dtype, double forwards, bool head,
                 ModelMemory& memory) {
  Role frozen = role(std::move(name), folder, dtype, head);
  frozen.weight_bytes = static_cast<double>(memory.weights(folder, /*trained=*/false));
  frozen.forwards = forwards;
  return frozen;
}

Workload workload_of(const ModelShape& shape, at::ScalarType dtype, bool recompute, bool head) {
  constexpr std::int64_t kRows = 1 << 16;  // those of the largest micro-batch; computed in chunks
  Workload work;
  work.recompute = recompute;
  work.activation_bytes = static_cast<double>(activation_bytes_per_token(shape, dtype, recompute));
  work.logits_bytes = head ? static_cast<double>(logits_bytes(shape, dtype, kRows, /*trained=*/true)) : 0;
  return work;
}

}  // namespace rlhf
