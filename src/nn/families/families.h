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
Family olmo2_family();
Family olmo3_family();
Family smollm3_family();
Family granite_family();
Family starcoder2_family();
Family phi_family();
Family cohere_family();
Family gptj_family();
Family falcon_family();
Family bloom_family();
Family mixtral_family();
Family qwen2_moe_family();
Family qwen3_moe_family();
Family olmoe_family();

}  // namespace rlhf
