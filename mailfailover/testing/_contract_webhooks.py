"""
The contract of a provider's webhooks, as tests.
"""

from __future__ import annotations

import dataclasses
import json
import tracemalloc
from collections import Counter

import pytest

from mailfailover._mailer.replays import MemoryReplays
from mailfailover._mailer.webhook import receive
from mailfailover._provider.webhook_retries import retries_of
from mailfailover._values.events import EventType
from mailfailover._values.face import published_in
from mailfailover._values.wire import Response, WebhookRequest
from mailfailover.errors import InvalidWebhook, WebhookReplayed
from mailfailover.testing._claim import calling, claim, each
from mailfailover.testing._contract_purity import another_day, no_io
from mailfailover.testing._garbage import (
    FOREIGN_BODIES,
    altered_bodies,
    truncated,
    with_odd_entries,
)
from mailfailover.testing._golden import Golden, plain
from mailfailover.testing._webhook_samples import (
    check_events,
    damaged,
    enlarged,
    parts,
    while_changing,
)
from mailfailover.testing._webhook_subject import NOW, WebhookSubject

__all__ = ["WebhookContract"]

_BLANK = b" " * 4096  # JSON may begin with blanks
_COPIES = 12  # a parser of forms may copy the body this often
_GARBAGE = ("", " ", "zq", "v1,zq", "=" * 9, "\udcff", "é", "9" * 400, "nan", "-1", "a" * 100_000)


