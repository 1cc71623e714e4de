#pragma once

#include <stdexcept>
#include <string>

namespace rlhf::jinja {

/// A fault of a template or of what it was given. It leaves this folder only as one of the project's own errors.
class TemplateError : public std::runtime_error {
 public:
  enum class Kind {
    syntax,  ///< cannot be compiled
    failed,  ///< failed while it rendered, or refused the conversation
    limit,   ///< ran over a limit
  };
  TemplateError(Kind kind, const std::string& what, int line = 0, int column = 0)
      : std::runtime_error(what), kind_(kind), line_(line), column_(column) {}
  Kind kind() const { return kind_; }
  int line() const { return line_; }      ///< 0: not known where it was thrown
  int column() const { return column_; }  ///< 0: not known

 private:
  Kind kind_;
  int line_, column_;
};

[[noreturn]] inline void fail(const std::string& what) { throw TemplateError(TemplateError::Kind::failed, what); }

}  // namespace rlhf::jinja
