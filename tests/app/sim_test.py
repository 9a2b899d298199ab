#!/usr/bin/python3
"""weir sim: lists, runs, repeats itself, and refuses what does not exist."""
import json
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree as xml

import weir_command
from weir_command import run


def told(*arguments):
    """What a run that passes says as JSON: an object for each scenario."""
    done = run("sim", *arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class Sim(unittest.TestCase):
    def test_every_scenario_is_listed_on_a_line_that_begins_with_its_name(self):
        done = run("sim", "--list")
        self.assertEqual(done.returncode, 0)
        for line in done.stdout.splitlines():
            self.assertRegex(line, r"^[a-z_]+ +\S")
        self.assertIn("timer_wheel", [line.split()[0] for line in done.stdout.splitlines()])

    def test_a_seed_runs_the_same_every_time(self):
        first, again = (told("timer_wheel", "--seed", "7", "--runs", "20")[0] for _ in range(2))
        self.assertEqual(first["trace_hash"], again["trace_hash"])
        self.assertEqual(first["runs"], 20)
        self.assertTrue(first["passed"])
        other = told("timer_wheel", "--seed", "8", "--runs", "20")[0]
        self.assertNotEqual(first["trace_hash"], other["trace_hash"])
        self.assertTrue(told("timer_wheel", "--seed", "7", "--twice")[0]["passed"])

    def test_the_coverage_of_faults_is_told(self):
        what = told("timer_wheel", "--runs", "200")[0]
        self.assertGreater(what["faults"]["stall"], 0)
        self.assertNotIn("stall", what["never"])
        self.assertIn("host_crash", what["never"])
        text = run("sim", "timer_wheel", "--runs", "200").stdout
        self.assertIn("NEVER", text)
        self.assertRegex(text, r"stall +[\d,]+\n")

    def test_all_scenarios_can_be_run_at_once(self):
        names = [line.split()[0] for line in run("sim", "--list").stdout.splitlines()]
        self.assertEqual([each["scenario"] for each in told("--all", "--seed", "1")], names)

    def test_faults_can_be_left_out(self):
        what = told("timer_wheel", "--seed", "1", "--runs", "50", "--only", "stall", "--faults-max", "1")[0]
        self.assertEqual(sum(what["faults"].values()), what["faults"]["stall"])
        self.assertLessEqual(what["faults"]["stall"], 50)
        self.assertEqual(sum(told("timer_wheel", "--only", "none")[0]["faults"].values()), 0)

    def test_all_places_of_one_seed_can_be_tried(self):
        failing = told("channels", "--fail-each", "--only", "stall", "--runs", "30")[0]
        self.assertEqual((failing["passed"], failing["complete"], failing["runs"]), (True, False, 30))
        self.assertEqual(failing["faults"]["stall"], sum(failing["faults"].values()))
        self.assertEqual(failing["faults"]["stall"], 29, "one run tells how many there are")
        cancelled = told("nursery_tree", "--cancel-each")[0]
        self.assertEqual((cancelled["passed"], cancelled["complete"]), (True, True))
        self.assertEqual(cancelled["runs"], cancelled["places"] + 1)
        chosen = told("channels", "--every-choice", "--runs", "50")[0]
        self.assertGreaterEqual(chosen["places"], 2)
        self.assertEqual(sum(chosen["faults"].values()), 0)

    def test_one_place_can_be_run_again(self):
        text = run("sim", "channels", "--seed", "3", "--cancel-at", "7").stdout
        self.assertIn("passed", text)
        self.assertEqual(told("channels", "--fail-at", "1000000000")[0]["faults"]["stall"], 0)
        once, twice = (told("channels", "--way", "1,0,1")[0]["trace_hash"] for _ in range(2))
        self.assertEqual(once, twice)

    def test_kinds_of_fault_can_be_taken_away(self):
        what = told("timer_wheel", "--runs", "50", "--without", "stall,sim_point")[0]
        self.assertEqual(what["faults"]["stall"], 0)

    def test_a_timeline_is_a_picture(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "run.svg")
            self.assertEqual(run("sim", "timer_wheel", "--seed", "3", "--timeline", str(path)).returncode, 0)
            self.assertTrue(xml.parse(path).getroot().tag.endswith("svg"))
        self.assertEqual(run("sim", "timer_wheel", "--seed", "3", "--timeline", "/nowhere/run.svg").returncode, 1)

    def test_what_does_not_exist_is_refused_by_its_name(self):
        for arguments, word in [(["sim", "no_such"], "no_such"), (["sim"], "scenario"), (["sim", "--list", "--all"], "sim"),
                                (["sim", "timer_wheel", "--only", "rain"], "rain"),
                                (["sim", "timer_wheel", "--without", "snow"], "snow"),
                                (["sim", "timer_wheel", "--fail-each", "--cancel-each"], "sim"),
                                (["sim", "timer_wheel", "--runs", "0"], "--runs")]:
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    weir_command.main()
