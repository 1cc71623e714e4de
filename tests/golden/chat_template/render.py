"""What transformers gives for a chat template: text and spans in bytes, or that it fails."""
import datetime
import json

import transformers.utils.chat_template_utils as chat

NOW = 1750000000  # 2025-06-15


class FixedTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.utcfromtimestamp(NOW)


chat.datetime = FixedTime
SPECIAL_TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


def render(source, conversation, prompt):
    # Conversations pass through JSON on the other side too.
    conversation = json.loads(json.dumps(conversation))
    marks = "endgeneration" in source
    try:
        texts, spans = chat.render_jinja_template(
            [chat._normalize_chat_messages(conversation["messages"])], tools=conversation.get("tools"), chat_template=source,
            add_generation_prompt=prompt, return_assistant_tokens_mask=marks, **SPECIAL_TOKENS,
            **conversation.get("variables", {}))
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    text = texts[0]
    text.encode()  # a lone surrogate would be no text
    ends = lambda end: len(text[:end].encode())
    spans = [[ends(begin), ends(end)] for begin, end in spans[0] if begin < end] if marks else []
    return {"text": text, "spans": spans}


def compile_only(source):
    chat._compile_jinja_template(source)
