from __future__ import annotations

import pickle

from mailfailover import errors
from mailfailover.errors import Penalty, SendError, Verdict
from mailfailover.plugin import SMTPReply, classify_smtp
from tests.samples import each

# Step, code and text of a reply as servers write them, and the class it means.
MEANINGS: tuple[tuple[str, int, str, type[SendError]], ...] = (
    # Before any mail: nothing that the mail could be blamed for.
    ("connect", 421, "4.3.2 Service shutting down", errors.ProviderUnavailable),
    ("connect", 554, "No SMTP service here", errors.ProviderUnavailable),
    ("connect", 421, "Too many concurrent SMTP connections", errors.RateLimited),
    ("connect", 554, "5.7.1 Client host [192.0.2.1] blocked using dnsbl", errors.AccountSuspended),
    ("ehlo", 501, "5.5.4 Invalid domain name", errors.ProviderUnavailable),
    ("starttls", 454, "4.7.0 TLS not available", errors.ProviderUnavailable),
    ("noop", 500, "What?", errors.ProviderUnavailable),
    # AUTH.
    ("auth", 535, "5.7.8 Username and Password not accepted", errors.AuthenticationFailed),
    ("auth", 534, "5.7.9 Application-specific password required", errors.AuthenticationFailed),
    ("auth", 432, "4.7.12 A password transition is needed", errors.AuthenticationFailed),
    ("auth", 504, "5.5.4 Unrecognized authentication type", errors.AuthenticationFailed),
    ("auth", 525, "5.7.13 User account disabled", errors.AccountSuspended),
    ("auth", 454, "4.7.0 Temporary authentication failure", errors.ProviderUnavailable),
    ("auth", 454, "4.7.0 Too many login attempts", errors.RateLimited),
    ("auth", 432, "4.3.2 Concurrent connections limit exceeded.", errors.RateLimited),
    # MAIL.
    ("mail", 530, "5.7.0 Must issue a STARTTLS command first", errors.AuthenticationFailed),
    ("mail", 550, "5.7.1 Not allowed to send as this address", errors.SenderRefused),
    ("mail", 553, "sorry, not your domain", errors.SenderRefused),
    ("mail", 501, "5.1.7 Bad sender address syntax", errors.SenderRefused),
    ("mail", 501, "5.5.4 Invalid arguments", errors.RequestRefused),
    ("mail", 503, "5.5.1 Nested MAIL command", errors.RequestRefused),
    ("mail", 552, "5.3.4 Message size exceeds fixed limit", errors.UnsupportedFeature),
    ("mail", 555, "5.5.4 Unsupported option: SMTPUTF8", errors.UnsupportedFeature),
    ("mail", 553, "5.6.7 Address requires SMTPUTF8", errors.UnsupportedFeature),
    ("mail", 454, "Throttling failure: Maximum sending rate exceeded.", errors.RateLimited),
    ("mail", 454, "Throttling failure: Daily message quota exceeded.", errors.QuotaExceeded),
    ("mail", 421, "4.7.0 unusual rate of mail from your IP address", errors.RateLimited),
    ("mail", 450, "4.7.1 Error: too much mail from 192.0.2.1", errors.RateLimited),
    ("mail", 451, "4.3.0 Temporary lookup failure", errors.ProviderUnavailable),
    ("mail", 452, "4.3.1 Insufficient system storage", errors.ProviderUnavailable),
    # RCPT: mostly about the recipient, sometimes about us.
    ("rcpt", 550, "5.1.1 User unknown", errors.RecipientRejected),
    ("rcpt", 550, "5.1.10 Recipient domain has a null MX", errors.RecipientRejected),
    ("rcpt", 553, "5.1.3 Bad recipient address syntax", errors.RecipientRejected),
    ("rcpt", 550, "5.2.1 Mailbox disabled", errors.RecipientRejected),
    ("rcpt", 552, "5.2.2 Mailbox full", errors.RecipientRejected),
    ("rcpt", 550, "no such user here", errors.RecipientRejected),
    ("rcpt", 550, "5.5.0 Mailbox unavailable", errors.RecipientRejected),
    ("rcpt", 550, "Blocked: see our policy", errors.RequestRefused),
    ("rcpt", 550, "5.7.1 Recipient takes mail from its own domain only", errors.RequestRefused),
    ("rcpt", 551, "User not local", errors.RequestRefused),
    ("rcpt", 501, "Syntax error in parameters", errors.RequestRefused),
    ("rcpt", 554, "5.7.1 <bob@b.example>: Relay access denied", errors.SenderRefused),
    ("rcpt", 550, "relay not permitted", errors.SenderRefused),
    ("rcpt", 553, "5.7.1 <a@a.example>: Sender address rejected: not owned", errors.SenderRefused),
    ("rcpt", 530, "5.7.1 Authentication required", errors.AuthenticationFailed),
    ("rcpt", 452, "4.5.3 Error: too many recipients", errors.UnsupportedFeature),
    ("rcpt", 452, "Too many recipients", errors.UnsupportedFeature),
    ("rcpt", 550, "5.6.7 Non-ASCII addresses not permitted", errors.UnsupportedFeature),
    ("rcpt", 550, "5.4.5 Daily user sending limit exceeded", errors.QuotaExceeded),
    ("rcpt", 451, "4.3.0 Temporary lookup failure", errors.ProviderUnavailable),
    ("rcpt", 452, "4.3.1 Insufficient system storage", errors.ProviderUnavailable),
    ("rcpt", 421, "4.4.2 Timeout, closing connection", errors.ProviderUnavailable),
    # DATA and the final dot: refused is not sent.
    ("data", 554, "5.5.1 No valid recipients", errors.RequestRefused),
    ("data", 451, "4.3.0 Queue file write error", errors.ProviderUnavailable),
    (".", 421, "4.3.2 Shutting down", errors.ProviderUnavailable),
    (".", 451, "4.5.0 Error in processing: all virus scanners failed", errors.ProviderUnavailable),
    (".", 452, "Out of disk space", errors.ProviderUnavailable),
    (".", 552, "5.3.4 Message size exceeds fixed limit", errors.UnsupportedFeature),
    (".", 554, "5.6.0 Corrupt message content", errors.MessageRejected),
    (".", 550, "5.6.9 Conversion is needed", errors.UnsupportedFeature),
    (".", 554, "5.7.1 Spam message rejected", errors.RequestRefused),
    (".", 550, "5.7.26 Unauthenticated mail: DMARC policy", errors.SenderRefused),
    (".", 554, "Message rejected: Email address is not verified.", errors.SenderRefused),
    (".", 550, "5.7.60 SMTP; Client may not send as this sender", errors.SenderRefused),
    (".", 550, "5.7.1 Daily SMTP relay limit exceeded for customer", errors.QuotaExceeded),
    (".", 554, "5.2.0 Submission.Exception:SubmissionQuotaExceededException", errors.QuotaExceeded),
    (".", 554, "Transaction failed", errors.RequestRefused),
    (".", 299, "Hm", errors.OutcomeUnknown),
    ("data", 334, "Go on", errors.RequestRefused),
)

