"""Targets, read off a report."""

import json

from bench.common import RESULTS
from bench.common.targets import Target
from bench.peers.plan import Plan
from bench.peers.targets import judge, over
from tests.support.peer_makers import make_row


def test_over__uses_the_cap_where_a_goal_was_not_reached():
    assert over(make_row("a", 6.0), make_row("b", 2.0), 1.05) == 3.0
    assert over(make_row("a", None), make_row("b", 2.0), 1.05) == 25.0
    assert over(make_row("a", 6.0), make_row("b", None), 1.05) is None
    assert over(None, make_row("b", 2.0), 1.05) is None


def test_target__a_single_genome_has_to_be_no_faster():
    assert Target("a single genome", 1.0, True, "", 0.9).met is False


def test_judge__finds_the_kept_reports_targets_again():
    report = json.loads((RESULTS / "2026-11-24-peers.json").read_text())
    assert [target.to_dict() for target in judge(report, Plan().ablations)] == report["targets"]
