from __future__ import annotations

import pytest

from mailfailover import Address, Message
from mailfailover._chain.quotes import Quotes
from mailfailover.errors import MessageRejected, ProviderUnavailable
from tests.chains import MAIL, Scripted, World, caught
from tests.samples import each

MAIL_OF_ANN = Message(
    to=Address("ann@example.org", "Ann Lee"),
    from_email="shop@example.com",
    subject="Your divorce papers",
    text="Dear Ann,\nyour one-time code is 482913. Do not tell it to anybody at all.",
    html="<p>Dear <b>Ann</b>, click here to see the results of your blood test.</p>",
    template_data={"city": "Springfield", "n": 7},
)

QUOTED = {
    "subject": ("spam: Your divorce papers", "spam: <text of the mail>"),
    "part of the subject": (
        "the words 'divorce papers' are bad",
        "the words <text of the mail> are bad",
    ),
    "name": ("no such user Ann Lee here", "no such user <text of the mail> here"),
    "line of the text": (
        "content: your one-time code is 482913.",
        "content: <text of the mail>",
    ),
    "code alone": ("suspicious number 482913", "suspicious number <text of the mail>"),
    "cut off": (
        "body begins with: Dear Ann, your one-time co...",
        "body begins with: <text of the mail>",
    ),
    "text of the html": (
        "phrase click here to see the results is blocked",
        "phrase <text of the mail> is blocked",
    ),
    "other case": ("CLICK HERE TO SEE THE RESULTS", "<text of the mail>"),
    "data of a template": ("Springfield is not a field", "<text of the mail> is not a field"),
    "typographic quotes": ("matched \u201cblood test\u201d", "matched <text of the mail>"),
}


@each("name", QUOTED)
def test_a_quote_is_masked(name: str) -> None:
    """
    Whichever words of a mail a vendor repeats, whole or in part, they are not told on.
    """
    words, masked = QUOTED[name]

    assert masked == Quotes(MAIL_OF_ANN).hide(words)


@each(
    "words",
    [
        'HTTP 422 missing_field: the field "from" is not valid',
        "550 5.7.1: relaying denied, see https://acme.example/help",
        "you are not allowed to do that to anybody",
        "n=7 is wrong",
        "",
    ],
)
def test_the_vendor_s_own_words_stay(words: str) -> None:
    """
    A few common words that a mail has too are no quote, nor is the number of a status.
    """
    assert words == Quotes(MAIL_OF_ANN).hide(words)


@pytest.mark.parametrize("kind", [MessageRejected, ProviderUnavailable])
def test_no_error_of_a_send_quotes_its_mail(
    kind: type[MessageRejected], caplog: pytest.LogCaptureFixture
) -> None:
    """
    Neither its text nor its trail, nor the log, nor the provider's health.
    """
    error = kind(f"HTTP 400: {MAIL_OF_ANN.text} {MAIL_OF_ANN.subject}")
    error.add_note(MAIL_OF_ANN.text)
    world = World()
    chain = world.chain(Scripted("a", world.after(1.0, error)), Scripted("b", error))

    found = caught(chain, MAIL_OF_ANN)

    told = [repr(found), str(found), *map(str, found.attempts), *caplog.messages]
    told += [str(one.error) for one in found.attempts]
    told += [str(chain.health.snapshot()), str(world.events), *getattr(found, "__notes__", ())]
    assert not any("482913" in text or "divorce" in text for text in told)


def test_a_very_long_text_is_cut() -> None:
    """
    Searching it must not take long, and nobody reads it.
    """
    assert Quotes(MAIL_OF_ANN).hide("bad " * 5000) == "bad " * 1000 + "\u2026"


def test_a_mail_without_texts_hides_nothing() -> None:
    """
    Nothing can be quoted from it.
    """
    assert Quotes(Message()).hide("HTTP 400: it is empty") == "HTTP 400: it is empty"


def test_a_short_subject_is_masked_as_a_word_only() -> None:
    """
    Hi is not masked in the middle of another word.
    """
    assert Quotes(MAIL).hide("Hi: nothing") == "<text of the mail>: nothing"
