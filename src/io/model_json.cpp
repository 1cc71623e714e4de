#include "rlhf/io/model_json.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/utf8.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kShownBytes = 80;
constexpr std::size_t kMaxKeys = 5'000'000;  // a tensor of a header has four

/// Builds the value. The library's own builder takes time quadratic in the keys of an ordered object, and in the
/// objects within one where it is asked to look at each.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(const std::string& where, std::size_t max_depth) : where_(where), max_depth_(max_depth) {}
  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON text has none

  bool start_object(std::size_t) override {
    open(Json::object());
    keys_.emplace_back();
    return true;
  }
  bool key(string_t& name) override {
    if (++num_keys_ > kMaxKeys) refuse("at most " + std::to_string(kMaxKeys) + " keys", "more");
    if (!keys_.back().insert(name).second) refuse("every key once", shown_json(name) + " twice");
    key_ = std::move(name);
    return true;
  }
  bool end_object() override {
    keys_.pop_back();
    return end_array();
  }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override {
    open_.pop_back();
    return true;
  }

  bool parse_error(std::size_t, const std::string& token, const nlohmann::detail::exception& error) override {
    const auto* const syntax = dynamic_cast<const Json::parse_error*>(&error);
    if (syntax != nullptr) refuse("UTF-8 JSON", "a fault at byte " + std::to_string(syntax->byte));
    refuse("a number that fits 64 bits", shortened(token, kShownBytes));
  }

 private:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const {
    throw ModelError(where_ + ": expected " + expected + ", found " + found);
  }
  /// Puts the value where it belongs and returns its place, which stays while the value is open.
  Json* place(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    auto& object = open_.back()->get_ref<Json::object_t&>();
    return &object.emplace_back(std::move(key_), std::move(value)).second;  // a new key
  }
  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (open_.size() >= max_depth_) refuse("at most " + std::to_string(max_depth_) + " levels of nesting", "more");
    open_.push_back(place(std::move(value)));
    return true;
  }

  const std::string& where_;
  const std::size_t max_depth_;
  Json root_;
  std::string key_;
  std::size_t num_keys_ = 0;
  std::vector<Json*> open_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
};

}  // namespace

Json parse_model_json(std::string_view text, const std::string& where, std::size_t max_depth) {
  const auto refuse = [&](const std::string& expected, const std::string& found) {
    throw ModelError(where + ": expected " + expected + ", found " + found);
  };
  // The parser would take a NUL for the end of the text and never see what follows.
  if (text.find('\0') != std::string_view::npos) refuse("JSON", "a NUL byte");
  Builder builder(where, max_depth);
  Json::sax_parse(text, &builder);
  Json value = builder.take();
  if (!value.is_object()) refuse("a JSON object", shown_json(value));
  return value;
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found;
}

Json read_model_json(const fs::path& file, std::size_t max_bytes) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (error) throw ModelError("reading " + file.string() + ": " + error.message());
  // A pipe would be waited for, a device read without an end.
  if (!fs::is_regular_file(status)) throw ModelError(file.string() + ": expected a regular file");
  const std::uintmax_t bytes = fs::file_size(file, error);
  if (!error && bytes > max_bytes) {
    throw ModelError(file.string() + ": expected at most " + std::to_string(max_bytes) + " bytes, found " +
                     std::to_string(bytes));
  }
  return parse_model_json(read_file(file, ExitCode::model), file.string());
}

std::string shown_json(const Json& value) {
  return shortened(value.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace), kShownBytes);
}

std::string shown_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  return plain && !name.empty() && name.size() <= kShownBytes ? name : shown_json(name);
}

}  // namespace rlhf
