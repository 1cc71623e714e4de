"""Texts that are hard to tokenise, from a seed: many scripts, emoji, marks, white space, code, special tokens, bytes."""
import random
import sys
import unicodedata

SPECIAL = ["<|endoftext|>", "<|begin_of_text|>", "<|eot_id|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<unk>", "<bos>",
           "<eos>", "<tool>", "Wort", "<0x0A>", "<0xE2>", "<|im_", "_end|>", "▁", "▁▁", "Ġ", "Ċ"]
WORDS = """the of and to in is that it I'm you're he'll we've she'd it's can't THE DON'T I'M you'RE 'S 'T 'Re 'LL 'ſ naïve café
Straße résumé Ελληνικά σοφός русский язык עברית العربية فارسی हिन्दी தமிழ் ไทย ລາວ ქართული հայերեն አማርኛ 中文字符 日本語 ひらがな カタカナ
한국어 한글 ｆｕｌｌｗｉｄｔｈ ﬁne ﬂag Ⅷ ½ ² ㎏ ﷺ İstanbul ışık ŉ ǆ ǅ Ǆ ẞ ﬃ KELVIN ℵ Å Å Å 𝔘𝔫𝔦 𝟘𝟙 𐍈 supercalifragilistic""".split()
NUMBERS = ["0", "7", "42", "123", "1234", "12345678901234567890", "3.14", "1,000,000", "-5", "1e-10", "٣٤٥", "१२३", "①②", "Ⅻ", "¾", "0x1F"]
SPACES = [" ", "  ", "   ", " " * 7, " " * 24, "\n", "\n\n", "\r\n", "\r", "\t", "\t\t", " \n", "\n ", " \n \n", "\u00a0", "\u3000", "\u2003",
          "\u2028", "\u2029", "\u180e", "\u200b", "\u0085", "\u000b", "\u000c", "\ufeff", "\u202f"]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "❤️", "☕", "🤷🏾‍♂️", "1️⃣", "™️"]
CODE = ["for (int i = 0; i < n; ++i) {", "x[i] *= 2; // twice", "def f(a, *b, **c):\n    return a\n", "\n\tif (!p) { return -1; }\n", "a->b::c<d>()",
        "#include <vector>", "$HOME/.config/*.json", "http://example.org/a?b=c&d=%20", "{\"key\": [1, null, true]}", "===", "!!!", "...", "---", "\\n\\t",
        "--flag=value", "@user #tag", "a_b_c", "CamelCaseName", "snake_case_name", "'quoted' \"text\" `tick`", "'''", "$$x^2$$", "1+1=2"]
MARKS = [chr(c) for c in (0x300, 0x301, 0x302, 0x307, 0x308, 0x323, 0x327, 0x328, 0x345, 0x34F, 0x5B0, 0x64B, 0x653, 0x93C, 0xE38, 0x1AB0, 0x20E3, 0x3099)]
JAMO = [chr(c) for c in (0x1100, 0x1112, 0x1161, 0x1175, 0x11A8, 0x11C2, 0xAC00, 0xD7A3)]
CONTROL = [chr(c) for c in (0, 1, 7, 8, 0x1B, 0x1F, 0x7F, 0x80, 0x9F, 0xAD, 0x200D, 0x200E, 0x202E, 0x2060, 0xFE0F, 0xFFFD, 0xFFFE, 0xE000, 0x10FFFF)]
ASSIGNED = [c for c in range(1, 0x2FA20) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]


def fragment(rng):
    kind = rng.randrange(16)
    if kind < 4:
        return rng.choice(["", " "]) + rng.choice(WORDS)
    if kind == 4:
        return rng.choice(NUMBERS)
    if kind in (5, 6):
        return rng.choice(SPACES)
    if kind == 7:
        return rng.choice(EMOJI)
    if kind == 8:
        return rng.choice(CODE)
    if kind == 9:
        return rng.choice("aeionsAEO가ཀक") + "".join(rng.choices(MARKS, k=rng.randint(1, 5)))
    if kind == 10:
        return "".join(rng.choices(JAMO, k=rng.randint(1, 5)))
    if kind == 11:
        return rng.choice(CONTROL)
    if kind == 12:
        return rng.choice(["", " ", "  ", "\n", "x"]) + rng.choice(SPECIAL) + rng.choice(["", " ", "  ", "\n", "y"])
    if kind == 13:
        return bytes(rng.randrange(256) for _ in range(rng.randint(1, 8))).decode("utf-8", "replace")
    if kind == 14:
        return "".join(chr(rng.choice(ASSIGNED)) for _ in range(rng.randint(1, 6)))
    return rng.choice("abcXYZ.,!?-'\"") * rng.choice([1, 2, 3, 17])


def hard_texts(seed, count):
    """`count` texts without surrogates, so that they are UTF-8; the first is empty."""
    rng = random.Random(seed)
    yield ""
    for _ in range(count - 1):
        yield "".join(fragment(rng) for _ in range(rng.choice([1, 1, 2, 3, 5, 8, 13])))


if __name__ == "__main__":
    for text in hard_texts(int(sys.argv[1]), int(sys.argv[2])):
        print(repr(text))
