"""What holds for every page in docs/: its code is compiled and run somewhere, and its links lead somewhere."""
import pathlib
import re

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent.parent
CODE_BLOCK = re.compile(r"```cpp\n(.*?)\n```", re.S)


class DocsPage:
    """For a unittest.TestCase that says which page it is, which sources its examples stand in, and how many it has."""

    page = ""  # below docs/
    run_in = ()  # patterns below the source directory
    examples_min = 1
    examples_max = 1000

    def text(self):
        return (SOURCE_DIR / "docs" / self.page).read_text()

    def test_its_examples_are_those_that_are_run(self):
        sources = [source for pattern in self.run_in for source in sorted(SOURCE_DIR.glob(pattern))]
        run_here = "\n".join(source.read_text() for source in sources)
        shown = CODE_BLOCK.findall(self.text())
        self.assertGreaterEqual(len(shown), self.examples_min)
        self.assertLessEqual(len(shown), self.examples_max)
        for example in shown:
            self.assertIn(example, run_here)

    def test_its_links_lead_somewhere(self):
        for link in re.findall(r"\]\(([^)#]+)\)", CODE_BLOCK.sub("", self.text())):
            self.assertTrue((SOURCE_DIR / "docs" / link).exists(), link)
