// Compares the tokens of two models of a run.
#include "rlhf/train/same_tokens.h"

#include "rlhf/core/error.h"
#include "rlhf/json/json_reader.h"

namespace rlhf {

void check_same_tokens(const Tokenizer& sampled, const ModelFolder& folder, const std::string& key,
                       const std::string& other) {
  const std::string where = key + ": " + folder.path.string() + ": expected the tokenizer of " + other + ", found ";
  constexpr const char* kHint = "; hint: the models of a run need the same tokens, so start them from the same model";
  if (has_tokenizer(folder.tokenizer_path())) {
    const auto own = load_tokenizer(folder.tokenizer_path(), folder.shape.vocab_size);
    if (const auto id = first_difference(sampled, *own))
      throw ModelError(where + "another one: id " + std::to_string(*id) + " is " +
                       (own->has(*id) ? shown_json(own->piece(*id)) : "no token") + " instead of " +
                       shown_json(sampled.piece(*id)) + kHint);
  }
  if (sampled.vocab_size() > folder.shape.vocab_size)
    throw ModelError(where + "a model of " + std::to_string(folder.shape.vocab_size) + " ids, fewer than its " +
                     std::to_string(sampled.vocab_size()) + " tokens" + kHint);
}

}  // namespace rlhf
