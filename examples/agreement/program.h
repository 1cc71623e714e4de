#pragma once

#include <exception>
#include <iostream>

#include "rlhf/core/error.h"
#include "rlhf/core/message.h"

namespace agreement {

/// Runs `body` and turns an exception into one line and the exit code of its class, as the tools do.
template <typename Body>
int run_program(const Body& body) {
  try {
    body();
    return 0;
  } catch (const rlhf::Error& error) {
    std::cerr << "error: " << rlhf::message_line(error.what()) << "\n";
    return static_cast<int>(error.exit_code());
  } catch (const std::exception& error) {
    std::cerr << "internal error: " << rlhf::message_line(error.what()) << "\n";
    return 1;
  }
}

}  // namespace agreement
