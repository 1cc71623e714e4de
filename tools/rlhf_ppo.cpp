// rlhf-ppo: PPO with a KL penalty; the work is train_ppo (src/train/ppo.cpp).
// This program reads and checks the command line and the config; libexec/rlhf/rlhf-engine (tools/engine_main.cpp) does
// the rest with the same arguments.
#include "rlhf/config/ppo_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::PpoConfig>(argc, argv); }
