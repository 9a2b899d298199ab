#!/usr/bin/python3
"""Every example has less than 80 lines, and those that must be there are. examples/CMakeLists.txt compiles and runs them."""
import pathlib
import unittest

SOURCE_DIR = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted((SOURCE_DIR / "examples").glob("*.cpp"))
LINES_BELOW = 80
REQUIRED = {"echo_server", "callback_echo", "chat", "static_file_sender", "udp_time_server", "tcp_proxy", "tls_client",
            "process_runner", "postgres_query_service", "reactor_face", "two_loops", "graceful_shutdown"}


class Examples(unittest.TestCase):
    def test_each_has_less_than_80_lines(self):
        for example in EXAMPLES:
            with self.subTest(example.name):
                self.assertLess(len(example.read_text().splitlines()), LINES_BELOW)

    def test_none_is_missing(self):
        self.assertEqual(REQUIRED - {example.stem for example in EXAMPLES}, set())


if __name__ == "__main__":
    unittest.main()
