#!/usr/bin/python3
"""docs/databases.md shows only code that is compiled and run (*_docs.hpp), and names every header of the floor."""
import pathlib
import re
import unittest

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = (SOURCE_DIR / "docs/databases.md").read_text()
CODE_BLOCK = re.compile(r"```cpp\n(.*?)\n```", re.S)
# What the headers that the page names include for their users.
PARTS = {"pool_options", "postgres_error", "postgres_parameter", "postgres_result", "redis_command", "redis_error",
         "redis_options", "redis_reply", "curl_error"}


class DatabasesPage(unittest.TestCase):
    def test_its_examples_are_those_that_are_run(self):
        run_here = "".join(each.read_text() for each in sorted((SOURCE_DIR / "tests/adapters").glob("*_docs.hpp")))
        shown = CODE_BLOCK.findall(PAGE)
        self.assertGreater(len(shown), 5)
        for example in shown:
            self.assertIn(example, run_here)

    def test_it_names_every_header(self):
        for header in (SOURCE_DIR / "include/weir/adapters").glob("*.hpp"):
            if header.stem not in PARTS:
                self.assertIn(f"/{header.name})", PAGE)

    def test_its_links_lead_somewhere(self):
        for link in re.findall(r"\]\(([^)#]+)\)", CODE_BLOCK.sub("", PAGE)):
            self.assertTrue((SOURCE_DIR / "docs" / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
