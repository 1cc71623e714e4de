// rlhf-generate: text from a model; the work is in tools/generate.cpp.
// This program reads and checks the command line and the config; libexec/rlhf/rlhf-engine (tools/engine_main.cpp) does
// the rest with the same arguments.
#include "rlhf/config/generate_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::GenerateConfig>(argc, argv); }
