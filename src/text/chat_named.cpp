// Built-in chat templates for folders without one. The formats are those of the models' documentation.
#include <iterator>
#include <string_view>
#include <utility>

#include "rlhf/core/error.h"
#include "rlhf/text/chat_template.h"

namespace rlhf {
namespace {

// Every template begins with this macro: content is a text, or a list of parts of which the texts are used.
constexpr std::string_view kTextOf = R"({%- macro text_of(content) -%}
  {%- if content is string -%}{{ content }}
  {%- elif content is not none -%}
    {%- for part in content -%}
      {%- if part is string -%}{{ part }}
      {%- elif part.type == 'text' -%}{{ part.text }}
      {%- else -%}{{ raise_exception('content parts of type ' ~ part.type ~ ' are not supported') }}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
)";

constexpr std::string_view kChatml = R"({%- for message in messages -%}
{{ '<|im_start|>' ~ message.role ~ '\n' ~ text_of(message.content) ~ '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%})";

constexpr std::string_view kLlama3 = R"({{- bos_token -}}
{%- for message in messages -%}
{{ '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\n\n' ~ text_of(message.content) | trim ~ '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif -%})";

constexpr std::string_view kZephyr = R"({%- for message in messages -%}
{{ '<|' ~ message.role ~ '|>\n' ~ text_of(message.content) ~ eos_token ~ '\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|assistant|>\n' }}{%- endif -%})";

constexpr std::string_view kPhi3 = R"({{- bos_token -}}
{%- for message in messages -%}
{{ '<|' ~ message.role ~ '|>\n' ~ text_of(message.content) ~ '<|end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|assistant|>\n' }}{%- endif -%})";

constexpr std::string_view kGemma = R"({{- bos_token -}}
{%- for message in messages -%}
{%- if message.role == 'system' -%}{{ raise_exception('gemma has no system role') }}{%- endif -%}
{%- set role = 'model' if message.role == 'assistant' else message.role -%}
{{ '<start_of_turn>' ~ role ~ '\n' ~ text_of(message.content) | trim ~ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%})";

// User and assistant alternate; a system message becomes part of the first user turn.
constexpr std::string_view kLlama2 = R"({%- set ns = namespace(system='') -%}
{%- for message in messages -%}
{%- set text = text_of(message.content) | trim -%}
{%- if message.role == 'system' and loop.first -%}{%- set ns.system = '<<SYS>>\n' ~ text ~ '\n<</SYS>>\n\n' -%}
{%- elif message.role == 'user' -%}{{ bos_token ~ '[INST] ' ~ ns.system ~ text ~ ' [/INST]' }}{%- set ns.system = '' -%}
{%- elif message.role == 'assistant' -%}{{ ' ' ~ text ~ ' ' ~ eos_token }}
{%- else -%}{{ raise_exception('llama2 has no role ' ~ message.role ~ ' here') }}
{%- endif -%}
{%- endfor -%})";

constexpr std::string_view kMistral = R"({{- bos_token -}}
{%- set ns = namespace(system='') -%}
{%- for message in messages -%}
{%- set text = text_of(message.content) -%}
{%- if message.role == 'system' and loop.first -%}{%- set ns.system = text ~ '\n\n' -%}
{%- elif message.role == 'user' -%}{{ '[INST] ' ~ ns.system ~ text ~ ' [/INST]' }}{%- set ns.system = '' -%}
{%- elif message.role == 'assistant' -%}{{ ' ' ~ text ~ eos_token }}
{%- else -%}{{ raise_exception('mistral has no role ' ~ message.role ~ ' here') }}
{%- endif -%}
{%- endfor -%})";

constexpr std::string_view kAlpaca = R"({%- if not messages or messages[0].role != 'system' -%}
{{ 'Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n' }}
{%- endif -%}
{%- for message in messages -%}
{%- set text = text_of(message.content) -%}
{%- if message.role == 'system' and loop.first -%}{{ text ~ '\n\n' }}
{%- elif message.role == 'user' -%}{{ '### Instruction:\n' ~ text ~ '\n\n' }}
{%- elif message.role == 'assistant' -%}{{ '### Response:\n' ~ text ~ eos_token ~ '\n\n' }}
{%- else -%}{{ raise_exception('alpaca has no role ' ~ message.role ~ ' here') }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '### Response:\n' }}{%- endif -%})";

constexpr std::string_view kVicuna = R"({%- if not messages or messages[0].role != 'system' -%}
{{ 'A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user\'s questions. ' }}
{%- endif -%}
{%- for message in messages -%}
{%- set text = text_of(message.content) -%}
{%- if message.role == 'system' and loop.first -%}{{ text ~ ' ' }}
{%- elif message.role == 'user' -%}{{ 'USER: ' ~ text ~ ' ' }}
{%- elif message.role == 'assistant' -%}{{ 'ASSISTANT: ' ~ text ~ eos_token }}
{%- else -%}{{ raise_exception('vicuna has no role ' ~ message.role ~ ' here') }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ 'ASSISTANT:' }}{%- endif -%})";

struct Named {
  const char* name;
  std::string_view source;
  const char *bos, *eos;  // the defaults of the format
};
constexpr Named kNamed[] = {
    {"alpaca", kAlpaca, "<s>", "</s>"},
    {"chatml", kChatml, "", "<|im_end|>"},
    {"gemma", kGemma, "<bos>", "<eos>"},
    {"llama2", kLlama2, "<s>", "</s>"},
    {"llama3", kLlama3, "<|begin_of_text|>", "<|eot_id|>"},
    {"mistral", kMistral, "<s>", "</s>"},
    {"phi3", kPhi3, "<s>", "<|endoftext|>"},
    {"vicuna", kVicuna, "<s>", "</s>"},
    {"zephyr", kZephyr, "<s>", "</s>"},
};

}  // namespace

ChatTemplate named_chat_template(const std::string& name, Json special_tokens) {
  if (special_tokens.is_null()) special_tokens = Json::object();
  std::string names;
  for (const Named& one : kNamed) {
    if (one.name == name) {
      if (!special_tokens.contains("bos_token")) special_tokens["bos_token"] = one.bos;
      if (!special_tokens.contains("eos_token")) special_tokens["eos_token"] = one.eos;
      return ChatTemplate(std::string(kTextOf) + std::string(one.source), std::move(special_tokens), name);
    }
    names += (names.empty() ? "" : ", ") + std::string(one.name);
  }
  throw ConfigError({"chat template: expected one of " + names + ", found \"" + name + "\""});
}

}  // namespace rlhf
