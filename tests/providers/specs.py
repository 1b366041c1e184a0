"""
The vendors' own descriptions of their APIs, where they are at hand.

They are no part of this project: ``MAILFAILOVER_SPECS`` names the directory with them, which
is ``shared/specs`` beside the project's own otherwise. Where there is none, tests skip.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

_BESIDE = Path(__file__).parents[2].parent / "shared" / "specs"


class Spec:
    """
    The schema of one request in an OpenAPI or Swagger document.
    """

    def __init__(self, document: dict[str, Any], pointer: str) -> None:
        resource = Resource.from_contents(document, default_specification=DRAFT4)
        registry: Registry[Any] = Registry().with_resource("urn:vendor", resource)
        reference = {"$ref": f"urn:vendor#{pointer}"}
        self._validator = Draft4Validator(
            reference, registry=registry, format_checker=Draft4Validator.FORMAT_CHECKER
        )
        resolved = registry.resolver("urn:vendor").lookup(f"#{pointer}").contents
        self.schema = resolved

    def problems(self, body: dict[str, Any]) -> list[str]:
        """
        What the vendor would not accept about *body*; each names its place.
        """
        found = self._validator.iter_errors(body)
        return [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in found]


def load_spec(vendor: str, pointer: str) -> Spec:
    """
    Read the schema at *pointer* (RFC 6901) of the vendor's document, or skip the test.
    """
    directory = Path(os.environ.get("MAILFAILOVER_SPECS") or _BESIDE)
    path = directory / f"{vendor}.json"
    if not path.is_file():
        pytest.skip(f"no {path.name}: MAILFAILOVER_SPECS names no directory with it")
    return _read(path, pointer)


@cache
def _read(path: Path, pointer: str) -> Spec:
    return Spec(json.loads(path.read_bytes()), pointer)
