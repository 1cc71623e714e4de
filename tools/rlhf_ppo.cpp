// rlhf-ppo: PPO with a KL penalty; implemented by train_ppo (src/train/ppo.cpp).
// This program checks the command line and the config, then runs libexec/rlhf/rlhf-engine (tools/engine_main.cpp) with
// the same arguments.
#include "rlhf/config/ppo_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::PpoConfig>(argc, argv); }
