from __future__ import annotations

import mailfailover.testing
from mailfailover.plugin import EVERYTHING, Capabilities, Feature, Message
from mailfailover.testing import PLAIN, RICH, SAMPLES
from mailfailover.testing._marked import MARKED, find_marks, fit, fitting
from tests.samples import each


def test_samples_are_named_after_their_ids() -> None:
    """
    A request made of a sample can be told by its id.
    """
    assert [*SAMPLES] == [message.id for message in SAMPLES.values()]


def test_every_feature_has_a_marked_mail() -> None:
    """
    No feature goes unchecked; the time to send at and tracking have claims of their own.
    """
    others = {"SEND_AT", "TRACKING"}

    assert {str(feature.name) for feature in Feature} - others <= MARKED.keys()


@each("name", sorted(MARKED.keys() - {"TEMPLATE_FROM"}))
def test_marked_mail_uses_its_feature(name: str) -> None:
    """
    Without the feature, a mail marked for it cannot be sent as it is.

    TEMPLATE_FROM changes no field: a mail keeps its sender where the template's own is used.
    """
    feature = getattr(Feature, name, Feature(0))

    fitted = fit(MARKED[name], Capabilities(EVERYTHING.features & ~feature))

    assert (fitted == MARKED[name]) == (not feature)


def test_marks_are_found_at_any_depth() -> None:
    """
    Marks in keys, values, lists, addresses and files all count.
    """
    template = MARKED["TEMPLATES"].replace(attachments=MARKED["ATTACHMENTS"].attachments)

    found = {"zqkeyqz", "zqinnerkeyqz", "zqinnerqz", "zqtonameqz", "zqfileqz", "zqcontentqz"}

    assert found <= find_marks(template)


def test_what_a_chain_may_drop_is_dropped() -> None:
    """
    Tags beyond the limit go, as in a chain.
    """
    one_tag = Capabilities(Feature.TAGS, max_tags=1)

    assert MARKED["TAGS"].replace(tags="zqtagoneqz") == fit(MARKED["TAGS"], one_tag)


def test_mails_over_the_limit_do_not_fit() -> None:
    """
    A chain would not ask for more recipients than a provider takes, in a merge as otherwise.
    """
    limits = Capabilities(EVERYTHING.features, max_recipients=29, max_merge=2)

    found = fitting(SAMPLES, limits)

    assert {"many_recipients", "merge", "merge_html", "merge_metadata", "merge_headers"} == (
        SAMPLES.keys() - found.keys()
    )


def test_names_lead_to_the_samples() -> None:
    """
    The two that everybody needs have names of their own.
    """
    assert (SAMPLES["plain"], SAMPLES["rich"]) == (PLAIN, RICH)


def test_fakes_are_found_by_name() -> None:
    """
    Each public name is where the package says, in order.
    """
    names = mailfailover.testing.__all__

    assert all(getattr(mailfailover.testing, name) is not None for name in names)


def test_samples_can_be_copied() -> None:
    """
    Every sample passes the checks of the constructor again.
    """
    assert [*SAMPLES.values()] == [message.replace() for message in SAMPLES.values()]


def test_samples_are_messages() -> None:
    """
    Nothing else is in the collection, and nobody can add to it.
    """
    assert {Message} == {type(message) for message in SAMPLES.values()}
    assert not hasattr(SAMPLES, "update")
