#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace rlhf {

/// Builds the value of an untrusted JSON text: without recursion, with at most `max_depth` levels and `max_keys` keys,
/// and without duplicate keys. (The builder of nlohmann::json takes quadratic time in the number of keys of an ordered
/// object, and of list elements if a callback is used.) A derived class reports errors: it implements refuse() and
/// parse_error().
class JsonTreeBuilder : public nlohmann::json_sax<nlohmann::ordered_json> {
 public:
  JsonTreeBuilder(std::size_t max_depth, std::size_t max_keys) : max_depth_(max_depth), max_keys_(max_keys) {}
  nlohmann::ordered_json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override;
  bool binary(binary_t&) override { return false; }  // JSON text has none
  bool start_object(std::size_t) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool start_array(std::size_t) override { return open(nlohmann::ordered_json::array()); }
  bool end_array() override;

 protected:
  [[noreturn]] virtual void refuse(const std::string& expected, const std::string& found) const = 0;
  /// Called for every string and key.
  virtual void check_text(const std::string&) const {}

 private:
  nlohmann::ordered_json* place(nlohmann::ordered_json value);
  bool add(nlohmann::ordered_json value);
  bool open(nlohmann::ordered_json value);

  const std::size_t max_depth_, max_keys_;
  std::size_t num_keys_ = 0;
  nlohmann::ordered_json root_;
  std::string key_;
  std::vector<nlohmann::ordered_json*> open_;
  std::vector<std::set<std::string>> keys_;  // keys of the objects that are open
};

}  // namespace rlhf
