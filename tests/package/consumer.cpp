// A program outside the project: one call of rlhf::base, one of rlhf::rlhf.
#include <iostream>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "rlhf/algo/kl.h"
#include "rlhf/text/prompt_template.h"

int main() {
  const rlhf::PromptTemplate question("Q: {prompt}\nA:{completion}");
  const double kl = rlhf::kl_k1(at::ones({3}), at::zeros({3})).sum().item<double>();
  std::cout << question.prompt("1+1") << " kl " << kl << "\n";
  return question.prompt("1+1") == "Q: 1+1\nA:" && kl == 3.0 ? 0 : 1;
}
