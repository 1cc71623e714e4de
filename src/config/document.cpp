// Parses YAML and JSON files to trees with line numbers.
#include "config/document.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <tuple>
#include <utility>

#include <nlohmann/json.hpp>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "rlhf/core/error.h"
#include "rlhf/core/message.h"
#include "rlhf/core/read_file.h"
#include "rlhf/core/utf8.h"

#include "config/phrases.h"

namespace rlhf {
namespace {

constexpr std::size_t kMaxDepth = 32;

[[noreturn]] void refuse(const std::string& source, int line, const std::string& message) {
  throw ConfigError({one_line(source + (line > 0 ? ":" + std::to_string(line) : "") + ": " + message)});
}

/// Builds a tree from the events of a parser.
class TreeBuilder {
 public:
  explicit TreeBuilder(std::string source) : source_(std::move(source)) {}

  void key(std::string text, int line) { open_.back().next_key = {std::move(text), line}; }
  bool expects_key() const {
    return !open_.empty() && open_.back().node.kind == Node::Kind::map && !open_.back().next_key;
  }

  void add(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = open_.back();
    if (parent.next_key) std::tie(node.key, node.line) = *std::exchange(parent.next_key, std::nullopt);
    parent.node.children.push_back(std::move(node));
  }
  void open(Node::Kind kind, int line) {
    if (open_.size() == kMaxDepth) fail(line, "nested deeper than " + std::to_string(kMaxDepth));
    open_.push_back({Node{.kind = kind, .line = line}, std::nullopt});
  }
  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }
  [[noreturn]] void fail(int line, const std::string& message) const { refuse(source_, line, message); }
  Node take() { return std::move(root_); }

 private:
  struct Frame {
    Node node;
    std::optional<std::pair<std::string, int>> next_key;
  };
  std::string source_;
  std::vector<Frame> open_;
  Node root_;
};

class YamlEvents : public YAML::EventHandler {
 public:
  explicit YamlEvents(TreeBuilder& tree) : tree_(tree) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) tree_.fail(mark.line + 1, "expected one document, found a second one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { scalar(mark, Node{.line = mark.line + 1}); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    refuse_tag(mark, tag);
    scalar(mark, Node{.kind = Node::Kind::scalar, .text = value, .quoted = tag == "!", .line = mark.line + 1});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark, tag);
  }
  void OnSequenceEnd() override { tree_.close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark, tag);
  }
  void OnMapEnd() override { tree_.close(); }
  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    tree_.fail(mark.line + 1,
               "anchors are not supported, found `&" + name + "`; hint: write the value out, or quote it");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    tree_.fail(mark.line + 1, "aliases are not supported; hint: write the value out, or quote it");
  }

 private:
  void scalar(const YAML::Mark& mark, Node node) {
    if (!tree_.expects_key()) return tree_.add(std::move(node));
    if (node.kind == Node::Kind::null) tree_.fail(mark.line + 1, "expected a key, found nothing");
    tree_.key(std::move(node.text), mark.line + 1);
  }
  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    refuse_tag(mark, tag);
    if (tree_.expects_key()) tree_.fail(mark.line + 1, "expected a key, found a list or a map; hint: quote it");
    tree_.open(kind, mark.line + 1);
  }
  /// "?" marks a value without a tag and "!" a quoted one.
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag.size() > 1) tree_.fail(mark.line + 1, "tags are not supported, found `" + tag + "`; hint: quote the value");
  }

  TreeBuilder& tree_;
  int documents_ = 0;
};

Node parse_yaml(const std::string& text, const std::string& source) {
  TreeBuilder tree(source);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    YamlEvents events(tree);
    while (parser.HandleNextDocument(events)) {
    }
  } catch (const YAML::Exception& e) {
    tree.fail(e.mark.line + 1, "invalid YAML at column " + std::to_string(e.mark.column + 1) + ": " + e.msg);
  }
  return tree.take();
}