# "Not now" about a recipient, a sender or a mail: all from providers in good health.
DEFERRALS = (
    ("mail", 450, "4.1.8 Sender address rejected: Domain not found"),
    ("rcpt", 450, "4.2.0 Greylisted, please try again later"),
    ("rcpt", 450, "4.2.1 The user is receiving mail too quickly"),
    ("rcpt", 451, "4.7.1 Greylisting in action"),
    ("rcpt", 451, "Temporary local problem - please try later"),
    ("rcpt", 452, "4.2.2 The mailbox is over its size: limit exceeded"),
    ("rcpt", 450, "Mailbox busy"),
    (".", 451, "4.7.1 Greylisted after the data"),
    (".", 450, "Try later"),
)


def reply(step: str, code: int, text: str) -> SMTPReply:
    """
    What a server answered at *step*.
    """
    return SMTPReply(code, text, step)


@each(("step", "code", "text", "kind"), MEANINGS, ids=[f"{m[0]} {m[1]} {m[2]}" for m in MEANINGS])
def test_meaning_of_a_reply(step: str, code: int, text: str, kind: type[SendError]) -> None:
    """
    Step, codes and known words of a reply choose the class of its error.
    """
    assert kind is type(classify_smtp(reply(step, code, text)))


@each(("step", "code", "text"), DEFERRALS, ids=[f"{m[0]} {m[1]} {m[2]}" for m in DEFERRALS])
def test_deferral_is_nobodys_failure(step: str, code: int, text: str) -> None:
    """
    A temporary refusal of a recipient, sender or mail parks nobody and counts no failure.
    """
    error = classify_smtp(reply(step, code, text))

    assert (Verdict.SWITCH, Penalty.COOLDOWN, 0.0) == (
        error.verdict,
        error.penalty,
        error.retry_after,
    )


@each("step", ["connect", "ehlo", "starttls", "auth", "mail", "data", "."])
def test_code_alone_never_ends_the_mail(step: str) -> None:
    """
    A code without known words is neither the message's fault nor an unknown outcome.
    """
    verdicts = {classify_smtp(reply(step, code, "?")).verdict for code in range(400, 600)}

    assert verdicts <= {Verdict.SWITCH, Verdict.RETRY}


def test_text_and_codes_are_kept() -> None:
    """
    The error says step, codes and words of the reply, without addresses.
    """
    error = classify_smtp(reply("rcpt", 550, "5.1.1 <bob@b.example> unknown\n5.1.1 see example"))

    assert (
        "SMTP 550 rcpt: 5.1.1 <<address>> unknown 5.1.1 see example",
        550,
        "5.1.1",
        None,
    ) == (str(error), error.status_code, error.code, error.retry_after)


def test_plain_text_has_no_code() -> None:
    """
    Numbers that are no enhanced code are left in the text.
    """
    assert "" == classify_smtp(reply("mail", 550, "5.1.1.1 is no code")).code


def test_own_kind_wins() -> None:
    """
    A provider that knows its server's code says which class it is.
    """
    error = classify_smtp(reply(".", 550, "E12"), kind=errors.AccountSuspended)

    assert errors.AccountSuspended is type(error)


def test_deferral_pickles() -> None:
    """
    A deferral made by a rule survives pickling with its facts.
    """
    pickled = pickle.dumps(classify_smtp(reply("rcpt", 450, "4.2.0 Later")))

    error = pickle.loads(pickled)  # noqa: S301 -- our own

    assert (errors.RateLimited, 0.0, "4.2.0") == (type(error), error.retry_after, error.code)
