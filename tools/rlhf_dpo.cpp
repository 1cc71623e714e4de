// rlhf-dpo: direct preference optimisation; implemented by train_dpo (src/train/dpo.cpp).
// This program checks the command line and the config, then runs libexec/rlhf/rlhf-engine (tools/engine_main.cpp) with
// the same arguments.
#include "rlhf/config/dpo_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::DpoConfig>(argc, argv); }
