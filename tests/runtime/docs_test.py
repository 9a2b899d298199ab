#!/usr/bin/python3
"""docs/runtime.md shows only code of examples that are compiled and run."""
import unittest

from docs_page import DocsPage


class RuntimePage(DocsPage, unittest.TestCase):
    page = "runtime.md"
    run_in = ("examples/*.cpp",)
    examples_min = 2
    examples_max = 2


if __name__ == "__main__":
    unittest.main()
