#!/usr/bin/python3
"""README.md shows what is there: the echo server as it is compiled and tested, and files that exist."""
import re
import unittest

import weir_command
from weir_command import SOURCE_DIR

README = (SOURCE_DIR / "README.md").read_text()
CODE_BLOCK = re.compile(r"```cpp\n(.*?)\n```", re.S)


def marked_regions(source):
    """The lines between [readme] and [/readme], of all such places."""
    shown, is_shown = [], False
    for line in source.splitlines():
        if line.strip() in ("// [readme]", "// [/readme]"):
            is_shown = line.strip() == "// [readme]"
        elif is_shown:
            shown.append(line)
    return "\n".join(shown)


class Readme(unittest.TestCase):
    def test_the_echo_server_is_the_one_that_is_tested(self):
        self.assertEqual(CODE_BLOCK.findall(README), [marked_regions((SOURCE_DIR / "examples/echo_server.cpp").read_text())])

    def test_its_links_lead_somewhere(self):
        links = re.findall(r"\]\(([^)#]+)\)", CODE_BLOCK.sub("", README))
        self.assertGreater(len(links), 5)
        for link in links:
            self.assertTrue((SOURCE_DIR / link).exists(), link)

    def test_fits_a_screen(self):
        self.assertLess(len(CODE_BLOCK.sub("", README).splitlines()), 45)


if __name__ == "__main__":
    weir_command.main()
