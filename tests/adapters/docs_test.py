#!/usr/bin/python3
"""docs/databases.md shows only code that is compiled and run (*_docs.hpp), and names every header of the floor."""
import unittest

from docs_page import DocsPage, SOURCE_DIR

# What the headers that the page names include for their users.
PARTS = {"pool_options", "postgres_error", "postgres_parameter", "postgres_result", "redis_command", "redis_error",
         "redis_options", "redis_reply", "curl_error"}


class DatabasesPage(DocsPage, unittest.TestCase):
    page = "databases.md"
    run_in = ("tests/adapters/*_docs.hpp",)
    examples_min = 6

    def test_it_names_every_header(self):
        for header in (SOURCE_DIR / "include/weir/adapters").glob("*.hpp"):
            if header.stem not in PARTS:
                self.assertIn(f"/{header.name})", self.text())


if __name__ == "__main__":
    unittest.main()
