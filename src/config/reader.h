#pragma once

#include <map>
#include <string>
#include <vector>

#include "rlhf/config/options.h"
#include "rlhf/config/validate.h"

#include "config/document.h"

namespace rlhf {

/// The faults found so far, and the places at which keys were set, so that rules can report a place.
class FaultList {
 public:
  /// Adds "file:line: key: message". Rules that involve this key are then not reported.
  void add(const std::string& source, int line, const std::string& key, const std::string& message);
  void add_line(const std::string& line);
  void add_issue(const Issue& issue, const std::string& file);
  void mark_said(const std::string& key, const std::string& source, int line);
  void mark_faulty(const std::string& key) { faulty_.push_back(key); }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  bool is_faulty(const std::string& key) const;

  std::vector<std::string> lines_;
  std::vector<std::string> faulty_;
  std::map<std::string, std::string> places_;
};

/// Reads a document or an override into bound options and reports its faults.
class Reader {
 public:
  Reader(const Section& root, std::string source, FaultList& faults)
      : root_(root), source_(std::move(source)), faults_(faults) {}
  void read(const Node& document) { read_section(root_, document, ""); }

 private:
  void read_section(const Section& section, const Node& node, const std::string& path);
  void read_option(const Option& option, const Node& node, const std::string& path);
  void read_paths(const Option& option, const Node& node, const std::string& path);
  void read_list(const StructList& list, const Node& node, const std::string& path);
  void read_single(const StructList& list, const Node& node, const std::string& path);
  void read_item(const StructList& list, const Section& item, const Node& node, const std::string& path);
  void report_unknown(const Node& node, const std::string& section_path, const std::string& path);
  void report_mismatch(const Option& option, const Node& node, const std::string& path);
  bool is_duplicate(const Node& parent, const Node& child, const std::string& path);

  const Section& root_;
  std::string source_;
  FaultList& faults_;
};

}  // namespace rlhf
