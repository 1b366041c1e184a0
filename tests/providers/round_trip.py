"""
Every sample mail to a vendor and back: what the vendor reads is the mail, or it is refused.

A vendor's test registers it beside the contract, and says how to read its requests::

    class TestAcmeRoundTrip(RoundTrip):
        provider = Acme(api_key="secret-key")

        def decode(self, request): ...          # the fields of a Message
        def decode_batch(self, request): ...    # the same for each recipient of a merge
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from mailfailover import InvalidMessage, Message, ProviderChain, UnsupportedFeature
from mailfailover._chain.candidates import candidates
from mailfailover._message.merge import for_recipient
from mailfailover._provider.link import Link
from mailfailover.testing import SAMPLES, FakeTransport
from mailfailover.testing._claim import each

if TYPE_CHECKING:
    from mailfailover._chain.candidate import Candidate

MERGES = {name: mail for name, mail in SAMPLES.items() if mail.is_merge}
SINGLES = {name: mail for name, mail in SAMPLES.items() if not mail.is_merge}

# 2031 is too far ahead for most vendors; their limits are tested in the contract.
NOW = SAMPLES["send_at"].send_at.timestamp() - 60 if SAMPLES["send_at"].send_at else 0.0

_COMPARED = (
    "to",
    "cc",
    "bcc",
    "reply_to",
    "from_email",
    "subject",
    "text",
    "html",
    "headers",
    "attachments",
    "tags",
    "metadata",
    "track_opens",
    "track_clicks",
    "send_at",
    "template_id",
    "template_data",
    "envelope_from",
)


class RoundTrip:
    """
    The claims; a subclass gives the provider and reads its requests.
    """

    provider: ClassVar[Any]

    def decode(self, request: Any) -> dict[str, Any]:
        """
        Read *request* as the vendor does: the fields of the mail.

        Our own id, where it goes as metadata, and our generated Message-ID are left out.
        """
        raise AssertionError("a registration says how to read its vendor's requests")

    def decode_batch(self, request: Any) -> list[dict[str, Any]]:
        """
        Read a merge as the vendor does: the fields of each recipient's mail, filled in.
        """
        raise AssertionError("a registration says how to read its vendor's merges")

    def expected(self, message: Message) -> Message:
        """
        What the vendor should read; for what a vendor cannot keep and nobody misses.
        """
        return message

    def test_the_vendor_reads_the_mail_we_wrote(self) -> None:
        """
        The request, read back, is the mail; or the mail is refused by the feature's name.
        """
        each(SINGLES, self._check_single)

    def _check_single(self, message: Message) -> None:
        candidate = self._candidate(message)
        if candidate is None:
            return
        bound = candidate.bind(message)
        try:
            request = self.provider.build_request(bound)
        except UnsupportedFeature as refusal:
            assert refusal.features  # noqa: PT017 -- either outcome is right, if it is named
            return

        found = self.decode(request)

        assert _fields(_message(found)) == _fields(self.expected(bound))

    def test_each_recipient_of_a_merge_gets_his_own_mail(self) -> None:
        """
        A merge, read back for each recipient, is the mail filled in; or it is refused by name.
        """
        each(MERGES, self._check_merge)

    def _check_merge(self, message: Message) -> None:
        candidate = self._candidate(message)
        if candidate is None or not candidate.batch:
            return
        bound = candidate.bind(message)
        try:
            request = self.provider.build_batch(bound)
        except UnsupportedFeature as refusal:
            assert refusal.features  # noqa: PT017 -- either outcome is right, if it is named
            return

        found = self.decode_batch(request)

        assert [_fields(_message(one)) for one in found] == [
            _fields(self.expected(for_recipient(bound, address))) for address in bound.to
        ]

    def test_a_merge_with_a_gap_is_refused(self) -> None:
        """
        A missing key is an error before anything is written.
        """
        merge = SAMPLES["merge"]

        with pytest.raises(InvalidMessage, match="merge_data has no 'order' for recipient 2"):
            merge.replace(
                merge_data={**merge.merge_data, "bob@example.net": {"name": "Bob"}}, id=merge.id
            )

    def _candidate(self, message: Message) -> Candidate | None:
        """
        The provider as the chain would use it, or None where the chain names what it lacks.
        """
        chain = ProviderChain(
            Link(self.provider), transport=FakeTransport(), wall=lambda: float(NOW)
        )
        whole = message.bound(droppable=type(message.droppable)(0))
        try:
            return next(candidates(chain.parts, whole))
        except UnsupportedFeature as exc:
            refusal = exc
        assert refusal.features
        return None


def _message(fields: dict[str, Any]) -> Message:
    return Message(**{"id": "read", **fields})


def _fields(message: Message) -> dict[str, Any]:
    """
    What is compared, headers in lower case and those of ``unsubscribe`` among them.
    """
    fields = {name: getattr(message, name) for name in _COMPARED}
    fields["headers"] = {name.lower(): value for name, value in message.header_items()}
    return fields
