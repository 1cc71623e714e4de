// The accelerators in use: those of the build, or those that a test gives.
#include "tensor/accelerator.h"

#include "tensor/cuda_accelerator.h"

namespace rlhf {
namespace {

const Accelerator*& current() {
  static const Accelerator* accelerator = &cuda_accelerator();
  return accelerator;
}

}  // namespace

const Accelerator& accelerator() { return *current(); }
void set_accelerator(const Accelerator& other) { current() = &other; }

}  // namespace rlhf
