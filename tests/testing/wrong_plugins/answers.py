"""
Plugins that read answers wrongly.
"""

from __future__ import annotations

import json
from typing import Any

from mailfailover import errors
from mailfailover.plugin import Accepted, Message, Response, classify_http
from tests.testing.wrong_plugins import Wrong
from tests.testing.wrong_plugins.good import Good

ODD = "test_odd_answers_are_survived"
FOREIGN = "test_foreign_errors_are_read_by_status"
SUCCESS = "test_success_is_accepted"
UNREADABLE = "test_unreadable_success_is_unknown"


class TrustsErrors(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        code = json.loads(response.body)["code"]
        return classify_http(response, kind=errors.RateLimited if code == "slow" else None)


class TrustsCode(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        code: Any = response.json_object().get("code", "")
        kind = errors.RateLimited if code.startswith("slow") else None
        return classify_http(response, kind=kind)


class TrustsText(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        response.body.decode()
        return super().classify_error(response, message)


class RaisesErrors(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        raise LookupError(response.status_code)


class SameId(Good):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        super().parse_response(response, message)
        return Accepted("good-1")


class RememberedId(Good):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        found = super().parse_response(response, message)
        return Accepted(IDS.setdefault("first", found.provider_message_id))


IDS: dict[str, str] = {}


class ChangesOnRead(Good):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        object.__setattr__(message, "tags", ("read",))
        return super().parse_response(response, message)


class ChangesOnError(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        object.__setattr__(message, "tags", ("refused",))
        return super().classify_error(response, message)


class TrustsSuccess(Good):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        return Accepted(json.loads(response.body)["id"])


class AcceptsAnything(Good):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        found = response.json_object().get("id")
        return Accepted(found if isinstance(found, str) else "")


class RefusesUnreadable(Good):
    def parse_response(self, response: Response, message: Message) -> Accepted:
        try:
            return super().parse_response(response, message)
        except errors.OutcomeUnknown:
            raise errors.MessageRejected("no id", status_code=response.status_code) from None


class EndsOnBadRequest(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        if response.status_code == 400:
            return errors.MessageRejected("bad", status_code=400)
        return super().classify_error(response, message)


class BlamesNobody(Good):
    def classify_error(self, response: Response, message: Message) -> errors.SendError:
        return errors.ProviderUnavailable("down", status_code=response.status_code)


ANSWERS: dict[str, Wrong] = {
    "trusts errors": Wrong(TrustsErrors, FOREIGN, "of HTTP .* raises JSONDecodeError"),
    "trusts codes": Wrong(TrustsCode, ODD, "classify_error of HTTP .* raises AttributeError"),
    "trusts text": Wrong(TrustsText, FOREIGN, "raises UnicodeDecodeError"),
    "raises": Wrong(RaisesErrors, FOREIGN, "raises LookupError"),
    "same id": Wrong(SameId, SUCCESS, "provider_message_id repeats"),
    "id of the first": Wrong(RememberedId, SUCCESS, "provider_message_id repeats"),
    "changes on read": Wrong(ChangesOnRead, SUCCESS, "parse_response has changed the message"),
    "changes on error": Wrong(
        ChangesOnError, "test_error_has_its_class", "classify_error has changed the message"
    ),
    "trusts success": Wrong(TrustsSuccess, UNREADABLE, "parse_response of HTTP .* raises"),
    "accepts anything": Wrong(AcceptsAnything, UNREADABLE, "it may have been sent"),
    "refuses unreadable": Wrong(RefusesUnreadable, UNREADABLE, "it may have been sent"),
    "ends on 400": Wrong(EndsOnBadRequest, FOREIGN, "HTTP 400 with a foreign body"),
    "blames nobody": Wrong(BlamesNobody, FOREIGN, "HTTP 300 with a foreign body"),
}
