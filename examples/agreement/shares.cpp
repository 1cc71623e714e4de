// Counts what the answers of a policy state.
#include "shares.h"

namespace agreement {
namespace {

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double Tally::accuracy() const { return share(stated_sum, answers); }
double Tally::agreement() const { return share(stated_hint, answers); }

void Shares::add(int sum, std::optional<int> hint, const std::string& answer) {
  const std::optional<int> stated = stated_number(answer);
  Tally* tally = &plain;
  switch (kind_of(sum, hint)) {
    case Kind::plain:
      break;
    case Kind::right_hint:
      tally = &right_hint;
      break;
    case Kind::wrong_hint:
      tally = &wrong_hint;
      break;
  }
  tally->answers += 1;
  tally->stated_sum += stated == sum;
  tally->stated_hint += hint && stated == hint;
}

}  // namespace agreement
