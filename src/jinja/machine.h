#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "jinja/budget.h"
#include "jinja/value.h"

namespace rlhf::jinja {

/// What every filter, test and function may use while a template renders.
struct Machine {
  Budget budget;
  std::optional<std::int64_t> now;  ///< for strftime_now, seconds since 1970
  int line = 0;                     ///< of what is being evaluated, for messages
  int evaluations = 0;              ///< inside each other
  /// Objects that can change may hold each other in a ring: whoever renders empties them at the end.
  std::vector<std::shared_ptr<Object>> changeable;
};

/// One evaluation: counted, and its line named in messages. (A failure leaves the line as it is.)
class Evaluation {
 public:
  Evaluation(Machine& machine, int line) : machine_(machine), outer_line_(machine.line) {
    machine.budget.step();
    machine.line = line;
    if (machine.evaluations >= kMaxEvaluation) Budget::stop("evaluation nested deeper than 1000");
    ++machine.evaluations;
  }
  ~Evaluation() { --machine_.evaluations; }
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;
  void done() { machine_.line = outer_line_; }

 private:
  Machine& machine_;
  int outer_line_;
};

}  // namespace rlhf::jinja
