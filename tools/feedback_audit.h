#pragma once

#include <string>

#include "feedback_source.h"

namespace rlhf {

/// The command line of rlhf-feedback audit.
struct AuditOptions {
  FeedbackSource source{.file = "", .from = "judgments", .annotator = "", .role = "", .fields = {}};
  std::string html;  ///< file of the page; "": none
  bool json = false, overwrite = false;
};

/// The text of --help.
std::string audit_help();

/// Prints the audit of a file and writes its page. Throws ConfigError, DataError and OutputError.
void audit(const AuditOptions& options);

}  // namespace rlhf
