// rlhf-sft: supervised fine-tuning; implemented by train_sft (src/train/sft.cpp).
// This program checks the command line and the config, then runs libexec/rlhf/rlhf-engine (tools/engine_main.cpp) with
// the same arguments.
#include "rlhf/config/sft_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::SftConfig>(argc, argv); }
