#!/usr/bin/python3
"""docs/simulation.md: its examples are compiled and run in docs_test.cpp."""
import unittest

from docs_page import DocsPage


class Simulation(DocsPage, unittest.TestCase):
    page = "simulation.md"
    run_in = ("tests/scenarios/docs_test.cpp",)
    examples_min = 5


if __name__ == "__main__":
    unittest.main()
