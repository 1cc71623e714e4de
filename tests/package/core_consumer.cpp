// A program that links one room.
#include "rlhf/core/utf8.h"

int main() { return !rlhf::first_invalid_utf8("caf\xc3\xa9") && rlhf::first_invalid_utf8("caf\xe9") == 3 ? 0 : 1; }
