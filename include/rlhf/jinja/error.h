#pragma once

#include <stdexcept>
#include <string>

namespace rlhf::jinja {

/// A fault of a template or of its input. Room `text` turns it into a ModelError or DataError.
class TemplateError : public std::runtime_error {
 public:
  enum class Kind {
    syntax,  ///< cannot be compiled
    failed,  ///< failed while it rendered, or refused the conversation
    limit,   ///< exceeded a limit
  };
  TemplateError(Kind kind, const std::string& what, int line = 0, int column = 0)
      : std::runtime_error(what), kind_(kind), line_(line), column_(column) {}
  Kind kind() const { return kind_; }
  int line() const { return line_; }      ///< 0 if unknown
  int column() const { return column_; }  ///< 0 if unknown

 private:
  Kind kind_;
  int line_, column_;
};

[[noreturn]] inline void fail(const std::string& what) { throw TemplateError(TemplateError::Kind::failed, what); }

}  // namespace rlhf::jinja
