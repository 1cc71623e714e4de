// rlhf-rm: the reward model; the work is train_reward_model (src/train/reward_model.cpp).
// This program reads and checks the command line and the config; libexec/rlhf/rlhf-engine (tools/engine_main.cpp) does
// the rest with the same arguments.
#include "rlhf/config/reward_model_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::RewardModelConfig>(argc, argv); }
