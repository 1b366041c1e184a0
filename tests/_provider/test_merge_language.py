"""
A vendor's own language for merges.
"""

from __future__ import annotations

from mailfailover.plugin import MergeLanguage

LANGUAGE = MergeLanguage("{{{%s}}}", r"\{+", {"{": "open"})


def test_a_text_arrives_as_it_stands() -> None:
    """
    What the vendor would take for a variable of its own becomes one that brings it back.
    """
    assert "a {{{open}}}{{{open}}} b }" == LANGUAGE.literal("a {{ b }")
    assert {"open": "{"} == LANGUAGE.values


def test_variables_have_the_vendors_form() -> None:
    """
    Only ``{{name}}`` is a variable; the twin of an HTML is the escaped one.
    """
    numbers = {"name": "v0", "name__html": "v1"}.__getitem__

    assert "Hi {{{v0}}}, {{{open}}}!" == LANGUAGE.write("Hi {{ name }}, {!", numbers)
    assert "<p>{{{v1}}}" == LANGUAGE.write("<p>{{name}}", numbers, html=True)
    assert "{{{name}}}" == LANGUAGE.write("{{name}}")
