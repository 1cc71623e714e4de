"""draw_architecture.py draws every room of a table, and its check refuses a picture of another table."""
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

DRAW = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "draw_architecture.py"
TABLE = """
| floor | room | lives there | knows |
|---|---|---|---|
| 0 | `core` | errors <&> log | std |
| 1 | `tensor` | layout | torch |
| 2 | `algo` | losses | tensor |
| 3 | `tools`, `examples` | programs | public headers |
"""


class DrawArchitecture(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "docs").mkdir()
        self.write_table(TABLE)

    def write_table(self, table):
        (self.root / "docs" / "architecture.md").write_text(table, encoding="utf-8")

    def draw(self, *arguments):
        done = subprocess.run([sys.executable, DRAW, *arguments, self.root], capture_output=True, text=True)
        return done.returncode, done.stderr

    def classes_of_boxes(self, file):
        picture = xml.dom.minidom.parse(str(file))
        return [box.getAttribute("class") for box in picture.getElementsByTagName("rect")]

    def test_every_room_has_a_box_of_its_kind(self):
        self.assertEqual(self.draw(), (0, ""))
        for theme in ("light", "dark"):
            file = self.root / "docs" / "images" / f"architecture-{theme}.svg"
            boxes = self.classes_of_boxes(file)
            # each kind once more in the legend
            self.assertEqual([boxes.count(kind) for kind in ("page", "program", "torch", "base")], [1, 3, 3, 2])
            self.assertIn("errors &lt;&amp;&gt; log", file.read_text(encoding="utf-8"))

    def test_check_passes_after_drawing_only(self):
        self.assertEqual(self.draw("--check")[0], 1)
        self.draw()
        self.assertEqual(self.draw("--check"), (0, ""))
        self.write_table(TABLE.replace("layout", "packed batches"))
        code, error = self.draw("--check")
        self.assertEqual(code, 1)
        self.assertIn("architecture-light.svg: expected what the table", error)

    def test_missing_table_is_refused(self):
        self.write_table("no table here")
        code, error = self.draw()
        self.assertEqual(code, 1)
        self.assertIn("expected the table", error)


if __name__ == "__main__":
    unittest.main()
