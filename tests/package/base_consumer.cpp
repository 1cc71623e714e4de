// A program that needs no LibTorch.
#include "rlhf/text/prompt_template.h"

int main() { return rlhf::PromptTemplate("Q: {prompt}\nA:{completion}").prompt("1+1") == "Q: 1+1\nA:" ? 0 : 1; }
