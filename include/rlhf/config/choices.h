#pragma once

/// The options of a config that are choices, as enums, so that the compiler checks a `switch` over them. Uses only the
/// standard library, so that every room may include it. Enumerators are the names in YAML (with a trailing underscore
/// if the name is a C++ keyword).
namespace rlhf {

enum class DeviceChoice { auto_, cpu, cuda };
enum class DtypeChoice { auto_, float32, bfloat16 };
enum class TrainOn { completion, last_turn, each_turn, all };
enum class OverLength { drop, truncate, split, error };
enum class OverLengthPrompt { drop, truncate, error };
enum class LongPrompt { skip, truncate_left, error };
enum class TruncationSide { right, left };
enum class SampleBy { line, paragraph, document };
enum class LrScheduleKind { constant, linear, cosine };
enum class KlControllerKind { fixed, adaptive };
enum class MissingEos { replace, subtract, none };
enum class CenterOn { chosen, all, none };

}  // namespace rlhf
