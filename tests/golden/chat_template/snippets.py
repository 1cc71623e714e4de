"""Small templates and the variables that all of them see. make_golden.py asks Jinja2 what they give."""
import pathlib


VARIABLES = {
    "n": 7, "zero": 0, "neg": -3, "x": 2.5, "big": 1e22, "tiny": 1e-7, "yes": True, "no": False, "nothing": None,
    "empty": "", "word": "Hello", "text": "  two  words \n", "unicode": "Grüße, Жук, ΑΣ, 日本語 🙂", "html": "<b>&'\"</b>",
    "lines": "a\nb\r\nc\n\nd", "csv": "a,b,,c", "list": [3, 1, 2], "words": ["beta", "Alpha", "gamma", "alpha"],
    "nested": [[1, 2], [3, [4, 5]]], "none_list": [], "mixed": [1, "1", 1.0, True, None],
    "dict": {"b": 1, "a": {"c": [10, 20]}, "items": "not a method"}, "none_dict": {},
    "people": [{"name": "Ann", "age": 30, "home": {"town": "Rome"}}, {"name": "bob", "age": 25, "home": {"town": "Oslo"}},
               {"name": "Cid", "age": 30}],
    "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"},
                 {"role": "assistant", "content": "A"}],
}

EXPRESSIONS = r'''
1 + 2 * 3
(1 + 2) * 3
7 // 2, -7 // 2, 7 // -2
7 % 3, -7 % 3, 7 % -3, -7 % -3
7.5 // 2, -7.5 // 2, -7.5 % 2
7 / 2, 6 / 2, 1 / 3
2 ** 10, 2 ** -1, -2 ** 2, 2 ** 3 ** 2
2.0 ** 0.5
1e3, 1.5e-7, 0x1F, 0b101, 0o17, 1_000
1e16, 1e15, 123456789012345678, 1e-4, 1e-5, 100.0, 0.1 + 0.2
big, tiny, -0.0, 1.0
true, false, none, True, False, None
not true, not none, not not 1
1 and 0, 1 and 2, 0 or "a", none or []
1 if yes else 2, 1 if no else 2
(1 if no)
(1 if no) is defined
1 < 2 < 3, 1 < 3 < 2, 1 == 1.0 == true
"a" < "b", "a" == "a", "Z" < "a"
[1, 2] < [1, 3], (1, 2) == (1, 2), [1] == (1,)
1 in list, 9 not in list, "ell" in word, "b" in dict, "" in word
nothing == none, nothing is none, nope == none, nope == nope2
"a" ~ 1 ~ none ~ true ~ 2.5 ~ [1, "x"]
"a" "b" 'c'
"a" + "b" * 3, 3 * "ab", "x" * 0, "x" * -1
[1] + [2], [0] * 3, (1,) + (2,)
[], {}, (), (1,), (1, 2), [1, [2]]
{"a": 1, "b": [1, none], 3: true}
{"a": 1, "a": 2}
"it's", 'say "x"', ["it's"], ['both " and \'']
["\n\t\\", "é", "\u00e9", "\x41", "\101", "\U0001F642", "\d"]
["\x07", "\u200b", "\u00a0", "🙂"]
"%s and %d" % ("a", 3), "%5.2f|%-5s|%05d|%x" % (3.14159, "a", 42, 255)
"%(a)s-%(b)r" % {"a": 1, "b": "x"}
"%s%%" % 5, "%s" % none, "%r" % "x", "%s" % [1, 2]
"{} {}".format(1, "a"), "{0}{1}{0}".format("x", "y"), "{a}".format(a=3), "{{}}".format()
"{0.name} {1[0]} {p[age]!r}".format({"name": 1}, [5], p={"age": "x"})
dict.a.c[1], dict["a"]["c"][0], dict.a.c.0
dict["items"], dict.nope, dict.nope is defined
people[0].name, people[-1]["name"], people[9], people[0].home.town
list[0], list[-1], list[-4], list[7] is defined, word[0], word[-1], word[99]
list[1:], list[:-1], list[::-1], list[::2], list[5:], list[-2:], list[2:0:-1], list[:]
word[1:3], word[::-1], word[-3:], word[:100], unicode[0:6], unicode[-1], unicode[::-1]
(1, 2, 3)[1:], nested[1][1][0]
list[none:2], list[:none], list[1:2:none]
true + 1, true * "ab", 5 - true, -true
word.upper(), word.lower(), word.title(), "hello wORLD-x y's".title(), "hELLO".capitalize()
unicode.upper(), unicode.lower(), "straße".upper(), "ﬁn".capitalize(), "ΑΣ ΑΣΑ Σ".lower(), "İ".lower()
text.strip(), text.lstrip(), text.rstrip(), "xxaxx".strip("x"), "xyax".lstrip("xy"), "axyx".rstrip("xy")
"\u3000a\u00a0".strip() , "ünü".strip("ü")
csv.split(","), csv.split(",", 1), csv.rsplit(",", 1), text.split(), " a b  c ".split(none, 1), " a b  c ".rsplit(none, 1)
"".split(), "".split(","), "a--b".split("--"), "aXXb".rsplit("X")
lines.splitlines(), lines.splitlines(true), "".splitlines(), "a\x0bb\u2028c".splitlines()
word.startswith("He"), word.startswith(("x", "H")), word.endswith("lo"), word.endswith("x"), word.startswith("")
word.replace("l", "L"), word.replace("l", "L", 1), word.replace("", "-"), "aaa".replace("aa", "b"), word.replace("l", "")
word.find("l"), word.rfind("l"), word.find("z"), word.index("e"), unicode.find("Ж"), word.find("")
word.count("l"), "aaaa".count("aa"), word.count(""), list.count(1), list.index(2)
",".join(["a", "b"]), "".join([]), "-".join("abc"), ", ".join(dict)
"12".isdigit(), "".isdigit(), "1a".isdigit(), "²".isdigit(), "²".isdecimal(), "ab".isalpha(), "a1".isalnum(), " ".isspace()
"AB".isupper(), "aB".islower(), "ab1".islower(), "1".isupper(), "Ab".isupper(), "é".isascii(), "".isascii()
"prefix-x".removeprefix("prefix-"), "x.txt".removesuffix(".txt"), "x".removeprefix("y")
"a=b=c".partition("="), "a=b=c".rpartition("="), "abc".partition("="), "abc".rpartition("=")
"ab".center(7), "ab".center(6, "*"), "abc".center(6), "ab".ljust(5, "."), "ab".rjust(5), "abc".rjust(2)
dict.keys(), dict.values(), dict.get("b"), dict.get("z"), dict.get("z", 5), none_dict.get("a", none)
dict["a"].items(), {"a": 1}.items() | list, {1: 2}.keys() | list, {"x": 1}.copy()
dict | length, list | length, word | length, unicode | length, none_list | count, nope | length
text | trim, "xxaxx" | trim("x"), 5 | trim, none | trim, nope | trim
word | upper, word | lower, unicode | upper, 12 | upper, none | lower
"hello world (foo) [bar] <baz> it's a-b" | title, "FOO bar" | capitalize
word | replace("l", "L"), word | replace("l", "L", 1), 112 | replace(1, 2), "aaa" | replace("a", "b", count=2)
list | join, list | join(", "), words | join("-"), people | join(",", attribute="name"), nope | join, none_list | join("x"), "abc" | join("-")
nope | default("d"), nope | d("d"), "" | default("d"), "" | default("d", true), none | default("d"), none | default("d", boolean=true), 0 | d(5, true), nope | default
list | first, list | last, word | first, word | last, none_list | first, none_list | last, dict | first
list | sort, list | sort(reverse=true), words | sort, words | sort(case_sensitive=true), people | sort(attribute="age") | map(attribute="name") | join(","), people | sort(attribute="age,name", reverse=true) | map(attribute="name") | list
list | reverse | list, word | reverse, unicode | reverse, {"a": 1, "b": 2} | reverse | list
words | unique | list, [1, 1.0, true, 2] | unique | list, people | unique(attribute="age") | map(attribute="name") | list
words | map("upper") | list, people[:2] | map(attribute="home.town") | list, people | map(attribute="home", default="?") | list, people | map(attribute="home.town", default={}) | list, list | map("string") | join, ["1", "2"] | map("int") | sum
list | select("odd") | list, list | reject("odd") | list, mixed | select | list, list | select("gt", 1) | list, list | select(">", 1) | list, words | select("in", ["beta"]) | list
people | selectattr("age", "equalto", 30) | map(attribute="name") | list, people | rejectattr("home") | map(attribute="name") | list, people[:2] | selectattr("home.town", "==", "Oslo") | list | length, messages | rejectattr("role", "eq", "system") | list
list | list, word | list, dict | list, none_list | list, (1, 2) | list, nope | list, range(3) | list
none | string, 1.0 | string, [1, "a"] | string, true | string, word | string
"42" | int, "4.7" | int, "x" | int, "x" | int(9), 3.9 | int, -3.9 | int, " 5 " | int, true | int, none | int, "1_000" | int, "0x1f" | int(base=16), "ff" | int(0, 16), "1e3" | int, "nan" | int, "inf" | int
"4.5" | float, "x" | float, "x" | float(1.5), 3 | float, none | float, "1e3" | float, ".5" | float, "-inf" | float, "nan" | float
-5 | abs, 5.5 | abs, -0.0 | abs, neg | abs
2.5 | round, 3.5 | round, 2.567 | round(2), 2.567 | round(1, "floor"), 2.511 | round(2, "ceil"), 7 | round, 2.675 | round(2), -2.5 | round, 1e300 | round
list | sum, people | sum(attribute="age"), none_list | sum, list | sum(start=10), [[1], [2]] | sum(start=[])
list | min, list | max, words | min, words | max, none_list | min, people | max(attribute="age")
dict | items | list, nope | items | list, {"b": 2, "a": 1} | dictsort, {"b": 1, "A": 2} | dictsort, {"b": 1, "A": 2} | dictsort(true), {"b": 1, "a": 2} | dictsort(by="value"), {"b": 1, "a": 2} | dictsort(reverse=true)
lines | indent, lines | indent(2), lines | indent(2, true), lines | indent(2, blank=true), "a\nb" | indent("> "), "a\nb" | indent(width=1, first=true), "" | indent(first=true)
list | batch(2) | list, list | batch(2, "x") | list, range(7) | slice(3) | list, range(7) | slice(3, "x") | list
people | groupby("age") | map("first") | list, people[:2] | groupby("home.town") | list | length, words | groupby("0") | list
html | escape, html | e, html | safe, html | escape | escape, html | forceescape, 5 | e, [html | safe]
(html | safe) + "<i>", "<i>" + (html | safe), (html | safe) ~ "<i>", (html | safe) + ("<i>" | safe), (html | safe) | upper, (html | safe).split("b"), (html | safe) | replace("<", "["), (html | safe)[0:3] + "<"
("<%s>" | safe) % "<", ("," | safe).join(["<", ">"]), ("<" | e) * 2, (html | safe) | length, (html | safe) is string, (html | safe) is escaped, html is escaped, (html | safe) == html
(html | safe) | trim + "<", (html | safe) | string + "<", ((html | safe) ~ "") + "<", (html | tojson | safe) + "\n<x>"
"%s-%s" | format(1, "a"), "%(x)s" | format(x=2), word | center(9), word | center(9) | length
dict | tojson, unicode | tojson, [1, 2.0, none, true, "a\"\n\u0001\x7f/"] | tojson, {"b": 1, "a": [1, {"c": 2}]} | tojson(indent=2), [] | tojson(indent=2), {} | tojson(indent=4), [[], {}] | tojson(indent=1)
unicode | tojson(ensure_ascii=true), {"b": 1, "a": 2} | tojson(sort_keys=true), [1, 2] | tojson(separators=(",", ":")), {"a": [1]} | tojson(indent="\t"), {"a": 1} | tojson(indent=0), {1: 2, none: 3, true: 4, 1.5: 5} | tojson, (1, 2) | tojson, 1e22 | tojson, 1e-7 | tojson, html | tojson
{"a": [1, 2]} | tojson(indent=2, separators=(", ", " : ")), [1] | tojson(true), "é" | tojson(true, 2)
range(5) | list, range(2, 5) | list, range(5, 0, -2) | list, range(0), range(1, 3), range(0, 10, 3), range(3)[1], range(3)[-1], 2 in range(3), range(5) | length
namespace(a=1).a, namespace({"b": 2}).b, namespace().c is defined, dict(a=1) if false else "shadowed"
word is string, 1 is string, list is sequence, word is sequence, dict is sequence, dict is mapping, list is mapping, list is iterable, word is iterable, 5 is iterable, nope is iterable, nope is sequence, none is iterable
range(3) is sequence, dict.keys() is sequence, dict.values() is iterable, (list | map("string")) is iterable, (list | map("string")) is sequence, (list | select) is string
1 is number, 1.0 is number, true is number, "1" is number, 1 is integer, true is integer, 1.0 is integer, 1.0 is float, 1 is float, true is boolean, 1 is boolean
true is true, 1 is true, false is false, 0 is false, none is none, nope is none, nope is defined, nope is undefined, word is defined
1 is odd, 2 is odd, 2 is even, 9 is divisibleby 3, 9 is divisibleby(2), -1 is odd, 2.0 is even
1 is eq 1, 1 is ne 2, 1 is lt 2, 2 is le 2, 3 is gt 2, 3 is ge 4, 1 is equalto 1, 1 is lessthan 0, 1 is greaterthan 0
1 is in list, 9 is in(list), 1 is not in [2], word is not none, word is not string
"ABC" is upper, "abc" is lower, "Abc" is lower, 5 is upper, none is sameas none, true is sameas true, 1 is sameas 1.0, word is callable, range is callable, "upper" is filter, "nope" is filter, "odd" is test
not 1 is odd, not word is string, 1 is odd and 2 is even, 1 + 1 is even
nope, word.__class__ is defined, word.nope, list.nope, list["x"], none.x, 5 .x
word.__class__, list.append, dict.update, list.append is defined
-n, +n, - -n, -x, n - -1, -n | abs
n | default(1) + 1, n + 1 | float, "a" ~ n | string | length
{"a": 1}["a"], {"a": 1}.a, [1, 2][1], (1, 2)[0], "abc"[1], {1: "x"}[1], {1: "x"}[1.0], {1: "x"}[true], {"1": 1}[1], {(1, 2): "t"}[1, 2]
list is sequence and list | length > 2, (list | length) > 2, list | length == 3
{"a": none}.a is none, {"a": none}["b"] is undefined
[1, 2, 3] == list | sort, list | sort | first
messages[0].role == "system", messages[1:] | length, messages | map(attribute="role") | join("/"), messages[-1]["content"], messages | selectattr("role", "equalto", "user") | map(attribute="content") | first
messages | last, messages | selectattr("role", "ne", "x") | list | last | items | list
loop is defined, caller is defined, varargs
cycler("a", "b").next(), cycler(1).current, joiner("-")()
[n, x, yes, nothing, word], {"k": word, "l": [1]}, (n,), [[]], [{}], [()]
"\\", "\'", "a\
b"
unicode.split(" "), unicode[8:11], "日本語".find("語"), "日本語" | length, "日本" in "日本語", "e\u0301" | length
'''

