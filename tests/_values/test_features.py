from __future__ import annotations

from mailfailover._values.features import DROPPABLE, MAY_BE_LEFT_OFF, NO_FEATURES, Feature


def test_names_of_a_set() -> None:
    """
    A set is told by the names of its features, in the order of the class.
    """
    assert ("HTML", "TAGS") == (Feature.TAGS | Feature.HTML).names


def test_no_features_have_no_names() -> None:
    """
    The empty set is empty.
    """
    assert () == NO_FEATURES.names


def test_droppable_by_default() -> None:
    """
    What the design names: statistics, not the mail.
    """
    assert ("TAGS", "METADATA", "TRACKING") == DROPPABLE.names


def test_what_makes_another_mail_is_never_left_off() -> None:
    """
    Templates, merges and addresses cannot be allowed to vanish.
    """
    kept = {name for name in Feature.__members__ if Feature[name] not in MAY_BE_LEFT_OFF}

    assert {
        "TEMPLATES",
        "TEMPLATE_OVERRIDE",
        "MERGE",
        "MERGE_METADATA",
        "MERGE_HEADERS",
        "REPEATED_HEADERS",
        "UNICODE_LOCAL_PART",
    } <= kept
