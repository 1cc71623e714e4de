// rlhf-generate: samples text from a model; implemented in tools/generate.cpp.
// This program checks the command line and the config, then runs libexec/rlhf/rlhf-engine (tools/engine_main.cpp) with
// the same arguments.
#include "rlhf/config/generate_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::GenerateConfig>(argc, argv); }
