"""Conversations that every chat template is asked for."""


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def system(content):
    return {"role": "system", "content": content}


def call(name, arguments, **more):
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def result(name, content, **more):
    return {"role": "tool", "name": name, "content": content, **more}


def text(content):
    return {"type": "text", "text": content}


WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a town.",
    "parameters": {"type": "object", "properties": {
        "town": {"type": "string", "description": "Name, e.g. \"Köln\""},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
        "days": {"type": "array", "items": {"type": "integer"}},
        "where": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": ["number", "null"]}},
                  "required": ["lat"]}}, "required": ["town"]},
    "return": {"type": "string", "description": "A sentence."}}}
ADD = {"type": "function", "function": {
    "name": "add", "description": "Adds numbers.\nAny number of them.",
    "parameters": {"type": "object", "properties": {"a": {"type": "number", "description": "first"},
                                                    "b": {"type": "number", "nullable": True}},
                   "required": ["a", "b"]}}}
NOTHING = {"type": "function", "function": {"name": "ping", "description": "No parameters.",
                                            "parameters": {"type": "object", "properties": {}}}}

ASKED = [user("Weather in Köln?"),
         assistant("", tool_calls=[call("get_weather", {"town": "Köln", "unit": "celsius", "days": [1, 2]}, id="c1aaaaaaa")]),
         result("get_weather", "22 °C", tool_call_id="c1aaaaaaa"), assistant("It is 22 °C.")]

CONVERSATIONS = [
    {"name": "one question", "messages": [user("Hi")]},
    {"name": "question and answer", "messages": [user("What is 2+2?"), assistant("4")]},
    {"name": "system", "messages": [system("Be brief."), user("Hi"), assistant("Hello.")]},
    {"name": "several turns", "messages": [user("a"), assistant("b"), user("c"), assistant("d"), user("e")]},
    {"name": "several turns with system", "messages": [system("S"), user("a"), assistant("b"), user("c"), assistant("d")]},
    {"name": "white space", "messages": [system("  S \n"), user("\n a \n"), assistant("  b\n\n"), user("\tc")]},
    {"name": "empty contents", "messages": [system(""), user(""), assistant("")]},
    {"name": "unicode", "messages": [user("Grüße 日本語 🙂 e\u0301\u200d"), assistant("Жук \u00a0ß\u2028!")]},
    {"name": "markup", "messages": [user("<b>&amp; \"it's\"</b> {{ x }} {% y %}"), assistant("<|im_end|></s>")]},
    {"name": "reasoning content", "messages": [user("a"), assistant("b", reasoning_content="Hm.\nSo b."), user("c"),
                                               assistant("d", reasoning_content="Then d.")]},
    {"name": "thinking", "messages": [user("a"), assistant("b", thinking="It is b.")]},
    {"name": "think tags", "messages": [user("a"), assistant("<think>\nwhy\n</think>\n\nb"), user("c"),
                                        assistant("<think>because</think>d")]},
    {"name": "thinking switched off", "messages": [user("a")], "variables": {"enable_thinking": False}},
    {"name": "thinking switched on", "messages": [system("S"), user("a")],
     "variables": {"enable_thinking": True, "reasoning_effort": "high"}},
    {"name": "tools", "messages": [user("Weather?")], "tools": [WEATHER]},
    {"name": "tools and system", "messages": [system("Use tools."), user("Weather?")], "tools": [WEATHER, ADD, NOTHING]},
    {"name": "tool call", "messages": ASKED, "tools": [WEATHER]},
    {"name": "tool call without tools", "messages": ASKED},
    {"name": "tool call and on", "messages": [system("S")] + ASKED + [user("Thanks"), assistant("Welcome.")], "tools": [WEATHER]},
    {"name": "two tool calls", "tools": [ADD, WEATHER], "messages": [
        user("Both?"),
        assistant("Let me see.", tool_calls=[call("add", {"a": 1, "b": 2.5}, id="c2aaaaaaa"),
                                             call("get_weather", {"town": "A\"b", "where": {"lat": 1e-7, "lon": None}}, id="c3aaaaaaa")]),
        result("add", "3.5", tool_call_id="c2aaaaaaa"), result("get_weather", "rain", tool_call_id="c3aaaaaaa"),
        assistant("3.5 and rain.")]},
    {"name": "last message is a result", "messages": ASKED[:3], "tools": [WEATHER]},
    {"name": "last message is a call", "messages": ASKED[:2], "tools": [WEATHER]},
    {"name": "call without content", "tools": [NOTHING], "messages": [
        user("ping"), {"role": "assistant", "tool_calls": [call("ping", {})]}, result("ping", "pong"), assistant("done")]},
    {"name": "call with null content", "tools": [NOTHING], "messages": [
        user("ping"), assistant(None, tool_calls=[call("ping", {}, id="c4aaaaaaa")])]},
    {"name": "nulls of an export", "tools": [NOTHING], "messages": [
        {"role": "user", "content": "ping", "tool_calls": None, "name": None, "tool_call_id": None},
        {"role": "assistant", "content": None, "reasoning_content": None, "tool_calls": [call("ping", {}, id="c7aaaaaaa")]},
        {"role": "tool", "content": "pong", "tool_calls": None, "name": "ping", "tool_call_id": "c7aaaaaaa"},
        {"role": "assistant", "content": "done", "tool_calls": None, "thinking": "so"}]},
    {"name": "result as a mapping", "tools": [WEATHER], "messages": ASKED[:2] + [
        result("get_weather", {"output": "22 °C", "ok": True}, tool_call_id="c1aaaaaaa")]},
    {"name": "arguments as text", "tools": [ADD], "messages": [
        user("add"), assistant("", tool_calls=[call("add", "{\"a\": 1, \"b\": 2}", id="c5aaaaaaa")])]},
    {"name": "call with reasoning", "tools": [ADD], "messages": [
        user("add"), assistant("", reasoning_content="Use the tool.", tool_calls=[call("add", {"a": 1, "b": 2}, id="c6aaaaaaa")]),
        result("add", "3", tool_call_id="c6aaaaaaa"), assistant("3", reasoning_content="Got it.")]},
    {"name": "parts", "messages": [system("S"), user([text("Hello "), text("there")]), assistant([text("Hi.")])]},
    {"name": "all parts", "messages": [{"role": "system", "content": [text("S")]}, user([text("a")]),
                                       assistant([text("b")]), user([text("c")])]},
    {"name": "image", "messages": [user([{"type": "image"}, text("What is it?")]), assistant([text("A cat.")])]},
    {"name": "result as parts", "tools": [ADD], "messages": ASKED[:2] + [result("get_weather", [text("22")])]},
    {"name": "answer first", "messages": [assistant("I begin."), user("Fine.")]},
    {"name": "same role twice", "messages": [user("a"), user("b"), assistant("c"), assistant("d")]},
    {"name": "system later", "messages": [user("a"), system("S"), user("b")]},
    {"name": "unknown role", "messages": [{"role": "narrator", "content": "Once."}, user("a")]},
    {"name": "developer", "messages": [{"role": "developer", "content": "D"}, user("a"), assistant("b")]},
    {"name": "no messages", "messages": []},
]
