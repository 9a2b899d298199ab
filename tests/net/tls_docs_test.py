#!/ usr / bin / python3
"""docs/tls.md shows only code that is compiled and run (tls_docs_test.cpp), and its links lead somewhere."""
import pathlib
import re
import unittest

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent.parent
PAGE = (SOURCE_DIR / "docs/tls.md").read_text()
CODE_BLOCK = re.compile(r"```cpp\n(.*?)\n```", re.S)


class TlsPage(unittest.TestCase):
    def test_its_examples_are_those_that_are_run(self):
        run_here = (SOURCE_DIR / "tests/net/tls_docs_test.cpp").read_text()
        shown = CODE_BLOCK.findall(PAGE)
        self.assertEqual(len(shown), 4)
        for example in shown:
            self.assertIn(example, run_here)

    def test_its_links_lead_somewhere(self):
        for link in re.findall(r"\]\(([^)#]+)\)", CODE_BLOCK.sub("", PAGE)):
            self.assertTrue((SOURCE_DIR / "docs" / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
