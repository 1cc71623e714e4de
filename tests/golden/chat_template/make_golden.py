"""Writes snippets.json and chats.json: what transformers and its Jinja2 give for snippets.py and templates/."""
import json
import pathlib
import re

import conversations
import render
import snippets
import transformers.utils.chat_template_utils as chat

HERE = pathlib.Path(__file__).parent
NAMED = HERE.parents[2] / "src" / "text" / "chat_named.cpp"


def snippet_result(source):
    try:
        template = chat._compile_jinja_template(source)
    except Exception:
        return {"template": source, "error": "compiling"}
    try:
        return {"template": source, "text": template.render(**json.loads(json.dumps(snippets.VARIABLES)))}
    except Exception as error:
        return {"template": source, "error": f"rendering: {type(error).__name__}: {error}"}


def named_sources():
    code = NAMED.read_text(encoding="utf-8")
    sources = dict(re.findall(r'constexpr std::string_view k(\w+) = R"\((.*?)\)";', code, re.DOTALL))
    common = sources.pop("TextOf")
    return {name.lower(): common + source for name, source in sources.items()}


def chat_results(sources):
    for name, source in sorted(sources.items()):
        for conversation in conversations.CONVERSATIONS:
            for prompt in (False, True):
                yield {"template": name, "conversation": conversation["name"], "prompt": prompt,
                       **render.render(source, conversation, prompt)}


def write(name, data):
    (HERE / name).write_text(json.dumps(data, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


write("snippets.json", {"now": render.NOW, "variables": snippets.VARIABLES, "snippets": [snippet_result(s) for s in snippets.all_snippets()]})
own = {path.stem: path.read_text(encoding="utf-8") for path in sorted((HERE / "templates").glob("*.jinja"))}
write("chats.json", {"now": render.NOW, "special_tokens": render.SPECIAL_TOKENS,
                     "conversations": conversations.CONVERSATIONS,
                     "own": list(chat_results(own)), "named": list(chat_results(named_sources()))})
