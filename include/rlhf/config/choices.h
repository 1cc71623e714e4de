#pragma once

/// Choices a config can make, as enums: a `switch` over them is checked by the compiler. Standard library only, so that
/// every room may include it. Enumerators are spelt as in YAML (a trailing underscore keeps off C++ keywords).
namespace rlhf {

enum class DeviceChoice { auto_, cpu, cuda };
enum class DtypeChoice { auto_, float32, bfloat16 };
enum class TrainOn { completion, last_turn, all };
enum class OverLength { drop, truncate, error };
enum class LrScheduleKind { constant, linear, cosine };
enum class KlControllerKind { fixed, adaptive };
enum class MissingEos { replace, subtract, none };
enum class CenterOn { chosen, all, none };

}  // namespace rlhf
