"""
Real bounces that others have collected, which may not be copied into this project.

Point ``BOUNCE_COLLECTION`` at a folder of ``*.eml`` files, and ``SISIMAI`` at a copy of Sisimai's
Perl library, with whose reading ours is compared. Both are public: github.com/sisimai/set-of-emails
and github.com/sisimai/p5-sisimai, which needs libjson-perl and libclass-accessor-lite-perl.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.bounces import read_bounce

if TYPE_CHECKING:
    from mailfailover import DeliveryEvent

COLLECTION, SISIMAI = os.environ.get("BOUNCE_COLLECTION", ""), os.environ.get("SISIMAI", "")
PERL = shutil.which("perl") or ""
MISSING = "" if COLLECTION and SISIMAI and PERL else "BOUNCE_COLLECTION and SISIMAI are not set"
pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

DUMP = """
use Sisimai; use JSON;
for my $file (@ARGV) {
    my $found = eval { Sisimai->rise($file, delivered => 1) } || [];
    my @rows = map { my $d = $_->damn; +{ map { $_ => $d->{$_} } qw(recipient alias reason) } }
        @$found;
    print JSON->new->encode({ file => $file, found => \\@rows }), "\\n";
}
"""
# What Sisimai calls a reason, and which of ours say the same. Where it has no word for what a
# server meant, or two for one of ours, several are right.
REASONS = {
    "userunknown": "invalid",
    "hostunknown": "invalid timed_out",
    "hasmoved": "invalid",
    "notaccept": "invalid other",
    "filtered": "invalid other spam blocked",
    "suspend": "bounced invalid",
    "mailboxfull": "other",
    "mesgtoobig": "other",
    "exceedlimit": "other",
    "systemfull": "other",
    "expired": "timed_out",
    "networkerror": "timed_out other invalid",
    "spamdetected": "spam",
    "virusdetected": "spam",
    "contenterror": "spam other blocked",
    "blocked": "blocked",
    "rejected": "blocked",
    "norelaying": "blocked",
    "policyviolation": "blocked spam other",
    "securityerror": "blocked other spam",
    "authfailure": "blocked",
    "requireptr": "blocked",
    "badreputation": "blocked",
    "speeding": "blocked other",
    "toomanyconn": "blocked timed_out other",
}


@pytest.fixture(name="judged", scope="module")
def _judged() -> list[tuple[Path, list[dict[str, Any]], tuple[DeliveryEvent, ...]]]:
    """
    Each file of the collection, with what Sisimai reads in it and what we do.
    """
    files = sorted(Path(COLLECTION).glob("*.eml"))
    command = [PERL, f"-I{SISIMAI}/lib", "-e", DUMP, *map(str, files)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    read = {path: read_bounce(path.read_bytes()) for path in files}
    return [(Path(one["file"]), one["found"], read[Path(one["file"])]) for one in lines]


def test_recipients(judged: list[tuple[Path, list[dict[str, Any]], Any]]) -> None:
    """
    Both name the same recipients, by the one or the other of their addresses.
    """
    wrong = [path.name for path, theirs, ours in judged if theirs and not _agree(theirs, ours)]

    assert len(wrong) <= 0.05 * len(judged), wrong


def test_reasons(judged: list[tuple[Path, list[dict[str, Any]], Any]]) -> None:
    """
    Both say why, for all of whom they say it.
    """
    wrong, right = [], 0
    for path, theirs, ours in judged:
        said = {one.recipient.lower(): one.reject_reason for one in ours}
        for one in theirs:
            reason = said.get(one["recipient"].lower())
            if reason is None or one["reason"] not in REASONS:
                continue
            right += str(reason) in REASONS[one["reason"]].split()
            if str(reason) not in REASONS[one["reason"]].split():
                wrong.append(f"{path.name}: {one['reason']}, ours {reason}")

    assert len(wrong) <= 0.06 * (right + len(wrong)), wrong


def _agree(theirs: list[dict[str, Any]], ours: tuple[DeliveryEvent, ...]) -> bool:
    names = {name.lower() for one in theirs for name in (one["recipient"], one["alias"]) if name}
    found = {one.recipient.lower() for one in ours}
    return found <= names and len(found) == len({one["recipient"].lower() for one in theirs})
