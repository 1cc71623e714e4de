// rlhf-average: the mean of the weights of models; implemented in nn/average_models.h.
// This program checks the command line and the config, then runs libexec/rlhf/rlhf-engine (tools/engine_main.cpp) with
// the same arguments.
#include "rlhf/config/average_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::AverageConfig>(argc, argv); }
