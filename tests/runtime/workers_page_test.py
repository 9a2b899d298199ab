#!/usr/bin/python3
"""docs/workers.md shows only code of the example that is compiled and run, and its links lead somewhere."""
import unittest

from docs_page import DocsPage, SOURCE_DIR


class WorkersPage(DocsPage, unittest.TestCase):
    page = "workers.md"
    run_in = ("examples/worker_processes.cpp",)
    examples_min = 4

    def test_it_names_the_defaults_that_there_are(self):
        options = (SOURCE_DIR / "include/weir/runtime/master_options.hpp").read_text()
        for name, default in (("ready_within", "10'000"), ("silence_max", "30'000"), ("drain_within", "30'000"),
                              ("end_within", "5'000"), ("restarts_within", "60'000")):
            self.assertIn(f"{name}{{{default}}}", options)


if __name__ == "__main__":
    unittest.main()
