#pragma once

#include <string>

#include "rlhf/config/optimizer_options.h"
#include "rlhf/nn/model_folder.h"
#include "rlhf/train/plan.h"
#include "rlhf/train/scale_plan.h"

/// From the shapes of models to the plain numbers of train/scale_plan.h.
namespace rlhf {

/// The weights that multiply a token in a forward pass. `head`: also those of the logits.
double matrix_elements(ModelShape shape, bool head);

/// A model that is trained. Its weights are counted in `memory`, after those of the earlier models of the run. `head`:
/// logits are computed.
Role trained_role(std::string name, const ModelFolder& folder, at::ScalarType dtype, const OptimizerOptions& optimizer,
                  bool head, ModelMemory& memory);
/// A model that is not trained. `forwards`: its passes over the tokens of a step.
Role frozen_role(std::string name, const ModelFolder& folder, at::ScalarType dtype, double forwards, bool head,
                 ModelMemory& memory);

/// A workload with what follows from the shape of the model that is trained.
Workload workload_of(const ModelShape& shape, at::ScalarType dtype, bool recompute, bool head);

}  // namespace rlhf
