// rlhf-rm: reward model training; implemented by train_reward_model (src/train/reward_model.cpp).
// This program checks the command line and the config, then runs libexec/rlhf/rlhf-engine (tools/engine_main.cpp) with
// the same arguments.
#include "rlhf/config/reward_model_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::RewardModelConfig>(argc, argv); }
