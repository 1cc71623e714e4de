// rlhf-sft: supervised fine-tuning; the work is train_sft (src/train/sft.cpp).
// This program reads and checks the command line and the config; libexec/rlhf/rlhf-engine (tools/engine_main.cpp) does
// the rest with the same arguments.
#include "rlhf/config/sft_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::SftConfig>(argc, argv); }
