#!/usr/bin/python3
"""docs/callbacks.md shows only code that is compiled and run."""
import unittest

from docs_page import DocsPage


class CallbacksPage(DocsPage, unittest.TestCase):
    page = "callbacks.md"
    run_in = ("tests/runtime/callbacks_docs_test.cpp",)
    examples_min = 5


if __name__ == "__main__":
    unittest.main()
