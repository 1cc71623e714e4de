"""Prints what transformers gives for every chat template that TRL ships, and for those of a JSON file {name: source}."""
import importlib.util
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "golden" / "chat_template"))
try:
    import render
except ImportError as error:
    sys.exit(json.dump({"missing": f"transformers ({error})"}, sys.stdout))
from conversations import CONVERSATIONS

sources = {name: source for name, source in json.load(open(sys.argv[1])).items()}
trl = importlib.util.find_spec("trl")
if trl is None:
    sys.exit(json.dump({"missing": "trl"}, sys.stdout))
for path in sorted(pathlib.Path(trl.submodule_search_locations[0]).rglob("*.jinja")):
    sources["trl/" + path.stem] = path.read_text(encoding="utf-8")
cases = [{"template": name, "conversation": i, "prompt": prompt, **render.render(source, conversation, prompt)}
         for name, source in sources.items() for i, conversation in enumerate(CONVERSATIONS) for prompt in (False, True)]
json.dump({"now": render.NOW, "special_tokens": render.SPECIAL_TOKENS, "sources": sources, "conversations": CONVERSATIONS,
           "cases": cases}, sys.stdout)
