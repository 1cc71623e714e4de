// Templates that are broken or mean harm: one error each, with its line, in bounded time and memory.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rlhf/core/error.h"
#include "rlhf/text/chat_template.h"

namespace rlhf {
namespace {

std::string times(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

const Json kMessages = {{{"role", "user"}, {"content", "hello"}}, {{"role", "assistant"}, {"content", nullptr}}};

// The error of a template; empty: there is none.
std::string error_of(const std::string& source, const Json& messages = kMessages) {
  try {
    ChatTemplate(source, {{"bos_token", "<s>"}}, "bad").render(messages);
  } catch (const ModelError& error) {
    return error.what();
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

void expect_one_error_with_line(const std::string& source) {
  const std::string error = error_of(source), shown = source.substr(0, 120);
  ASSERT_NE(error, "") << "accepted: " << shown;
  EXPECT_EQ(error.find('\n'), std::string::npos) << shown;
  EXPECT_LT(error.size(), 1000u) << shown;
  const bool compiling = error.starts_with("compiling chat template bad:");
  EXPECT_TRUE(compiling || error.starts_with("rendering chat template bad:")) << error;
  const char line = error[std::string("rendering chat template bad:").size()];
  EXPECT_TRUE(line >= '1' && line <= '9') << shown << ": " << error;
}

const std::string kLoop = "{% for a in range(99999) %}{% for b in range(99999) %}";

std::vector<std::string> broken() {
  return {
      "{%",
      "{{",
      "{{ 'a",
      "{% if",
      "{% if messages",
      "{% if messages %}",
      "{% for m in messages %}",
      "{% macro m() %}",
      "{% set a %}",
      "{% filter upper %}",
      "{% call m() %}",
      "{% generation %}",
      "{% raw %}",
      "{#",
      "{# {{ #",
      "{% endfor %}",
      "{% else %}",
      "{% elif a %}",
      "{% endgeneration %}",
      "{% if a %}{% endfor %}",
      "{{ }}",
      "{{ , }}",
      "{{ a b }}",
      "{{ a..b }}",
      "{{ a. }}",
      "{{ a[ }}",
      "{{ a[1 }}",
      "{{ a] }}",
      "{{ (a }}",
      "{{ {a }}",
      "{{ {a: } }}",
      "{{ a ? b }}",
      "{{ a & b }}",
      "{{ `a` }}",
      "{{ \\a }}",
      "{{ 'a\\",
      "{{ \"\\xZZ\" }}",
      "{{ '\\ud800' }}",
      "{{ '\\N{DIGIT ONE}' }}",
      "{{ 99999999999999999999 }}",
      "{{ 0x }}",
      "{{ 1 if }}",
      "{{ if }}{{ not }}",
      "{{ a | }}",
      "{{ a is }}",
      "{{ a is not }}",
      "{{ a | nope }}",
      "{{ a is nope }}",
      "{% nope %}",
      "{% do a %}",
      "{% import 'x' %}",
      "{% from 'x' import %}",
      "{% block %}{% endblock %}",
      "{% block a-b %}{% endblock %}",
      "{% block a %}{% endblock %}{% block a %}{% endblock %}",
      "{% block a required %}text{% endblock %}",
      "{% for a in b %}{% block c %}{% break %}{% endblock %}{% endfor %}",
      "{% autoescape %}{% endautoescape %}",
      "{% autoescape a %}{% endautoescape %}",
      "{% for a in b recursive if a %}{% endfor %}",
      "{% if a %}{% for b in c %}{{ b | nope }}{% endfor %}{% endif %}",
      "{% macro m(caller) %}{{ caller }}{% endmacro %}",
      "{{ ½ }}",
      "{{ a½ }}",
      "{% break %}",
      "{% continue %}",
      "{% set a.b.c = 1 %}",
      "{% set 'a' = 1 %}",
      "{% set a b = 1 %}",
      "{% macro 1() %}{% endmacro %}",
      "{% macro m(a a) %}{% endmacro %}",
      "{% for a b in c %}{% endfor %}",
      "{% if a %}{% else %}{% else %}{% endif %}",
      "{% with a %}{% endwith %}",
      "{{ f(a=1, 2) }}",
      "{{ f(*a, *b) }}",
      "{{ f(**a, b=1) }}",
      "\n\n{{ a | nope }}",
  };
}

std::vector<std::string> failing() {
  return {
      "{{ nope.attribute }}",
      "{{ nope[0] }}",
      "{{ nope() }}",
      "{{ messages.nope.x }}",
      "{{ messages[9].role.x }}",
      "{{ messages[1].content.strip() }}",
      "{{ messages[1].content + 'a' }}",
      "{{ 1 / 0 }}",
      "{{ 1 % 0 }}",
      "{{ 1 // 0 }}",
      "{{ 1.0 / 0 }}",
      "{{ 5.5 % 0 }}",
      "{{ 0 ** -1 }}",
      "{{ (-1) ** 0.5 }}",
      "{{ 10.0 ** 400 }}",
      "{{ 9223372036854775807 + 1 }}",
      "{{ -9223372036854775807 - 2 }}",
      "{{ 4611686018427387904 * 2 }}",
      "{{ 10 ** 19 }}",
      "{{ (-9223372036854775807 - 1) // -1 }}",
      "{{ -(-9223372036854775807 - 1) }}",
      "{{ (-9223372036854775807 - 1) | abs }}",
      "{{ 1e300 | int }}",
      "{{ '99999999999999999999' | int }}",
      "{{ [1][::0] }}",
      "{{ 'abc'['a':] }}",
      "{{ {}[1:2] }}",
      "{{ 5[0:1] }}",
      "{{ messages.append(1) }}",
      "{{ messages[0].update({'role': 'x'}) }}",
      "{{ messages[0].pop('role') }}",
      "{{ messages[0].clear() }}",
      "{{ messages.sort() }}",
      "{% set messages[0].role = 'x' %}",
      "{% set messages.role = 'x' %}",
      "{{ ''.__class__.__mro__ }}",
      "{{ ''.__class__.__base__.__subclasses__() }}",
      "{{ messages.__init__.__globals__ }}",
      "{{ range.__globals__ }}{{ range.__globals__.x }}",
      "{{ raise_exception.__code__.co_code }}",
      "{{ '{0.__class__.__init__}'.format(1) }}",
      "{{ '{:>999999999}'.format(1) }}",
      "{{ '%999999999d' % 1 }}",
      "{{ '%.999999999f' % 1 }}",
      "{{ '%s' % () }}",
      "{{ '%q' % 1 }}",
      "{{ '%' % 1 }}",
      "{{ '%(a' % {} }}",
      "{{ '{' .format() }}",
      "{{ '}' .format() }}",
      "{{ '{a[}'.format(a=1) }}",
      "{{ '{99999999999}'.format(1) }}",
      "{{ 'a'.encode('x') }}",
      "{{ 'a'.translate(1) }}",
      "{{ 'a' | random }}",
      "{{ lipsum() }}",
      "{% include 'x' %}",
      "{% extends 'x' %}",
      "{% import 'x' as y %}",
      "{% from 'x' import y %}",
      "{% if messages %}{{ 1 | nope }}{% endif %}",
      "{% if messages %}{{ 1 is nope }}{% endif %}",
      "{% block a required %}{% endblock %}",
      "{{ '{:{:{:{:}}}}'.format(1, 2, 3, 4) }}",
      "{{ '{:.999999999}'.format(1.5) }}",
      "{{ '%*d' % (999999999, 1) }}",
      "{{ '%.*f' % (999999999, 1) }}",
      "{{ 'a b' | wordwrap(0) }}",
      "{{ 'abcdef' | truncate(2) }}",
      "{{ strftime_now('a\\0b') }}",
      "{{ raise_exception('two\nlines') }}",
      "{{ namespace(__x=1) }}",
      "{% set n = namespace() %}{% set n.__class__ = 1 %}",
      "{{ dict([1]) }}",
      "{{ dict(1) }}",
      "{{ cycler() }}",
      "{{ strftime_now('x' * 2000) }}",
      "{{ 'x'.center(5, 'ab') }}",
      "{{ [3, 'a'] | sort }}",
      "{{ [{}] | sort | list }}{{ [{}, []] | sort }}",
      "{{ [[]] | unique | list }}",
      "{{ messages | map(attribute='role') }}",
      "{{ messages | map('nope') }}",
      "{{ messages | select('nope') | list }}",
      "{{ 'x' | batch(0) | list }}",
      "{{ 'x' | slice(0) | list }}",
      "{{ 'x' | slice(1000000000) | list }}",
      "{{ 1.5 | round(400, 'ceil') }}",
      "{{ [1] | tojson(indent=100000000) }}",
      "{{ range(1, 2, 0) }}",
      "{{ {[]: 1} }}",
      "{% for a, b in [1] %}{% endfor %}",
      "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
      "{{ loop.index }}",
      "{% for m in messages %}{{ loop() }}{% endfor %}",
      "{{ messages | length() | nope.x }}",
      "{{ namespace() }}{{ namespace().x.y }}",
  };
}

std::vector<std::string> exhausting() {
  return {
      times("(", 10'000) + "1" + times(")", 10'000),
      "{{ " + times("(", 10'000) + "1" + times(")", 10'000) + " }}{{",
      "{{ " + times("(", 10'000) + "1" + times(")", 10'000) + " }}",
      "{{ " + times("[", 10'000) + times("]", 10'000) + " }}",
      "{{ " + times("{1:", 10'000) + "1" + times("}", 10'000) + " }}",
      "{{ " + times("not ", 10'000) + "1 }}",
      "{{ " + times("-", 10'000) + "1 }}",
      "{{ 1" + times(" + 1", 10'000) + " }}",
      "{{ a" + times(".b", 10'000) + " }}",
      "{{ a" + times("[0]", 10'000) + " }}",
      "{{ a" + times("()", 10'000) + " }}",
      "{{ a" + times(" | list", 10'000) + " }}",
      "{{ a" + times(" is defined", 2) + " }}",
      "{{ 1" + times(" if 1 else 1", 10'000) + " }}",
      "{{ 1" + times(" if 1", 10'000) + " }}",
      "{{ 1" + times(" or 1", 10'000) + " }}",
      "{{ 2" + times(" ** 1", 10'000) + " }}",
      "{{ f(" + times("f(", 10'000),
      times("{% if 1 %}", 10'000) + times("{% endif %}", 10'000),
      times("{% for a in [1] %}", 10'000),
      times("{% set a %}", 10'000),
      times("{% macro m() %}", 10'000),
      times("{% filter upper %}", 10'000),
      "{% set " + times("(", 10'000) + "a",
      std::string(2 << 20, 'a'),
      "{{ '" + std::string(2 << 20, 'a') + "' }}",
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
      "{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }}",
      "{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}",
      "{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
      "{{ range(10 ** 12) }}",
      "{{ range(1000000) | list | length }}",
      "{{ range(0, 9223372036854775807, 1) }}",
      kLoop + "{% endfor %}{% endfor %}",
      kLoop + "x{% endfor %}{% endfor %}",
      kLoop + "{% set c = 'a' * 1000 %}{% endfor %}{% endfor %}",
      "{{ 'a' * 10 ** 9 }}",
      "{{ 10 ** 9 * 'a' }}",
      "{{ [0] * 10 ** 9 }}",
      "{{ 'ab' * 9223372036854775807 }}",
      "{{ 'a'.center(10 ** 12) }}",
      "{{ 'a' | center(10 ** 12) }}",
      "{{ 'a'.zfill(10 ** 12) }}",
      "{{ 'a\tb'.expandtabs(10 ** 12) }}",
      "{{ ('\t' * 999999).expandtabs(999999) }}",
      "{{ ('{:>99999}' * 999).format(*([1] * 999)) }}",
      "{{ ('{0:99999}' * 9999).format('a') }}",
      "{{ ('a' * 99999).translate({97: 'b' * 99999}) }}",
      "{{ ('http://a.com ' * 999999) | urlize(rel='b' * 999) }}",
      "{{ ('a ' * 7999999) | wordwrap(1) }}",
      "{{ ((('a ' * 9999) ~ '\n') * 99) | wordwrap(1, wrapstring='b' * 9999) }}",
      "{% for i in range(99999) %}{{ ('%.99999f' % 1.5) | length }}{% endfor %}",
      "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
      "{% set n = namespace() %}{% set n.n = [n, n] %}{{ n }}",
      "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}",
      "{% for x in range(9) recursive %}{{ loop(range(9)) }}{% endfor %}",
      "{% block a %}{{ self.a() }}{% endblock %}",
      "{% block a %}{{ self.b() }}{{ self.b() }}{% endblock %}{% block b %}{{ self.a() }}{% endblock %}",
      "{{ 'a\nb' | indent(10 ** 12) }}",
      "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
      "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
      "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
      "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
      "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s | tojson }}",
      "{% set n = namespace(s=[1], t=[1]) %}{% for i in range(90) %}{% set n.s = [n.s, n.s] %}{% set n.t = [n.t, n.t] "
      "%}{% endfor %}{{ n.s == n.t }}",
      "{% set n = namespace(s=[]) %}{% for i in range(9999) %}{% set n.s = [n.s] %}{% endfor %}",
      "{% set n = namespace(s={}) %}{% for i in range(9999) %}{% set n.s = {'a': n.s} %}{% endfor %}",
      "{% set n = namespace(s=1) %}{% for i in range(9999) %}{% set n.s = (n.s, i) %}{% endfor %}",
      "{% set s = 'a' * 9999999 %}{% for i in range(99999) %}{{ s }}{% endfor %}",
      "{% set s = 'a' * 9999999 %}{% for i in range(99999) %}{% set t = s ~ i %}{% endfor %}",
      "{% set s = 'a' * 9999999 %}{% for i in range(99999) %}{{ s.find('b') }}{% endfor %}",
      "{% set s = 'a' * 9999999 %}{% for i in range(99999) %}{{ 'b' in s }}{% endfor %}",
      "{% set s = 'a' * 9999999 %}{% for i in range(99999) %}{% if s == s ~ '' %}{% endif %}{% endfor %}",
      "{% set s = 'a' * 9999999 %}{% for i in range(99999) %}{{ s | length }}{% endfor %}",
      "{% set s = 'a' * 9999999 %}{% for i in range(99999) %}{{ s[i] }}{% endfor %}",
      "{% set s = 'a' * 9999999 %}{% for i in range(99999) %}{{ s[::2][0] }}{% endfor %}",
      "{{ ('a' * 9999999).split('a') | length }}",
      "{{ ('a' * 9999999) | list | length }}",
      "{{ ('a' * 9999999).replace('a', 'bbbb') }}",
      "{{ ('a' * 9999999).replace('', 'b' * 99) }}",
      "{{ ('é' * 4999999).strip('è' * 4999999) }}{{ ('é' * 4999999).strip('èé' * 999999) }}{{ ('é' * "
      "4999999).strip('èé' * 999999) }}{{ 1 / 0 }}",
      "{{ ',' .join('a' * 9999999) }}",
      "{{ ('a' * 999999).join(['b'] * 999) }}",
      "{{ ['a' * 999999] * 99 | join }}{{ (['a' * 999999] * 99) | join }}",
      "{{ ('<' * 9999999) | e }}",
      "{{ ('\"' * 9999999) | tojson }}",
      "{{ ('\\x01' * 9999999) | tojson }}",
      "{{ ('%s' * 99999) % 1 }}",
      "{{ ('%99999d' * 999) % ((1,) * 999) }}",
      "{{ ('{0}' * 99999).format('a' * 9999) }}",
      "{{ ['a'] | map(" + times("'map', ", 9'999) + "'upper') | list }}",
      "{% for i in range(99999) %}{% macro m() %}{{ i }}{% endmacro %}{% for j in range(999) %}{% macro k() %}{% "
      "endmacro %}{% endfor %}{% endfor %}",
      kLoop + "{% set n = namespace(a=1) %}{% endfor %}{% endfor %}",
      kLoop + "{% set c = cycler(a, b) %}{% endfor %}{% endfor %}",
      kLoop + "{% set c = [a, b] %}{% endfor %}{% endfor %}",
      "{% set n = namespace(s=[9]) %}{% for i in range(20) %}{% set n.s = n.s + n.s %}{% endfor %}{{ n.s | sort | sum "
      "}}",
      "{% for x in range(99999) %}{% for y in range(99999) if false %}{% endfor %}{% endfor %}",
      "{{ range(99999) | map('string') | map('list') | map('join', 'a' * 9999) | join | length }}",
      "{% set l = range(99999) | list %}{% for x in l %}{{ x in l }}{% endfor %}",
      "{% set l = range(99999) | list %}{% for x in l %}{% set m = l + [x] %}{% endfor %}",
      "{% set l = range(99999) | list %}{% for x in l %}{{ l | unique | list | length }}{% endfor %}",
  };
}

TEST(HostileTemplates, BrokenOnesAreRefusedWhenCompiled) {
  for (const std::string& source : broken()) {
    expect_one_error_with_line(source);
    EXPECT_TRUE(error_of(source).starts_with("compiling")) << source << ": " << error_of(source);
  }
}

TEST(HostileTemplates, FailingOnesAreOneError) {
  for (const std::string& source : failing()) expect_one_error_with_line(source);
}

TEST(HostileTemplates, ExhaustingOnesAreStopped) {
  for (const std::string& source : exhausting())
    if (!source.starts_with("(") && !source.starts_with("aaa")) expect_one_error_with_line(source);
  EXPECT_NE(error_of(std::string(2 << 20, 'a')).find("more than 1 MiB"), std::string::npos);
}

TEST(HostileTemplates, ObjectsThatHoldEachOtherAreFreed) {
  EXPECT_EQ(
      error_of("{% set n = namespace() %}{% set n.self = n %}{% set n.list = [n, [n]] %}{% macro m() %}{{ m }}"
               "{% endmacro %}{% set n.m = m %}{% for i in [1, 2] %}{% set n.loop = loop %}{% set n.f = loop.cycle %}"
               "{% macro k() %}{{ k }}{% endmacro %}{% set n.k = k %}{{ loop.changed(loop) }}{% endfor %}"
               "{% set c = cycler(n) %}{% set n.c = c %}{% set n.next = c.next %}"),
      "");
  EXPECT_EQ(error_of("{% set n = namespace() %}{% for i in range(20000) %}{% set m = namespace(before=n.last) %}"
                     "{% set n.last = m %}{% endfor %}"),
            "");
  EXPECT_EQ(error_of("{% set n = namespace() %}{% for i in range(20000) %}{% set old = n.m %}{% macro m() %}{{ old }}"
                     "{% endmacro %}{% set n.m = m %}{% endfor %}"),
            "");
}

TEST(HostileTemplates, MessagesThatNoTemplateCanReadAreDataErrors) {
  const ChatTemplate chat("{{ messages | length }}", {}, "t");
  EXPECT_EQ(chat.render(kMessages), "2");
  EXPECT_THROW(chat.render(Json()), DataError);
  EXPECT_THROW(chat.render("text"), DataError);
  EXPECT_THROW(chat.render({1, 2}), DataError);
  EXPECT_THROW(chat.render({{{"role", "a\xff"}}}), DataError);
  EXPECT_THROW(chat.render({{{"role", 18446744073709551615u}}}), DataError);
  Json deep = 1;
  for (int i = 0; i < 10'000; ++i) deep = Json::array({deep});
  EXPECT_THROW(chat.render({{{"role", deep}}}), DataError);
}

TEST(HostileTemplates, ATemplateThatIsNotUtf8IsAModelError) {
  EXPECT_THROW(ChatTemplate("a\xff", {}, "t"), ModelError);
}

TEST(HostileTemplates, NameTheLineOfAFailure) {
  EXPECT_EQ(error_of("a\n{{ 1 }}\n\n{{ 1 + \n nope.x }}"), "rendering chat template bad:5: 'nope' is undefined");
  EXPECT_EQ(error_of("{% set a %}\n{{ 'ü' }}{{ b | c }}{% endset %}"),
            "compiling chat template bad:2:17: there is no filter named 'c'");
  EXPECT_EQ(error_of("\n{{ raise_exception('no\nway') }}"),
            "rendering chat template bad:2: the template refuses the conversation: no way");
}

}  // namespace
}  // namespace rlhf
