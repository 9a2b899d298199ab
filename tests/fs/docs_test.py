#!/usr/bin/python3
"""docs/files.md shows only code that is compiled and run (docs_test.cpp), and its links lead somewhere."""
import unittest

from docs_page import DocsPage


class FilesPage(DocsPage, unittest.TestCase):
    page = "files.md"
    run_in = ("tests/fs/docs_test.cpp",)
    examples_min = 4


if __name__ == "__main__":
    unittest.main()
