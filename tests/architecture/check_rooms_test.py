"""check_rooms.py must fail on each planted violation, naming file and line, and pass without one."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check_rooms.py"
TABLE = """
| floor | room | lives there | knows |
|---|---|---|---|
| 0 | `core` | errors | std |
| 1 | `config` | options | – |
| 1 | `files` | records | – |
| 2 | `tensor` | layout | config/choices.h, torch |
| 3 | `algo` | losses | tensor |
| 4 | `train` | methods | all below |
| 5 | `tools`, `examples` | programs | public headers |
"""


class CheckRooms(unittest.TestCase):
    def check(self, files, table=TABLE):
        """Exit code and output of the check over a tree that holds these files."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            tree = {"docs/architecture.md": table, "include/rlhf/core/error.h": "#include <string>\n",
                    "include/rlhf/config/choices.h": "", "include/rlhf/config/reader.h": "",
                    "include/rlhf/files/jsonl.h": "", "include/rlhf/algo/gae.h": "", "src/algo/inner.h": "", **files}
            for name, text in tree.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr

    def assert_passes(self, name, line):
        code, output = self.check({name: line})
        self.assertEqual(code, 0, output)

    def assert_refused(self, name, line, reason):
        code, output = self.check({name: f"#include <string>\n{line}\n"})
        self.assertEqual(code, 1, output)
        self.assertIn(f"{name}:2: ", output)
        self.assertIn(reason, output)

    def test_what_the_table_allows_passes(self):
        self.assert_passes("src/algo/gae.cpp", '#include "rlhf/algo/gae.h"\n#include "algo/inner.h"\n#include <ATen/ops/exp.h>')
        self.assert_passes("src/tensor/a.cpp", '#include "rlhf/config/choices.h"\n#include "rlhf/core/error.h"')
        self.assert_passes("src/train/ppo.cpp", '#include "rlhf/algo/gae.h"\n#include "rlhf/files/jsonl.h"')
        self.assert_passes("tools/main.cpp", '#include "rlhf/algo/gae.h"\n#include "rlhf/files/jsonl.h"')

    def test_arrow_to_a_higher_floor_is_refused(self):
        self.assert_refused("src/tensor/a.cpp", '#include "rlhf/algo/gae.h"', "tensor may not know algo/gae.h")

    def test_arrow_to_a_neighbour_is_refused(self):
        self.assert_refused("include/rlhf/files/a.h", '#include "rlhf/config/choices.h"', "files may not know config")

    def test_only_the_named_header_of_a_room_is_allowed(self):
        self.assert_refused("src/tensor/a.cpp", '#include "rlhf/config/reader.h"', "tensor may not know config/reader.h")

    def test_torch_in_a_base_room_is_refused(self):
        for header in ("ATen/core/Tensor.h", "torch/csrc/autograd/custom_function.h", "c10/core/Device.h"):
            self.assert_refused("src/files/a.cpp", f"#include <{header}>", "files may not know LibTorch")

    def test_whole_torch_is_refused_everywhere(self):
        self.assert_refused("src/algo/a.cpp", "#include <torch/torch.h>", "include the operators one by one")

    def test_private_header_of_another_room_is_refused(self):
        self.assert_refused("src/train/a.cpp", '#include "algo/inner.h"', "private header of algo")
        self.assert_refused("tools/a.cpp", '#include "algo/inner.h"', "private header of algo")
        self.assert_refused("src/train/a.cpp", '#include "../algo/inner.h"', "private header of algo")

    def test_private_header_in_a_public_one_is_refused(self):
        self.assert_refused("include/rlhf/algo/gae2.h", '#include "algo/inner.h"', "private header of algo")

    def test_commented_include_does_not_count(self):
        self.assert_passes("src/tensor/a.cpp", '// #include "rlhf/algo/gae.h"\n/*\n#include "rlhf/algo/gae.h"\n*/')

    def test_folder_without_a_row_is_refused(self):
        code, output = self.check({"src/extra/a.cpp": ""})
        self.assertEqual(code, 1)
        self.assertIn("extra has no row", output)

    def test_table_that_points_upwards_is_refused(self):
        code, output = self.check({}, TABLE.replace("layout | config/choices.h", "layout | algo"))
        self.assertEqual(code, 1)
        self.assertIn("tensor (floor 2) cannot know algo (floor 3)", output)

    def test_cmake_and_the_table_must_agree(self):
        self.assertEqual(self.check({"src/algo/CMakeLists.txt": "rlhf_room(algo\n  SOURCES gae.cpp\n  KNOWS core tensor)"})[0], 0)
        for knows in ("core", "core files tensor", "config core tensor"):
            code, output = self.check({"src/algo/CMakeLists.txt": f"rlhf_room(algo SOURCES gae.cpp KNOWS {knows})"})
            self.assertEqual(code, 1)
            self.assertIn(f"src/algo/CMakeLists.txt: KNOWS: expected core tensor as in docs/architecture.md, found {knows}",
                          output)

    def test_missing_table_is_refused(self):
        code, output = self.check({}, "no table here")
        self.assertEqual(code, 1)
        self.assertIn("no table of rooms", output)


if __name__ == "__main__":
    unittest.main()
