// Builds JSON values from parser events, with limits.
#include "rlhf/json/json_tree.h"

#include <utility>

#include "rlhf/core/utf8.h"

namespace rlhf {

using Json = nlohmann::ordered_json;

bool JsonTreeBuilder::string(string_t& value) {
  check_text(value);
  return add(std::move(value));
}

bool JsonTreeBuilder::start_object(std::size_t) {
  open(Json::object());
  keys_.emplace_back();
  return true;
}

bool JsonTreeBuilder::key(string_t& name) {
  constexpr std::size_t kShownBytes = 80;
  check_text(name);
  if (++num_keys_ > max_keys_) refuse("at most " + std::to_string(max_keys_) + " keys", "more");
  if (!keys_.back().insert(name).second)
    refuse("unique keys",
           shortened(Json(name).dump(-1, ' ', true, Json::error_handler_t::replace), kShownBytes) + " twice");
  key_ = std::move(name);
  return true;
}

bool JsonTreeBuilder::end_object() {
  keys_.pop_back();
  return end_array();
}

bool JsonTreeBuilder::end_array() {
  open_.pop_back();
  return true;
}

/// Adds the value to the open list or object and returns its address, which is stable while the value is open.
Json* JsonTreeBuilder::place(Json value) {
  if (open_.empty()) return &(root_ = std::move(value));
  if (open_.back()->is_array()) {
    open_.back()->push_back(std::move(value));
    return &open_.back()->back();
  }
  auto& object = open_.back()->get_ref<Json::object_t&>();
  return &object.emplace_back(std::move(key_), std::move(value)).second;  // the key is known to be new
}

bool JsonTreeBuilder::add(Json value) {
  place(std::move(value));
  return true;
}

bool JsonTreeBuilder::open(Json value) {
  if (open_.size() >= max_depth_) refuse("at most " + std::to_string(max_depth_) + " levels of nesting", "more");
  open_.push_back(place(std::move(value)));
  return true;
}

}  // namespace rlhf
