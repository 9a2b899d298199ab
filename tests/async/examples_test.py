#!/usr/bin/python3
"""docs/async.md shows only code that is compiled and run (examples_test.cpp), and names every header of the floor."""
import pathlib
import re
import unittest

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = (SOURCE_DIR / "docs/async.md").read_text()
CODE_BLOCK = re.compile(r"```cpp\n(.*?)\n```", re.S)
# Parts of other tools, which users do not include for themselves.
PARTS = {"attempt", "branch", "failure", "flat_result", "frame_pool", "operation_awaiter", "scope", "unvoid", "waiter"}


class AsyncPage(unittest.TestCase):
    def test_its_examples_are_those_that_are_run(self):
        run_here = (SOURCE_DIR / "tests/async/examples_test.cpp").read_text()
        shown = CODE_BLOCK.findall(PAGE)
        self.assertGreater(len(shown), 10)
        for example in shown:
            self.assertIn(example, run_here)

    def test_it_names_every_tool(self):
        for header in (SOURCE_DIR / "include/weir/async").glob("*.hpp"):
            if header.stem not in PARTS:
                self.assertIn(f"`{header.stem}`", PAGE)

    def test_its_links_lead_somewhere(self):
        for link in re.findall(r"\]\(([^)#]+)\)", CODE_BLOCK.sub("", PAGE)):
            self.assertTrue((SOURCE_DIR / "docs" / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
