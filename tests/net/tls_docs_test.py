#!/usr/bin/python3
"""docs/tls.md shows only code that is compiled and run (tls_docs_test.cpp), and its links lead somewhere."""
import unittest

from docs_page import DocsPage


class TlsPage(DocsPage, unittest.TestCase):
    page = "tls.md"
    run_in = ("tests/net/tls_docs_test.cpp",)
    examples_min = 4
    examples_max = 5


if __name__ == "__main__":
    unittest.main()
