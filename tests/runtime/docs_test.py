#!/usr/bin/python3
"""docs/runtime.md shows only code of examples that are compiled and run."""
import pathlib
import re
import unittest

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = (SOURCE_DIR / "docs/runtime.md").read_text()
CODE_BLOCK = re.compile(r"```cpp\n(.*?)\n```", re.S)


class RuntimePage(unittest.TestCase):
    def test_its_examples_are_those_that_are_run(self):
        run_here = "\n".join(path.read_text() for path in (SOURCE_DIR / "examples").glob("*.cpp"))
        shown = CODE_BLOCK.findall(PAGE)
        self.assertEqual(len(shown), 2)
        for example in shown:
            self.assertIn(example, run_here)

    def test_its_links_lead_somewhere(self):
        for link in re.findall(r"\]\(([^)#]+)\)", CODE_BLOCK.sub("", PAGE)):
            self.assertTrue((SOURCE_DIR / "docs" / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