/// Counts the lines that the JSON lexer has consumed, because its events have no line numbers.
class LineCounter {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  LineCounter(const char* at, int* line) : at_(at), line_(line) {}
  reference operator*() const { return *at_; }
  LineCounter& operator++() {
    *line_ += *at_ == '\n';
    ++at_;
    return *this;
  }
  bool operator==(const LineCounter& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  int* line_;
};

class JsonEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonEvents(TreeBuilder& tree, const int& line) : tree_(tree), line_(line) {}

  bool null() override { return add({}); }
  bool boolean(bool value) override { return plain(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return plain(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return plain(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return plain(text); }
  bool string(string_t& text) override { return add({.kind = Node::Kind::scalar, .text = text, .quoted = true}); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Node::Kind::map); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Node::Kind::list); }
  bool end_array() override { return close(); }
  bool key(string_t& text) override {
    tree_.key(text, line_);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& e) override {
    const std::string message = e.what();
    const std::size_t detail = message.find(": ");
    tree_.fail(line_, "invalid JSON: " + message.substr(detail == std::string::npos ? 0 : detail + 2));
  }

 private:
  bool plain(std::string text) { return add({.kind = Node::Kind::scalar, .text = std::move(text)}); }
  bool add(Node node) {
    node.line = line_;
    tree_.add(std::move(node));
    return true;
  }
  bool open(Node::Kind kind) {
    tree_.open(kind, line_);
    return true;
  }
  bool close() {
    tree_.close();
    return true;
  }

  TreeBuilder& tree_;
  const int& line_;
};

Node parse_json(const std::string& text, const std::string& source) {
  TreeBuilder tree(source);
  int line = 1;
  JsonEvents events(tree, line);
  nlohmann::json::sax_parse(LineCounter(text.data(), &line), LineCounter(text.data() + text.size(), &line), &events);
  return tree.take();
}

void forget_lines(Node& node) {
  node.line = 0;
  for (Node& child : node.children) forget_lines(child);
}

/// Parses the right side of an override.
Node parse_value(std::string_view text) {
  const Node plain{.kind = text.empty() || text == "null" || text == "~" ? Node::Kind::null : Node::Kind::scalar,
                   .text = std::string(text),
                   .as_text = std::string(text)};
  const bool is_quoted = text.starts_with('"') || text.starts_with('\'');
  const bool is_flow = text.starts_with('[') || text.starts_with('{');
  if (!is_quoted && !is_flow) return plain;
  try {
    Node node = parse_yaml(std::string(text), "");
    if (is_flow) node.as_text = text;
    forget_lines(node);
    return node;
  } catch (const ConfigError&) {
    return plain;  // "{prompt}\n{completion}" is not YAML but a valid template; other options refuse the text
  }
}

std::string text_of(const std::filesystem::path& file) try {
  return read_file(file, ExitCode::usage, kMaxConfigBytes);
} catch (const Error& error) {
  throw ConfigError({one_line(error.what())});
}

}  // namespace

Node load_document(const std::filesystem::path& file) {
  const std::string source = file.string();
  const std::string text = text_of(file);
  if (const auto at = first_invalid_utf8(text)) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*at), '\n');
    refuse(source, static_cast<int>(line), "expected UTF-8 text, found an invalid byte");
  }
  return file.extension() == ".json" ? parse_json(text, source) : parse_yaml(text, source);
}

Node parse_override(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    refuse("command line", 0, "expected key=value, found `" + std::string(text) + "`");
  }
  Node node = parse_value(text.substr(equals + 1));
  std::string_view path = text.substr(0, equals);
  while (true) {
    const std::size_t dot = path.rfind('.');
    node.key = path.substr(dot == std::string_view::npos ? 0 : dot + 1);
    Node parent{.kind = Node::Kind::map};
    parent.children.push_back(std::move(node));
    node = std::move(parent);
    if (dot == std::string_view::npos) return node;
    path = path.substr(0, dot);
  }
}

}  // namespace rlhf
