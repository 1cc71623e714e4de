#include "train/fingerprint.h"

#include <gtest/gtest.h>

#include "support/named_gpus.h"
#include "tensor/cuda_accelerator.h"

namespace rlhf {
namespace {

using testing::NamedGpus;

Fingerprint machine(at::Device device) {
  Setup setup;
  setup.compute = {.device = device};
  Fingerprint fingerprint;
  add_machine(fingerprint, setup, /*micro_batch_tokens=*/1);
  return fingerprint;
}

TEST(MachineFingerprint, TellsArchitecturesApartButNotGpus) {
  const NamedGpus gpus(3);
  set_accelerator(gpus);
  const Fingerprint old = machine({NamedGpus::kType, 0}), first = machine({NamedGpus::kType, 1}),
                    second = machine({NamedGpus::kType, 2});
  set_accelerator(cuda_accelerator());
  EXPECT_EQ(first, second);
  EXPECT_EQ(old.at("machine.instruction_set"), "sm_75");
  EXPECT_EQ(first.at("machine.instruction_set"), "sm_90");
  EXPECT_NE(first.at("machine.device"), machine(at::kCPU).at("machine.device"));
}

}  // namespace
}  // namespace rlhf
