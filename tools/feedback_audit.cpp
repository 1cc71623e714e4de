// rlhf-feedback audit: what judgments say about those who made them.
#include "feedback_audit.h"

#include <filesystem>
#include <utility>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/log.h"

#include "audit.h"
#include "command_line.h"
#include "front.h"
#include "output_file.h"

namespace rlhf {
namespace {

constexpr const char* kUsage =
    R"(usage: rlhf-feedback audit FILE [flags]

Says, before any training, what judgments are worth: how far annotators agree, what accuracy single votes can have, who
can be trusted, what annotators really pay for, and which records to look at. Intervals are at 95 %.
example: rlhf-feedback audit judgments.jsonl --html audit.html

  FILE                  JSONL, or JSON with one list of records (.gz too)
  --from FORMAT         format of FILE: judgments (default), or one that rlhf-feedback convert --help lists
  --json                print all figures as JSON
  --html FILE           write a page with tables and pictures
  --overwrite           replace the page if it exists
  --field NAME=THEIRS   the field NAME of the format is called THEIRS in FILE; repeat the flag for several
  --role ROLE           role of the annotators where FILE says none: crowd (default), expert (default for llmbar) or ai
  --annotator NAME      who judged, in formats that do not say it; default: the name of the format
  --help                print this text
)";

AuditedVotes read_votes(const FeedbackSource& source) {
  const FeedbackReading reading = reading_of(source);
  VoteCollector collector;
  const FeedbackCounts read = for_each_feedback(path_argument("FILE", source.file), reading,
                                                [&](const JudgedRecord& record) { collector.add(record); });
  for (const auto& [kind, count] : read.left_out) log_info("left out: " + kind + " (" + std::to_string(count) + ")");
  return collector.take(source.file);
}

}  // namespace

std::string audit_help() { return kUsage; }

void audit(const AuditOptions& options) {
  if (options.source.file.empty()) refuse("FILE", "a file to audit", "none");
  const std::filesystem::path page = path_argument("--html", options.html);
  check_output(page, options.overwrite);
  const Audit found = audit_votes(options.source.file, read_votes(options.source), {});
  if (!page.empty()) {
    make_parent_folder(page);
    write_file_atomically(page, to_html(found));
    log_info("wrote " + page.string());
  }
  print(options.json ? to_json(found) : to_text(found));
}

}  // namespace rlhf
