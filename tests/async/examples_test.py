#!/usr/bin/python3
"""docs/async.md shows only code that is compiled and run (examples_test.cpp), and names every header of the floor."""
import unittest

from docs_page import DocsPage, SOURCE_DIR

# Parts of other tools, which users do not include for themselves.
PARTS = {"attempt", "awaited", "branch", "failure", "flat_result", "frame_pool", "operation_awaiter", "scope", "sender_names", "stop_bridge",
         "unvoid", "waiter"}


class AsyncPage(DocsPage, unittest.TestCase):
    page = "async.md"
    run_in = ("tests/async/examples_test.cpp",)
    examples_min = 11

    def test_it_names_every_tool(self):
        for header in (SOURCE_DIR / "include/weir/async").glob("*.hpp"):
            if header.stem not in PARTS:
                self.assertIn(f"`{header.stem}`", self.text())


if __name__ == "__main__":
    unittest.main()
