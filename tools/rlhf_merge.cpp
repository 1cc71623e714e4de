// rlhf-merge: an adapter and its base as one model.
// This program checks the command line and the config, then runs libexec/rlhf/rlhf-engine (tools/engine_main.cpp) with
// the same arguments.
#include "rlhf/config/merge_config.h"

#include "front.h"

int main(int argc, char** argv) { return rlhf::run_front<rlhf::MergeConfig>(argc, argv); }
