#!/usr/bin/python3
"""docs/senders.md shows only code that is compiled and run (sender_examples_test.cpp)."""
import unittest

from docs_page import DocsPage


class SendersPage(DocsPage, unittest.TestCase):
    page = "senders.md"
    run_in = ("tests/async/sender_examples_test.cpp",)
    examples_min = 3


if __name__ == "__main__":
    unittest.main()
