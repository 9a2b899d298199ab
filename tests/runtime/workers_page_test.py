#!/usr/bin/python3
"""docs/workers.md shows only code of the example that is compiled and run, and its links lead somewhere."""
import pathlib
import re
import unittest

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = (SOURCE_DIR / "docs/workers.md").read_text()
CODE_BLOCK = re.compile(r"```cpp\n(.*?)\n```", re.S)


class WorkersPage(unittest.TestCase):
    def test_its_examples_are_those_that_are_run(self):
        run_here = (SOURCE_DIR / "examples/worker_processes.cpp").read_text()
        shown = CODE_BLOCK.findall(PAGE)
        self.assertGreater(len(shown), 3)
        for example in shown:
            self.assertIn(example, run_here)

    def test_its_links_lead_somewhere(self):
        for link in re.findall(r"\]\(([^)#]+)\)", CODE_BLOCK.sub("", PAGE)):
            self.assertTrue((SOURCE_DIR / "docs" / link).exists(), link)

    def test_it_names_the_defaults_that_there_are(self):
        options = (SOURCE_DIR / "include/weir/runtime/master_options.hpp").read_text()
        for name, default in (("ready_within", "10'000"), ("silence_max", "30'000"), ("drain_within", "30'000"),
                              ("end_within", "5'000"), ("restarts_within", "60'000")):
            self.assertIn(f"{name}{{{default}}}", options)


if __name__ == "__main__":
    unittest.main()
