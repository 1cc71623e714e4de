#!/usr/bin/env python3
"""Checks every #include against the table of rooms in docs/architecture.md.

usage: check_rooms.py [ROOT]

The column "knows" is the complete list of what a room may include, besides itself, `core` and the standard library:
`config` (a whole room), `config/choices.h` (one header), `torch`, `all below`, `public headers`. LibTorch passes on: who
knows a room that knows it may include it. KNOWS in src/ROOM/CMakeLists.txt must name the same whole rooms. Prints one
line per violation; exit code 1 if there is one.
"""
import pathlib
import re
import sys

TORCH = re.compile(r"^(ATen|c10|caffe2|torch)/")
WHOLE_TORCH = re.compile(r"^(torch/(torch|all|types|extension)\.h|ATen/ATen\.h|torch/(nn|optim)(/.*|\.h))$")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]', re.MULTILINE)
CMAKE_ROOM = re.compile(r"rlhf_room\(([^)]*)\)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class Room:
    def __init__(self, name, floor, lives, knows):
        self.name, self.floor, self.lives = name, floor, lives
        self.knows = knows - {"std", "–", "-", ""}
        self.links = set()  # whole rooms only, `core` included: what CMake's KNOWS must say


def read_table(text):
    """The rooms by name, from the table whose head is floor | room | lives there | knows."""
    rooms = {}
    head = re.search(r"^\| *floor *\| *room *\|.*\| *knows *\|\n\|[-| :]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    for line in head.group(1).splitlines() if head else []:
        floor, names, lives, knows = [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]
        for name in names.split(","):
            rooms[name.strip()] = Room(name.strip(), int(floor), lives, {word.strip() for word in knows.split(",")})
    return rooms


def resolve(rooms):
    """Spells out `all below`, lets LibTorch pass on; returns the faults of the table itself."""
    faults = []
    for room in sorted(rooms.values(), key=lambda r: r.floor):
        below = {other.name for other in rooms.values() if other.floor < room.floor}
        if room.knows & {"all below", "public headers"}:
            room.knows = set(below)
        for known in sorted(room.knows - {"torch"}):
            other = rooms.get(known.split("/")[0])
            if other is None:
                faults.append(f"table: {room.name} knows {known}, which is no room")
            elif other.floor >= room.floor:
                faults.append(f"table: {room.name} (floor {room.floor}) cannot know {known} (floor {other.floor})")
            elif "torch" in other.knows:
                room.knows.add("torch")
        room.links = {known for known in room.knows | {"core"} if known in rooms} - {room.name}
    return faults


def fault_of(include, room, rooms, path, root):
    """Why this include is not allowed in this file, or None."""
    if WHOLE_TORCH.match(include):
        return f"{include} is all of LibTorch: include the operators one by one"
    if TORCH.match(include):
        return None if "torch" in room.knows else f"{room.name} may not know LibTorch"
    if include.startswith("rlhf/"):
        target = include[len("rlhf/"):]
        other = target.split("/")[0]
        allowed = other in room.knows | {room.name, "core"} or target in room.knows
        return None if allowed else f"{room.name} may not know {target}"
    public = path.is_relative_to(root / "include")
    for folder in (path.parent, root / "src"):
        header = (folder / include).resolve()
        if header.is_file() and header.is_relative_to(root / "src"):
            other = header.relative_to(root / "src").parts[0]
            return None if other == room.name and not public else f"{include} is a private header of {other}"
    return None


def faults_of_cmake(rooms, root):
    """Rooms whose CMakeLists.txt says another KNOWS than the table."""
    for name in sorted(rooms):
        path = root / "src" / name / "CMakeLists.txt"
        call = CMAKE_ROOM.search(path.read_text(encoding="utf-8")) if path.is_file() else None
        if call is None:
            continue  # tools and examples are programs, not rooms of the library
        knows = re.search(r"\bKNOWS((?:\s+[a-z_0-9]+)*)", call.group(1))
        found = set(knows.group(1).split()) if knows else set()
        if found != rooms[name].links:
            yield (f"{path.relative_to(root)}: KNOWS: expected {' '.join(sorted(rooms[name].links)) or 'nothing'} as in "
                   f"docs/architecture.md, found {' '.join(sorted(found)) or 'nothing'}")


def files_of(root):
    """(file, name of its room) of everything that is checked."""
    for base in ("include/rlhf", "src"):
        for path in sorted((root / base).glob("*/**/*")):
            yield path, path.relative_to(root / base).parts[0]
    for base in ("tools", "examples"):
        for path in sorted((root / base).glob("**/*")):
            yield path, base


def check(root):
    rooms = read_table((root / "docs" / "architecture.md").read_text(encoding="utf-8"))
    if not rooms:
        return ["docs/architecture.md: no table of rooms"]
    faults = resolve(rooms)
    faults.extend(faults_of_cmake(rooms, root))
    for path, name in files_of(root):
        if path.suffix not in {".h", ".cpp", ".cu", ".cuh"}:
            continue
        shown = path.relative_to(root)
        if name not in rooms:
            faults.append(f"{shown}:1: room {name} has no row in docs/architecture.md")
            continue
        text = COMMENT.sub(lambda m: "\n" * m.group().count("\n"), path.read_text(encoding="utf-8"))
        for match in INCLUDE.finditer(text):
            fault = fault_of(match.group(1), rooms[name], rooms, path, root)
            if fault:
                faults.append(f"{shown}:{text.count(chr(10), 0, match.start(1)) + 1}: {fault}")
    return faults


if __name__ == "__main__":
    found = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())
    print("\n".join(found) or "rooms: every include is in the table")
    sys.exit(1 if found else 0)
