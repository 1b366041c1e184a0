"""
A table of what a vendor's errors mean.
"""

from __future__ import annotations

from mailfailover import errors
from mailfailover.plugin import Errors, Problem, Response, Rule
from mailfailover.testing import PLAIN
from tests.samples import each

TABLE = Errors(
    {"key": errors.AuthenticationFailed},
    {r"no credits": errors.QuotaExceeded},
    (
        Rule(errors.RecipientRejected, "invalid", r"address", r"^to\b"),
        Rule(errors.AccountSuspended, "key", status=423),
    ),
)


@each(
    ("problem", "status", "kind"),
    [
        (Problem("key"), 400, errors.AuthenticationFailed),
        (Problem("key"), 423, errors.AccountSuspended),
        (Problem("key", "You have NO CREDITS left."), 400, errors.QuotaExceeded),
        (Problem("invalid", "no address", "to[0]"), 400, errors.RecipientRejected),
        (Problem("invalid", "no address", "reply_to"), 400, errors.RequestRefused),
        (Problem("invalid2", "no address", "to[0]"), 400, errors.RequestRefused),
        (Problem("other"), 503, errors.ProviderUnavailable),
        (Problem("other"), 200, errors.RequestRefused),
    ],
)
def test_a_problem_has_its_meaning(
    problem: Problem, status: int, kind: type[errors.SendError]
) -> None:
    """
    A rule comes before words, words before a code, and the status is asked last.
    """
    assert type(TABLE.classify(Response(status), [problem])) is kind


def test_the_problem_that_is_known_counts() -> None:
    """
    Of several problems the error has the code and the words of the one that decided.
    """
    problems = [Problem("other", "Odd."), Problem("invalid", "No address.", "to[0]")]

    error = TABLE.classify(Response(400), problems, message=PLAIN)

    assert ("invalid", "HTTP 400 invalid: to[0]: No address.", ("ann@example.org",)) == (
        error.code,
        str(error),
        error.recipients,
    )


def test_unknown_problems_are_all_told() -> None:
    """
    Where nothing decides, whoever reads the log sees everything that the vendor said.
    """
    error = TABLE.classify(Response(400), [Problem("a", "One."), Problem("b", "Two.")])

    assert "HTTP 400 a: One.; Two." == str(error)


def test_a_vendor_may_say_what_else_it_means() -> None:
    """
    *otherwise* counts where the table knows nothing, in place of the status.
    """
    error = TABLE.classify(Response(403), [Problem("odd")], otherwise=errors.OutcomeUnknown)

    assert type(error) is errors.OutcomeUnknown


def test_without_problems_the_answer_is_somebody_elses() -> None:
    """
    A 503 that is not in the vendor's form may come from in front of it: the mail may have left.
    """
    assert type(TABLE.classify(Response(503), [])) is errors.OutcomeUnknown


def test_a_place_that_is_the_code_is_told_once() -> None:
    """
    Some vendors have nothing but the place to tell problems apart.
    """
    assert "Wrong." == str(Problem("to", "Wrong.", "to"))