@published_in("mailfailover.testing")
class WebhookContract(WebhookSubject):
    """
    The promises of every provider's webhooks, as a pytest suite: subclass it.

    ::

        class TestAcmeWebhooks(WebhookContract):
            provider = Acme(api_key="secret-key", webhook_secret="secret-hook")
            golden = Path(__file__).parent / "data" / "acme"
            secrets = ("webhook_secret",)

            def sign(self, payload, now):
                signature = hmac.digest(b"secret-hook", payload, "sha256").hex()
                return WebhookRequest("POST", "", {"Acme-Signature": signature}, payload)

    Attributes:
        provider: The provider, with secrets of 8 characters or more.

        golden:
            A folder of files ``{"payload": ..., "events": [...]}``, one for each kind of
            event and one with a kind that the vendor has not invented yet.

        secrets: The fields that hold what verifies a webhook.

        another: What such a field could hold instead; a public key where it holds one.

        covers_body: Whether the signature covers the whole body.

        window: Seconds that a signed time may be off, None where none is signed.

    .. versionadded:: 0.1.0
    """

    def __init_subclass__(cls) -> None:
        """
        Hide from pytest what does not concern the provider.
        """
        if not cls.covers_body:
            cls.test_altered_bodies_are_refused = None  # type: ignore[assignment,method-assign]  # hidden
        if cls.window is None:
            cls.test_old_webhooks_are_refused = None  # type: ignore[assignment,method-assign]  # hidden
            cls.test_old_webhooks_outlast_the_schedule = None  # type: ignore[assignment,method-assign]  # hidden

    # Reading

    def test_golden_webhook_is_read(self) -> None:
        """
        The vendor's payload becomes exactly these events.
        """
        each(self._pairs(), self._check_golden)

    def _check_golden(self, pair: Golden) -> None:
        events = self._receive(self.sign(pair.body, NOW))

        found = [plain(event) for event in events]
        claim(
            found == pair.events,
            f"the events are read as:\n{json.dumps(found, indent=2, ensure_ascii=False)}",
        )
        for event in events:
            claim(event.raw, "raw is empty: keep what the vendor sent")
            claim(event.event_id, "event_id is empty: make_event makes one")
            claim(event.timestamp is None or event.timestamp.tzinfo, "timestamp names no zone")

    def test_golden_webhooks_are_recorded(self) -> None:
        """
        Our id comes back, and an unknown kind of event is UNKNOWN.
        """
        every = [event for pair in self._pairs().values() for event in pair.events]
        claim(any("mail_id" in one for one in every), "no golden event has our mail_id")
        unknown = [one for one in every if one.get("type") == EventType.UNKNOWN]
        claim(unknown, "no golden event has a kind that is unknown")

    # Verifying

    def test_other_secret_is_refused(self) -> None:
        """
        A webhook signed with another secret is refused.
        """
        for provider in self._with_each_secret(self.another):
            self._refused(self._sample(), provider)

    def test_unset_secret_matches_nothing(self) -> None:
        """
        Without a secret every webhook is refused.
        """
        for provider in self._with_each_secret("", (), ("", "")):
            self._refused(self._sample(), provider)

    def test_strangers_are_refused_unread(self) -> None:
        """
        A large unsigned body costs no more than the check of its signature.
        """
        sample = self._sample()
        request = dataclasses.replace(sample, body=enlarged(sample.body))
        for provider in self._with_each_secret(self.another):
            tracemalloc.start()
            try:
                self._refused(request, provider)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            claim(
                peak < _COPIES * len(request.body),
                "the body is read before its signature is verified: anybody can keep us busy. "
                "Verify the bytes first, find a signature inside them by a pattern, or bound their "
                "number by verify_size",
            )

    def test_secrets_can_be_changed(self) -> None:
        """
        While a secret changes, the old and the new one are valid; a callable may give it.
        """
        for field in self.secrets:
            for several in while_changing(getattr(self.provider, field), self.another):
                provider = dataclasses.replace(self.provider, **{field: several})
                self._receive(self._sample(), provider)

    def test_altered_bodies_are_refused(self) -> None:
        """
        A body that the vendor did not sign is not read.
        """
        sample = self._sample()
        for body in damaged(sample.body):
            self._refused(dataclasses.replace(sample, body=body))

    def test_altered_headers_are_survived(self) -> None:
        """
        A missing or garbled header is a clear error, or it has no meaning.
        """
        sample = self._sample()
        self._refused(dataclasses.replace(sample, url="", headers={}, body=b"{}"))
        for name in sample.headers:
            for value in _GARBAGE:
                headers = {**sample.headers, name: value}
                self._survives(dataclasses.replace(sample, headers=headers))
            rest = {one: value for one, value in sample.headers.items() if one != name}
            self._survives(dataclasses.replace(sample, headers=rest))

    def test_cut_signatures_are_refused(self) -> None:
        """
        A part of a secret or a signature proves nothing.
        """
        sample = self._sample()
        for name, value in sample.headers.items():
            rest = {one: other for one, other in sample.headers.items() if one != name}
            if not self._is_refused(dataclasses.replace(sample, headers=rest)):
                continue
            for part in parts(value):
                headers = {**sample.headers, name: part}
                claim(
                    self._is_refused(dataclasses.replace(sample, headers=headers)),
                    f"a webhook is taken whose header {name} is cut or changed: compare the whole "
                    "of it, by hmac.compare_digest",
                )

    def test_old_webhooks_are_refused(self) -> None:
        """
        A webhook signed long ago, or in the future, may be a recording.
        """
        sample, window = self._sample(), self.window or 0.0
        for late in (window + 1, -window - 1):
            self._refused(sample, now=NOW + late)
        for late in (window - 1, 1 - window):
            self._receive(sample, now=NOW + late)

    def test_old_webhooks_outlast_the_schedule(self) -> None:
        """
        A webhook that the vendor repeats for hours is still believed at its last attempt.
        """
        retries, window = retries_of(self.provider), self.window or 0.0
        claim(
            retries.signed_anew or (retries.span or 0.0) <= window,
            f"the vendor repeats a webhook for {retries.span} s, and is believed for {window} s: "
            "widen the window, or say signed_anew where a page confirms it",
        )

    def test_repetitions_are_refused(self) -> None:
        """
        A webhook is taken once, where the vendor's manner of signing can tell it from others.
        """
        sample, replays = self._sample(), MemoryReplays()
        request = dataclasses.replace(sample, received=NOW)
        if not self.provider.verify_webhook(request, self.fetch):
            return
        receive(self.provider, request, replays=replays, fetch=self.fetch)
        with pytest.raises(WebhookReplayed):
            receive(self.provider, request, replays=replays, fetch=self.fetch)

    def test_replay_keys_tell_webhooks_apart(self) -> None:
        """
        Two webhooks have two keys, even if they begin with the same bytes.
        """
        keys: dict[str, str] = {}
        for name, pair in self._pairs().items():
            request = self.sign(_BLANK + pair.body, NOW)
            key = self._key(request)
            other = keys.setdefault(key, name)
            claim(
                not key or other == name or self._is_given(key, pair.body),
                f"{name}: the replay key of another webhook ({other}): it would be refused as a "
                "repetition. Take what the vendor gives each webhook, or its whole signature",
            )

    def _key(self, request: WebhookRequest) -> str:
        with calling("verify_webhook"):
            key: str = self.provider.verify_webhook(
                dataclasses.replace(request, received=NOW), self.fetch
            )
        claim(isinstance(key, str), f"verify_webhook must return a str, not {type(key).__name__}")
        return key

    def _is_given(self, key: str, body: bytes) -> bool:
        """
        Whether ``sign`` writes *key* into every webhook.
        """
        one, later = self.sign(body, NOW), self.sign(b"{}", NOW + 1)
        same = {value for name, value in one.headers.items() if later.headers.get(name) == value}
        in_header = any(value and value in key for value in same)
        return in_header or all(key.encode() in each.body for each in (one, later))

    def test_event_ids_are_those_of_events(self) -> None:
        """
        Two events have two ids, and a repeated event has the same id.
        """
        every: list[str] = []
        for name, pair in self._pairs().items():
            events = self.provider.parse_webhook(self.unsigned(pair.body))
            with another_day():
                again = self.provider.parse_webhook(self.unsigned(pair.body))
            ids = [one.event_id for one in events]
            told_again = [one.event_id for one in again]
            claim(ids == told_again, f"{name}: event_id is another when the event is told again")
            claim(len(ids) == len(set(ids)), f"{name}: event_id repeats within one webhook")
            for one in events:
                is_mail = one.event_id in (one.mail_id, one.provider_message_id, one.recipient)
                claim(
                    not one.event_id or not is_mail,
                    f"{name}: event_id is the mail's: its next event would count as a repetition",
                )
            every += ids
        is_constant = len(every) > 1 and len(set(every)) == 1
        claim(
            not is_constant or self._is_vendors(every[0]),
            "event_id repeats: all events have the same, and it is nowhere in the webhooks",
        )

    def _is_vendors(self, event_id: str) -> bool:
        """
        Whether *event_id* is part of a recorded webhook, so that the recordings share it.
        """
        requests = [self.unsigned(pair.body) for pair in self._pairs().values()]
        return any(
            event_id in one.body.decode("utf-8", "replace") or event_id in one.headers.values()
            for one in requests
        )

    def test_reading_needs_no_io(self) -> None:
        """
        What a webhook says is in the webhook: reading it opens, asks and waits for nothing.
        """
        for pair in self._pairs().values():
            request = self.unsigned(pair.body)
            self.provider.parse_webhook(request)  # loads what it imports late
            with no_io("parse_webhook"):
                self.provider.parse_webhook(request)

    # Odd payloads

    def test_garbage_is_survived(self) -> None:
        """
        No body raises anything but a clear error, signed or not.
        """
        sample = self._sample()
        for body in FOREIGN_BODIES.values():
            self._survives(self.sign(body, NOW))
            self._survives(dataclasses.replace(sample, body=body))

    def test_odd_payloads_are_survived(self) -> None:
        """
        A payload with a part missing, or of another type, is read as far as it goes.
        """
        each(self._pairs(), self._check_odd_payloads)

    def _check_odd_payloads(self, pair: Golden) -> None:
        whole = Response(200, {}, pair.body)
        for odd in (*truncated(whole), *altered_bodies(whole)):
            request = self.unsigned(odd.body)
            with calling(f"parse_webhook of {odd.body[:80]!r}"):
                try:
                    events = self.provider.parse_webhook(request)
                except InvalidWebhook:
                    continue
            check_events(events)

    def test_odd_entries_take_no_others_with_them(self) -> None:
        """
        An unreadable entry of a batch is left out, and the rest is read.
        """
        each(self._pairs(), self._check_odd_entries)

    def _check_odd_entries(self, pair: Golden) -> None:
        expected = self.provider.parse_webhook(self.unsigned(pair.body))
        for payload in with_odd_entries(pair.payload):
            body = json.dumps(payload, ensure_ascii=False).encode()
            with calling("parse_webhook of a batch with an entry that is no event"):
                try:
                    found = self.provider.parse_webhook(self.unsigned(body))
                except InvalidWebhook:
                    found = ()
            still = Counter((event.type, event.recipient, event.timestamp) for event in found)
            before = Counter((event.type, event.recipient, event.timestamp) for event in expected)
            claim(before <= still, "an entry that is no event takes others of the batch with it")
