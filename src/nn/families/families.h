#pragma once

#include "nn/families/family.h"

namespace rlhf {

Family llama_family();
Family mistral_family();
Family qwen2_family();
Family qwen3_family();
Family phi3_family();
Family gemma_family();
Family gemma2_family();
Family gemma3_family();
Family gpt2_family();
Family gpt_neox_family();
Family opt_family();

}  // namespace rlhf
