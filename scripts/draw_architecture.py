#!/usr/bin/env python3
"""Draws docs/images/architecture-light.svg and -dark.svg from the table of rooms in docs/architecture.md.

usage: draw_architecture.py [--check] [ROOT]

One band per floor, floor 0 at the bottom, one box per room with what lives there. --check writes nothing and fails if
the files differ from what would be written.
"""
import html
import pathlib
import sys
import textwrap

import check_rooms

WIDTH, MARGIN, NUMBER, GAP = 876, 20, 36, 10
PADDING, LINE, TITLE = 10, 15, 18
CHARACTER = 6.1  # a generous mean width of the 11-unit text
MOST_BOXES = 4   # in one line of a floor

THEMES = {
    "light": {"page": "#ffffff", "ink": "#1b1f24", "soft": "#57606a", "rule": "#d0d7de",
              "base": "#e8f1f8", "torch": "#fdeee3", "program": "#e7f4ee"},
    "dark": {"page": "#0f1317", "ink": "#e6eaee", "soft": "#9aa5b0", "rule": "#39434d",
             "base": "#14293a", "torch": "#3a2415", "program": "#12301f"},
}
KINDS = (("base", "without LibTorch (rlhf::base)"), ("torch", "with LibTorch (rlhf::rlhf)"), ("program", "programs"))


def read_rooms(text):
    """(floor, name, what lives there, kind) of every room of the table."""
    table = check_rooms.read_table(text)
    if not table:
        sys.exit("error: docs/architecture.md: expected the table floor | room | lives there | knows, found none")
    programs = {name for name, room in table.items() if "public headers" in room.knows}
    check_rooms.resolve(table)  # LibTorch passes on to who knows a room that knows it
    return [(room.floor, name, room.lives,
             "program" if name in programs else "torch" if "torch" in room.knows else "base")
            for name, room in table.items()]


def floors_of(rooms):
    """[(floor, [lines of at most MOST_BOXES rooms])], the highest floor first."""
    floors = []
    for floor in sorted({room[0] for room in rooms}, reverse=True):
        members = [room for room in rooms if room[0] == floor]
        lines = -(-len(members) // MOST_BOXES)
        size = -(-len(members) // lines)
        floors.append((floor, [members[i:i + size] for i in range(0, len(members), size)]))
    return floors


def text(x, y, words, classes):
    return f'<text class="{classes}" x="{x:g}" y="{y:g}">{html.escape(words)}</text>'


def box(x, y, width, height, room, lines):
    _, name, _, kind = room
    shapes = [f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>',
              text(x + PADDING, y + PADDING + 10, name, "name")]
    for i, line in enumerate(lines):
        shapes.append(text(x + PADDING, y + PADDING + 10 + TITLE + i * LINE, line, "lives"))
    return shapes


def row(y, rooms):
    """The boxes of one line of rooms, all as high as the longest text asks for; and that height."""
    width = (WIDTH - 2 * MARGIN - NUMBER - GAP * (len(rooms) - 1)) / len(rooms)
    texts = [textwrap.wrap(room[2], int((width - 2 * PADDING) / CHARACTER)) for room in rooms]
    height = 2 * PADDING + TITLE + LINE * max(len(lines) for lines in texts) - 4
    shapes = []
    for i, room in enumerate(rooms):
        shapes += box(MARGIN + NUMBER + i * (width + GAP), y, width, height, room, texts[i])
    return shapes, height


def legend(y):
    shapes, x = [], MARGIN + NUMBER
    for kind, words in KINDS:
        shapes.append(f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="14" height="14" rx="3"/>')
        shapes.append(text(x + 20, y + 11, words, "lives"))
        x += 20 + len(words) * CHARACTER + 24
    return shapes + [text(x, y + 11, "a room includes only rooms below it", "lives")]


def draw(rooms, colours):
    y, shapes = MARGIN, []
    for floor, lines in floors_of(rooms):
        top = y
        for members in lines:
            boxes, height = row(y, members)
            shapes += boxes
            y += height + GAP
        shapes.append(text(MARGIN, (top + y - GAP) / 2 + 6, str(floor), "floor"))
    shapes += legend(y + 4)
    height = y + 18 + MARGIN
    fills = "".join(f"rect.{kind} {{ fill: {colours[kind]}; stroke: {colours['rule']}; }} " for kind, _ in KINDS)
    style = (f"rect.page {{ fill: {colours['page']}; }} {fills}"
             f"text.name {{ fill: {colours['ink']}; font-size: 14px; font-weight: 600; }} "
             f"text.lives {{ fill: {colours['soft']}; font-size: 11px; }} "
             f"text.floor {{ fill: {colours['soft']}; font-size: 18px; font-weight: 600; }}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
            f'height="{height:g}" role="img" aria-label="The rooms of the library by floor; each includes only rooms '
            f'below it" font-family="system-ui, -apple-system, \'Segoe UI\', sans-serif">\n<style>{style}</style>\n'
            f'<rect class="page" x="0" y="0" width="{WIDTH}" height="{height:g}"/>\n' + "\n".join(shapes) + "\n</svg>\n")


def main(arguments):
    check = "--check" in arguments
    places = [a for a in arguments if a != "--check"]
    root = pathlib.Path(places[0] if places else ".")
    rooms = read_rooms((root / "docs" / "architecture.md").read_text(encoding="utf-8"))
    for theme, colours in THEMES.items():
        file = root / "docs" / "images" / f"architecture-{theme}.svg"
        picture = draw(rooms, colours)
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(picture, encoding="utf-8")
        elif not file.is_file() or file.read_text(encoding="utf-8") != picture:
            sys.exit(f"error: {file}: expected what the table in docs/architecture.md gives, found another picture; "
                     "hint: scripts/draw_architecture.py")


if __name__ == "__main__":
    main(sys.argv[1:])
