#!/usr/bin/python3
"""docs/files.md shows only code that is compiled and run (docs_test.cpp), and its links lead somewhere."""
import pathlib
import re
import unittest

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = (SOURCE_DIR / "docs/files.md").read_text()
CODE_BLOCK = re.compile(r"```cpp\n(.*?)\n```", re.S)


class FilesPage(unittest.TestCase):
    def test_its_examples_are_those_that_are_run(self):
        run_here = (SOURCE_DIR / "tests/fs/docs_test.cpp").read_text()
        shown = CODE_BLOCK.findall(PAGE)
        self.assertGreater(len(shown), 3)
        for example in shown:
            self.assertIn(example, run_here)

    def test_its_links_lead_somewhere(self):
        for link in re.findall(r"\]\(([^)#]+)\)", CODE_BLOCK.sub("", PAGE)):
            self.assertTrue((SOURCE_DIR / "docs" / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
