"""
How Sphinx builds the documentation: ``make docs``, without network, warnings being errors.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.pycode import ModuleAnalyzer

if TYPE_CHECKING:
    from docutils.nodes import Element, reference
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

project = "mailfailover"
author = "The mailfailover authors"
copyright = "2026, The mailfailover authors"  # noqa: A001 - Sphinx's name
release = version = installed_version("mailfailover")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_generated/*.md"]

html_theme = "furo"
html_title = "mailfailover"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # the text gives meaning and shape; types are for the editor
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_attr_annotations = False

nitpicky = True
# The build has no network, so no inventory of the standard library's documentation to link to.
nitpick_ignore_regex = [
    ("py:.*", rf"_?({'|'.join(sorted(map(re.escape, sys.stdlib_module_names)))})(\..+)?"),
]

# Where users import from what a private module defines, in the order to look.
PUBLIC = ("mailfailover", "mailfailover.errors", "mailfailover.plugin", "mailfailover.testing")


def link_public_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: Element
) -> reference | None:
    """
    Links ``mailfailover._message.message.Message``, or ``Message`` alone, to where users import it.
    """
    target = node.get("reftarget", "")
    found = re.fullmatch(r"(?:mailfailover\.(?:_\w+|\w+\._\w+)\.)?(.+)", target)
    if found is None or node.get("refdomain") != "py":
        return None

    domain = env.domains.python_domain
    for module in PUBLIC:
        target = f"{module}.{found[1]}"
        if target in domain.objects:
            return domain.resolve_xref(
                env, node["refdoc"], app.builder, "obj", target, node, content
            )
    return None


def write_generated_pages(_app: Sphinx) -> None:
    """
    Writes what is generated from the code: the providers, and the museum of outages.
    """
    import museum_pages
    import provider_pages

    provider_pages.write(HERE)
    museum_pages.write(HERE / "_generated" / "museum.md")


def find_documented_attributes(_app: Sphinx) -> None:
    """
    Reads the texts below enum members and attributes where a class is written.

    Sphinx looks for them in the module that users import the class from.
    """
    package = HERE.parent / "mailfailover"
    for path in sorted(package.rglob("*.py")):
        for face in sorted(set(re.findall(r'@published_in\("([\w.]+)"\)', path.read_text()))):
            home = ".".join(path.relative_to(HERE.parent).with_suffix("").parts)
            read_attributes(home, ModuleAnalyzer.for_module(face))


def read_attributes(home: str, face: ModuleAnalyzer) -> None:
    """
    Adds the attributes that the module *home* documents to those of *face*, in their order.
    """
    written = ModuleAnalyzer.for_module(home)
    for analyzer in (written, face):
        analyzer.analyze()
    face.attr_docs |= written.attr_docs
    first = len(face.tagorder)
    face.tagorder |= {
        name: first + place for name, place in written.tagorder.items() if name not in face.tagorder
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """
    Sphinx calls this.
    """
    app.connect("missing-reference", link_public_name)
    app.connect("builder-inited", find_documented_attributes)
    app.connect("builder-inited", write_generated_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
