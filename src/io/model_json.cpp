#include "rlhf/io/model_json.h"

#include <algorithm>
#include <system_error>

#include "rlhf/core/atomic_file.h"
#include "rlhf/core/error.h"
#include "rlhf/core/utf8.h"
#include "rlhf/json/json_tree.h"

namespace rlhf {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kShownBytes = 80;
constexpr std::size_t kMaxKeys = 5'000'000;  // a tensor of a header has four

class Builder final : public JsonTreeBuilder {
 public:
  Builder(const std::string& where, std::size_t max_depth) : JsonTreeBuilder(max_depth, kMaxKeys), where_(where) {}

  bool parse_error(std::size_t, const std::string& token, const nlohmann::detail::exception& error) override {
    const auto* const syntax = dynamic_cast<const Json::parse_error*>(&error);
    if (syntax != nullptr) refuse("UTF-8 JSON", "a fault at byte " + std::to_string(syntax->byte));
    refuse("a number that fits 64 bits", shortened(token, kShownBytes));
  }

 protected:
  [[noreturn]] void refuse(const std::string& expected, const std::string& found) const override {
    throw ModelError(where_ + ": expected " + expected + ", found " + found);
  }

 private:
  const std::string& where_;
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
