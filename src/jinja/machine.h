#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "jinja/budget.h"
#include "jinja/value.h"

namespace rlhf::jinja {

/// The state of a rendering that filters, tests and functions can use.
struct Machine {
  Budget budget;
  std::int64_t now = 0;     ///< for strftime_now, local time in seconds since 1970-01-01 00:00
  bool autoescape = false;  ///< in an autoescape block: printed texts that are not markup are escaped
  int line = 0;             ///< line of the current expression, for messages
  int evaluations = 0;      ///< depth of nested evaluations
  /// All mutable objects. They can refer to each other in a cycle, so they are cleared at the end of the rendering.
  std::vector<std::shared_ptr<Object>> changeable;
};

/// Counts one evaluation and sets the line for messages. (After a failure the line keeps its value.)
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