TEMPLATES = [
    # Output and white space.
    "plain text", "a {{ n }} b", "{{n}}{{-n}}", "a\n", "a\n\n", "\na", "a\r\nb\rc", "{{ n }}\n", "{# c #}x", "a{# c #}\nb", "a {#- c -#} b",
    "  {# c #}\nx", "a\n  {# c #}  \nb", "{#\n multi\n line #}\nx", "x {#+ c +#}\ny",
    "{% if yes %}a{% endif %}", "{% if yes %}\na\n{% endif %}\nb", "  {% if yes %}\n  a\n  {% endif %}\n  b",
    "x  {% if yes %}  y{% endif %}  z", "a\n\t {% if yes %}b{% endif %}", "a {%- if yes -%} b {%- endif -%} c",
    "a\n\n  {%- if yes %}\n\n  b\n  {%- endif %}\n c", "  {%+ if yes %}a{%+ endif %}", "  {%+ if yes +%}\na{% endif +%}\nb",
    "a  {{- n -}}  b", "a\n{{- n -}}\nb", "  {{ n }}\n  {{- n }}", "{{ '  a  ' -}}   {{- 'b' }}", "{{ n }}  \n  {% if yes %}x{% endif %}",
    "{% if yes %}{% endif %}\n\nx", "{% if yes %}\n\nx{% endif %}", "  {{ n }}  {% set a = 1 %}  \n{{ a }}", "{% set a = 1 -%}\n  {{ a }}",
    "{{ n }}{% if yes %}\n{% endif %}\n{{ n }}", "{%if yes%}x{%endif%}", "{%- if yes -%}\n x\n{%- endif -%}", "\u00a0 {%- if yes %}x{% endif %}",
    "{% raw %}{{ n }}{% if %}{% endraw %}", "a\n  {% raw %}\n  {{ x }}\n  {% endraw %}\nb", "{% raw -%}  x  {%- endraw %}", "{%- raw %} x {% endraw -%}  y",
    "{% raw %}\nx{% endraw %}\ny", "{%raw%}{#{%endraw%}", "{{ '{{' }}{{ '%}' }}{{ '#}' }}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{ {'a': {}} }}", "{ { n } } {%% }", "{{ '}}' }}",
    "#} %} }} {", "a{{ '' }}b\n{{ '' }}\nc", "{% if yes %}a{% endif %}\n{% if yes %}b{% endif %}\n\nc", "{{ n\n}}\n{{\nn }}", "x\n{% set a = 1 %}\n{% set b = 2 %}\ny", "{% set a = 1 %}{# c #}\n{{ a }}",
    # Loops.
    "{% for i in list %}{{ i }},{% endfor %}", "{% for i in [] %}x{% else %}none{% endfor %}", "{% for i in nope %}x{% else %}none{% endfor %}",
    "{% for i in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}",
    "{% for i in list %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }};{% endfor %}", "{% for i in list %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}",
    "{% for i in list %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{% endfor %}", "{% for i in list %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}",
    "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k, v in dict | dictsort %}{{ k }};{% endfor %}", "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for k in dict %}{{ k }}{% endfor %}", "{% for c in 'aé🙂' %}[{{ c }}]{% endfor %}", "{% for i in list if i > 1 %}{{ loop.index }}:{{ i }}/{{ loop.length }} {% endfor %}",
    "{% for i in list if i > 5 %}x{% else %}none{% endfor %}", "{% for i in range(4) if i is even %}{{ i }}{{ loop.last }}{% endfor %}", "{% for i in list %}{% for j in list %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}",
    "{% for i in list %}{% set outer = loop %}{% for j in 'ab' %}{{ outer.index }}{{ j }}{% endfor %}{% endfor %}", "{% for i in list %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in list %}{% if i == 1 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{% for i in [1] %}{% break %}{% else %}E{% endfor %}", "{% for i in [1, 2] %}{% if loop.first %}{% continue %}{% endif %}{{ i }}{% else %}E{% endfor %}",
    "{% for i in [1, 2] %}{% for j in [1, 2] %}{% if j == 2 %}{% break %}{% endif %}{{ i }}{{ j }}{% endfor %};{% endfor %}", "{% set ns = namespace(f=false) %}{% for i in list if not ns.f %}{{ i }}{% set ns.f = true %}{% endfor %}",
    "{% set ns = namespace(f=false) %}{% for i in list if not ns.f %}{{ i }}{{ loop.last }}{% set ns.f = true %}{% endfor %}", "{% for i in list | sort %}{{ i }}{% endfor %}", "{% for i in list[::-1] %}{{ i }}{% endfor %}",
    "{% for i in 1, 2 %}{{ i }}{% endfor %}", "{% for i, in [[1], [2]] %}{{ i }}{% endfor %}", "{% for i in list %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}", "{% for i in list %}\n{{ i }}\n{% endfor %}\nend",
    "{% for i in list -%}\n  {{ i }}\n{%- endfor %}", "  {% for i in list %}\n  - {{ i }}\n  {% endfor %}", "{% for i in (list | map('string')) %}{{ loop.length }}{{ i }}{% endfor %}", "{{ loop }}{% for i in [1] %}{{ loop.nope }}{% endfor %}",
    "{% for i in list %}{% endfor %}{{ i }}", "{% for x in list %}{{ x }}{% endfor %}{{ x }}", "{% for m in messages %}{{ m.role }}: {{ m['content'] }}\n{% endfor %}", "{% set g = list | map('string') %}{{ g | first }}{{ g | first }}{{ g | list }}{{ g | list }}",
    # Conditions.
    "{% if n > 5 %}big{% elif n > 2 %}mid{% else %}small{% endif %}", "{% if zero %}a{% elif neg %}b{% else %}c{% endif %}", "{% if nope %}a{% else %}b{% endif %}", "{% if none_list %}a{% elif '' %}b{% elif none_dict %}c{% elif 0.0 %}d{% else %}e{% endif %}",
    "{% if list and dict and not no %}x{% endif %}", "{% if yes: %}x{% endif %}", "{% if 'a' in 'abc' and 1 not in [2] %}x{% endif %}", "{% if (list | map('string')) %}always{% endif %}", "{% if yes %}{% if no %}a{% else %}b{% endif %}{% endif %}",
    # Assignments and scopes.
    "{% set a = 1 %}{{ a }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set (a, b) = [1, 2] %}{{ a }}{{ b }}", "{% set a %}x{{ n }}y{% endset %}[{{ a }}]", "{% set a | upper | trim %} x {% endset %}[{{ a }}]", "{% set a %}{% set b = 1 %}{% endset %}{{ b }}",
    "{% set a = 1 %}{% for i in [1] %}{% set a = 2 %}{{ a }}{% endfor %}{{ a }}", "{% set a = 1 %}{% if yes %}{% set a = 2 %}{% endif %}{{ a }}", "{% for i in [1, 2] %}{{ a }}{% set a = i %}{% endfor %}[{{ a }}]", "{% set ns = namespace(a=1, b=[]) %}{% for i in list %}{% set ns.a = ns.a + i %}{% set ns.b = ns.b + [i] %}{% endfor %}{{ ns.a }}{{ ns.b }}",
    "{% set ns = namespace() %}{% set ns.x = 'y' %}{{ ns.x }}{{ ns['x'] }}{{ ns.z }}", "{% set messages = messages[1:] %}{{ messages | length }}", "{% with %}{% set a = 1 %}{{ a }}{% endwith %}{{ a }}", "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}",
    "{% set a = b = 1 %}" if False else "{% set a = (1, 2) %}{{ a }}", "{% set a = 1, %}{{ a }}", "{% set x = x + 1 %}{{ x }}", "{% print n, word %}", "{% set a = [1, 2] %}{% set b = a + [3] %}{{ a }}{{ b }}", "{% set html2 %}<a>{% endset %}{{ html2 + '<b>' }}",
    # Macros.
    "{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }}|{{ m(1, 3) }}|{{ m(b=5, a=4) }}|{{ m() }}", "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}", "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}", "{% macro m(a) %}{{ a }}{{ varargs | join(',') }}{% endmacro %}{{ m(1, 2, 3) }}",
    "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}body{% endcall %}", "{% macro m(xs) %}{% for x in xs %}{{ caller(x) }}{% endfor %}{% endmacro %}{% call(x) m(list) %}<{{ x }}>{% endcall %}", "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}", "{% macro f(n) %}{% if n > 1 %}{{ n * (f(n - 1) | int) }}{% else %}1{% endif %}{% endmacro %}{{ f(5) }}",
    "{% set a = 1 %}{% macro m() %}{{ a }}{% endmacro %}{% set a = 2 %}{{ m() }}", "{% macro m() %}{% set a = 5 %}{{ a }}{% endmacro %}{{ m() }}{{ a }}", "{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}", "{% macro m(x) %}{{ x }}{% endmacro %}{{ m }}", "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(*[1]) }}{{ m(**{'x': 2}) }}",
    "{% macro m(x) -%}\n  {{ x }}\n{%- endmacro %}{{ m(1) }}{{ m(2) | upper }}", "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}b{% endmacro %}{{ a() }}", "{% macro m() %}<{{ n }}>{% endmacro %}{{ m() + '<' }}{{ m() | e }}", "{% if no %}{% macro m() %}x{% endmacro %}{% endif %}{{ m is defined }}", "{% macro m(a, b) %}{{ b is defined }}{% endmacro %}{{ m(1) }}", "{% macro m() %}{% for i in list %}{% if i == 1 %}{% break %}{% endif %}{{ i }}{% endfor %}{% endmacro %}{{ m() }}",
    # Filter blocks, generation, cyclers.
    "{% filter upper %}a{{ word }}{% endfilter %}", "{% filter replace('a', 'b') | upper %}aXa{% endfilter %}", "{% filter trim %}  {% set q = 1 %} x {% endfilter %}{{ q }}", "{% generation %}a{{ n }}{% endgeneration %}b", "  {% generation %}\n  a\n  {% endgeneration %}\nb", "{% for m in messages %}{% generation %}{{ m.content }}{{ loop.index }}{% endgeneration %}{% endfor %}", "{% generation %}{% set q = 1 %}{% endgeneration %}{{ q }}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.current }}", "{% set j = joiner(', ') %}{% for i in list %}{{ j() }}{{ i }}{% endfor %}", "{{ strftime_now('%Y') | length }}", "{% set d = dict %}{{ d.b }}",
    # Errors: at compile time.
    "{{", "{{ n", "{% if yes %}", "{% if yes %}{% else %}", "{% endif %}", "{% for %}{% endfor %}", "{% for i in %}{% endfor %}", "{% for i list %}{% endfor %}", "{% nope %}", "{{ n | nope }}", "{{ n is nope }}", "{{ }}", "{{ 1 + }}", "{{ (1 }}", "{{ [1 }}", "{{ 1) }}", "{{ (1] }}", "{{ 'a }}", "{{ a b }}", "{# x", "{% raw %}x", "{{ n. }}", "{{ f(a=1, 2) }}", "{{ f(**a, *b) }}", "{% set 1 = 2 %}", "{% set true = 2 %}", "{% set a.b.c = 1 %}", "{% set a[0] = 1 %}",
    "{% macro %}{% endmacro %}", "{% macro m(a=1, b) %}{% endmacro %}", "{% macro m(1) %}{% endmacro %}", "{% call n %}{% endcall %}", "{% break %}", "{% if yes %}{% continue %}{% endif %}", "{% for i in list %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}", "{% for loop in list %}{% endfor %}", "{{ 1 is odd is even }}", "{{ $ }}", "{{ n ! }}", "{% if yes %}{% endfor %}{% endif %}", "{% filter %}{% endfilter %}", "{% filter nope %}{% endfilter %}", "{{ not }}", "{{ 1 if }}", "{{ a.1.b.'c' }}", "{{ {1, 2} }}", "{{ {1: } }}", "{% set a %}", "{{ \"\\x4\" }}", "{% generation %}", "{% endgeneration %}",
    "{% for i in list %}{% generation %}{% break %}{% endgeneration %}{% endfor %}", "{{ f(a=1, a=2) }}",
    # Errors: while rendering.
    "{{ 1 / 0 }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ nope.x }}", "{{ nope['x'] }}", "{{ nope() }}", "{{ nope + 1 }}", "{{ 1 + nope }}", "{{ -nope }}", "{{ nope < 1 }}", "{{ 'a' + 1 }}", "{{ 1 + 'a' }}", "{{ none + 'a' }}", "{{ [] + 1 }}", "{{ [] + () }}", "{{ 'a' - 'b' }}", "{{ 'a' * 'b' }}", "{{ 'a' < 1 }}", "{{ none < 1 }}", "{{ [1, 'a'] | sort }}", "{{ 5() }}", "{{ word() }}", "{{ word.nope() }}", "{{ list.append(1) }}", "{{ dict.update({}) }}", "{{ dict.pop('a') }}", "{{ list.sort() }}", "{{ dict.clear() }}", "{{ list[::0] }}", "{{ list['a':] }}", "{{ n[0:1] }}", "{{ nope[1:] }}",
    "{{ raise_exception('no') }}", "{% for i in 5 %}{% endfor %}", "{% for i in none %}{% endfor %}", "{% for a, b in list %}{% endfor %}", "{% set a, b = 1 %}", "{% set a, b = [1] %}", "{% set n.x = 1 %}", "{% set nope.x = 1 %}", "{% set ns = namespace() %}{% set ns._x = 1 %}", "{{ namespace(_a=1) }}", "{{ 5 | length }}", "{{ none | length }}", "{{ none | list }}", "{{ none | join }}", "{{ 5 | items }}{% for i in 5 | items %}{% endfor %}", "{{ [1] | dictsort }}", "{{ nope | tojson }}", "{{ {(1, 2): 3} | tojson }}", "{{ range(3) | tojson }}", "{{ 'a'.split('') }}", "{{ 'abc'.index('z') }}", "{{ [].index(1) }}", "{{ ','.join([1]) }}", "{{ '%d' % 'a' }}", "{{ '%s %s' % 1 }}", "{{ '%s' % (1, 2) }}", "{{ '{}'.format() }}", "{{ '{a}'.format() }}", "{{ range(1000000000000) }}", "{{ range(1, 5, 0) }}", "{{ range('a') }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{% endmacro %}{{ m(b=1) }}", "{% macro m(a) %}{% endmacro %}{{ m(1, a=2) }}", "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", "{{ {[]: 1} }}", "{{ {{}: 1} }}", "{{ [] in {} }}", "{{ 1 in 'a' }}", "{{ 1 in 5 }}", "{{ word is divisibleby 2 }}", "{{ 'a' is odd }}", "{{ list | map('nope') | list }}", "{{ list | select('nope') | list }}", "{{ list | map | list }}", "{{ word | replace('a') }}", "{{ word | replace }}", "{{ word.replace('a') }}", "{{ word | trim(1, 2) }}", "{{ word | upper(1) }}", "{{ 1 is eq }}", "{{ 1 is odd(1) }}", "{{ word.upper(1) }}", "{{ cycler() }}", "{{ word.__class__.__mro__ }}", "{{ ''.__class__() }}", "{{ word['__class__']['__mro__'] }}", "{{ {}.__init__.__globals__ }}", "{{ '{0.__class__.__mro__}'.format(1) }}", "{{ list | sum(attribute='x') }}", "{{ ['a'] | sum }}", "{{ nope | float }}", "{{ nope | abs }}", "{{ nope is odd }}", "{{ word | abs }}", "{{ word | round }}", "{{ x | round(method='nope') }}", "{{ list | batch }}", "{{ list | groupby('age') }}", "{{ {'a': none, 'b': none} | dictsort(by='value') }}", "{{ list | first(1) }}", "{{ nope | default(1, 2, 3) }}", "{{ f(*5) }}", "{{ range(*nope2.x) }}",
]


# One template per line: parts of Jinja2 and of Python's methods that are rare in chat templates.
SANDBOX = (pathlib.Path(__file__).parent / "sandbox.txt").read_text(encoding="utf-8").split("\n")


def all_snippets():
    for line in EXPRESSIONS.replace("\\\nb", "\\\x00b").strip().split("\n"):
        yield "{{ (" + line.replace("\x00", "\n") + ") }}"
    yield from TEMPLATES
    yield from (line for line in SANDBOX if line)
