// rloo CONFIG.yaml [key=value …] [--resume]: REINFORCE with a leave-one-out baseline, implemented as a method.
#include "rloo.h"

#include <iostream>
#include <string>
#include <vector>

#include "rlhf/config/read_config.h"
#include "rlhf/core/error.h"
#include "rlhf/core/message.h"

int main(int argc, char** argv) try {
  std::vector<std::string> overrides(argv + std::min(argc, 2), argv + argc);
  const rlhf::RunOptions options{.resume = std::erase(overrides, "--resume") > 0};
  rlhf::install_signal_handlers();
  const auto config = rlhf::read_config<rloo::Config>(argc > 1 ? argv[1] : "", overrides);
  rloo::Method method(config);
  rlhf::run_method(method, rlhf::run_settings("rloo", config), options);
} catch (const rlhf::Error& error) {
  std::cerr << "error: " << rlhf::message_line(error.what()) << "\n";
  return static_cast<int>(error.exit_code());
}
