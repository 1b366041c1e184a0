"""
What goes on the wire, compared with the models in the vendors' own Python clients.

A model that does not know a field of ours drops it, and one that wants another type refuses it.
Without a vendor's client its test is skipped: they are in the group ``test-all``.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from inspect import getsource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mailfailover.errors import UnsupportedFeature
from mailfailover.testing import SAMPLES
from mailfailover.testing._claim import each
from mailfailover.testing._contract_forms import ALTERNATIVES
from mailfailover.testing._marked import fitting
from tests.providers.bodies import read_json
from tests.providers.registrations import vendors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mailfailover.plugin import HTTPRequest

    Read = Callable[[HTTPRequest, Any], Any]


def _infobip(request: HTTPRequest, body: Any) -> Any:
    models = pytest.importorskip("infobip_api_client.models")
    mime = request.url.endswith("/mime")
    model = models.EmailSendMimeRequestSchema if mime else models.EmailRequest
    return model.from_dict(body).to_dict()


def _lettermint(request: HTTPRequest, body: Any) -> Any:
    types = pytest.importorskip("lettermint._generated.types")
    pydantic = pytest.importorskip("pydantic")
    read = pydantic.TypeAdapter(types.SendMailRequest).validate_python
    return [read(one) for one in body] if isinstance(body, list) else read(body)


def _mailchannels(request: HTTPRequest, body: Any) -> Any:
    types = pytest.importorskip("mailchannels.emails.types")
    return types.EmailParams.model_validate(body).model_dump(by_alias=True, exclude_none=True)


def _unisender(request: HTTPRequest, body: Any) -> Any:
    models = pytest.importorskip("unione.api.email.models")
    return models.EmailSendRequest.from_dict(body).to_dict()


def _scaleway(request: HTTPRequest, body: Any) -> Any:
    types = pytest.importorskip("scaleway.tem.v1alpha1.types")
    address, pair = types.CreateEmailRequestAddress, types.CreateEmailRequestHeader
    kinds = {
        "from": address,
        "to": address,
        "cc": address,
        "bcc": address,
        "attachments": types.CreateEmailRequestAttachment,
        "additional_headers": pair,
    }
    known = {field.name.rstrip("_") for field in dataclasses.fields(types.CreateEmailRequest)}
    return {
        name: _only_fields(kinds[name], value) if name in kinds else value
        for name, value in body.items()
        if name in known
    }


def _only_fields(model: type, value: Any) -> Any:
    if isinstance(value, list):
        return [_only_fields(model, one) for one in value]
    known = {field.name.rstrip("_") for field in dataclasses.fields(model)}
    return {name: one for name, one in value.items() if name in known}


def _azure(request: HTTPRequest, body: Any) -> Any:
    client = pytest.importorskip("azure.communication.email._operations._operations")
    # Its models are templates in the documentation of the overloads.
    template = re.search(r"message = (\{.*?\n {16}\})\n", getsource(client), re.DOTALL)
    assert template, "the client no longer shows what a message is"
    return _fitted(ast.literal_eval(template[1].replace(": bool", ": True")), body)


def _fitted(template: Any, value: Any) -> Any:
    """
    What of *value* has a place in *template*, where ``"str"`` as a key stands for any.
    """
    if isinstance(template, dict):
        return {
            name: _fitted(template.get(name, template.get("str")), one)
            for name, one in value.items()
            if name in template or "str" in template
        }
    if isinstance(template, list):
        return [_fitted(template[0], one) for one in value]
    return value if type(value) is type(template) else None


# The types of the vendor's client, npm zeptomail 8.0.1 (2026-11): sendmail, and by a template.
_ZEPTO_ADDRESS = {"address": "str", "name": "str"}
_ZEPTO_MAIL = {
    "from": _ZEPTO_ADDRESS,
    "to": [{"email_address": _ZEPTO_ADDRESS}],
    "cc": [{"email_address": _ZEPTO_ADDRESS}],
    "bcc": [{"email_address": _ZEPTO_ADDRESS}],
    "reply_to": [_ZEPTO_ADDRESS],
    "subject": "str",
    "textbody": "str",
    "htmlbody": "str",
    "track_clicks": True,
    "track_opens": True,
    "client_reference": "str",
    "mime_headers": {"str": "str"},
    "attachments": [{"name": "str", "mime_type": "str", "content": "str"}],
    "inline_images": [{"cid": "str", "mime_type": "str", "content": "str"}],
    "template_key": "str",
    "merge_info": {"str": "str"},
    # https://www.zoho.com/zeptomail/help/api/email-sending.html (2026-11), not in the types
    "bounce_address": "str",
}


def _zeptomail(request: HTTPRequest, body: Any) -> Any:
    return _fitted(_ZEPTO_MAIL, body)


def _elasticemail(request: HTTPRequest, body: Any) -> Any:
    models = pytest.importorskip("ElasticEmail.models")
    return models.EmailTransactionalMessageData.from_dict(body).to_dict()


def _socketlabs(request: HTTPRequest, body: Any) -> Any:
    package = pytest.importorskip("socketlabs.injectionapi.core.serialization")
    # Its classes only write: their names are the keys in their source.
    sources = [path.read_text("utf-8") for path in Path(package.__path__[0]).glob("*.py")]
    known = {name for text in sources for name in re.findall(r'"(\w+)"(?:\s*:|\])', text)}
    return _known(known, body)


def _known(names: set[str], value: Any) -> Any:
    if isinstance(value, list):
        return [_known(names, one) for one in value]
    if isinstance(value, dict):
        found = {name: one for name, one in value.items() if name in names}
        return {name: _known(names, one) for name, one in found.items()}
    return value


MODELS: dict[str, Read] = {
    "azure": _azure,
    "elasticemail": _elasticemail,
    "infobip": _infobip,
    "lettermint": _lettermint,
    "mailchannels": _mailchannels,
    "scaleway": _scaleway,
    "socketlabs": _socketlabs,
    "unisender": _unisender,
    "zeptomail": _zeptomail,
}


def _lost(ours: Any, theirs: Any, place: str = "body") -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            yield from _lost(value, theirs.get(name), f"{place}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for mine, other in zip(ours, theirs, strict=True):
            yield from _lost(mine, other, f"{place}[]")
    elif ours != theirs:
        yield place


@pytest.mark.parametrize("vendor", MODELS)
def test_the_vendors_own_model_knows_each_field(vendor: str) -> None:
    """
    Every sample, read into the vendor's model and written again, is still there.
    """
    provider = vendors()[vendor].provider

    def check(message: Any) -> None:
        try:
            build = provider.build_batch if message.is_merge else provider.build_request
            request = build(message)
        except UnsupportedFeature:
            return
        body = read_json(request)

        assert [] == list(_lost(body, MODELS[vendor](request, body)))

    each(fitting({**SAMPLES, **ALTERNATIVES}, provider.capabilities), check)


class _Sent(Exception):
    """
    What a client of a vendor would have sent.
    """


def test_smtp2go_gets_what_its_own_client_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The client knows few fields; those stand here as it writes them.
    """
    core = pytest.importorskip("smtp2go.core")
    mail = SAMPLES["header"].replace(html="<p>Hello</p>")

    def post(url: str, data: str, headers: object) -> None:
        raise _Sent(url, json.loads(data))

    monkeypatch.setattr(core.requests, "post", post)

    with pytest.raises(_Sent) as caught:
        core.Smtp2goClient(api_key="secret").send(
            str(mail.sender),
            [str(one) for one in mail.to],
            mail.subject,
            mail.text,
            mail.html,
            custom_headers=dict(mail.headers),
        )

    url, theirs = caught.value.args
    request = vendors()["smtp2go"].provider.build_request(mail)
    ours = read_json(request)
    del theirs["api_key"]  # ours is a header
    # The client puts headers of its own among those of the mail.
    theirs["custom_headers"] = [
        one for one in theirs["custom_headers"] if not one["header"].startswith("X-Smtp2go-Api")
    ]
    written = {name: value for name, value in theirs.items() if value}
    assert url.endswith("/email/send")
    assert request.url.endswith("/email/send")
    own = [one for one in ours["custom_headers"] if one in written["custom_headers"]]
    assert written == {name: ours[name] for name in written} | {"custom_headers": own}


def test_a_field_that_a_model_drops_is_found() -> None:
    """
    The comparison is worth something: it names the place.
    """
    assert ["body.to[].nickname"] == list(
        _lost({"to": [{"email": "a", "nickname": "b"}]}, {"to": [{"email": "a"}], "more": 1})
    )
