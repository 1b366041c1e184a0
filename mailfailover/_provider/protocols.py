"""
The protocols of providers and transports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from mailfailover._values.face import published_in

if TYPE_CHECKING:
    from mailfailover._message.message import Message
    from mailfailover._provider.capabilities import Capabilities
    from mailfailover._provider.signatures import Fetch
    from mailfailover._values.events import DeliveryEvent
    from mailfailover._values.receipt import Accepted
    from mailfailover._values.wire import (
        HTTPRequest,
        Response,
        SMTPRequest,
        SMTPResponse,
        WebhookRequest,
    )
    from mailfailover.errors import SendError


@published_in("mailfailover.plugin")
class Provider(Protocol):
    """
    A vendor behind HTTP: its fields are its configuration, its methods are pure.

    Optional beside these: ``build_batch(message)`` and ``parse_batch(response, message)``
    for merges, ``verify_webhook(request, fetch)`` and ``parse_webhook(request)`` for
    webhooks, ``mixed_batches`` (True where an answer to a merge may accept some recipients
    whatever its status is: ``parse_batch`` then reads all of them and raises the error of
    the whole), ``parse_ping(response)`` (where the status alone does not tell whether the
    vendor knows us: raises a :class:`SendError` unless it does), ``idempotency_ttl``
    (seconds), ``userinfo``, ``transport``; ``account_checks(asked)`` and
    ``webhook_setups(url)`` for `mailfailover doctor` and `mailfailover webhooks setup`: see
    :class:`AccountCheck` and :class:`WebhookSetup`; ``maturity`` and ``unconfirmed``: ``"stable"``
    by the vendor's own documents, schemas and clients, or ``"provisional"`` where much is by
    public client code and by analogy; and the facts that no document of the vendor confirms.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def build_request(self, message: Message) -> HTTPRequest:
        """
        Write *message* as the vendor's request.
        """

    def parse_response(self, response: Response, message: Message) -> Accepted:
        """
        Read an answer of success; raise a :class:`SendError` where it hides a failure.
        """

    def classify_error(self, response: Response, message: Message) -> SendError:
        """
        Say what an answer that is no success means.
        """

    def build_ping(self) -> HTTPRequest:
        """
        Write a harmless authenticated call.
        """


@published_in("mailfailover.plugin")
class BatchProvider(Provider, Protocol):
    """
    A provider that sends a whole merge in one call.
    """

    def build_batch(self, message: Message) -> HTTPRequest:
        """
        Write a merge of at most ``capabilities.max_merge`` recipients as one request.

        Raises:
            UnsupportedFeature:
                With the feature ``MERGE``, or none, if one call cannot say it: each recipient
                gets a separate call. With ``max_merge=7`` the calls are for 7 of these
                recipients each. With other features the mail goes to nobody here, not even
                in part.
        """

    def parse_batch(self, response: Response, message: Message) -> tuple[Accepted | SendError, ...]:
        """
        Say what became of each recipient of ``message.to``, in this order.
        """


@published_in("mailfailover.plugin")
class SMTPProvider(Protocol):
    """
    The same for a provider behind SMTP.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def build_request(self, message: Message) -> SMTPRequest:
        """
        Write *message* as an SMTP transaction.
        """

    def parse_response(self, response: SMTPResponse, message: Message) -> Accepted:
        """
        Read an answer of success.
        """

    def classify_error(self, response: SMTPResponse, message: Message) -> SendError:
        """
        Say what an answer that is no success means.
        """

    def build_ping(self) -> SMTPRequest:
        """
        Write a transaction without a mail.
        """


@published_in("mailfailover.plugin")
@runtime_checkable
class SimpleProvider(Protocol):
    """
    The simplest provider: anything with a ``name`` and ``send``.

    ``send`` returns the vendor's message id, None or an :class:`Accepted`, and raises a
    :class:`SendError`. Any other exception counts as *it may have been sent*.

    Without ``capabilities`` it gets text and HTML to the addresses of To, and no other mail:
    with ``capabilities = Capabilities(...)`` it declares what else it can send.
    """

    @property
    def name(self) -> str:
        """
        The provider's name; an attribute of the class or of the object.
        """

    def send(self, message: Message) -> Accepted | str | None:
        """
        Send *message*, once.
        """


@published_in("mailfailover.plugin")
class Transport(Protocol):
    """
    The transport: carries a request to a vendor and the answer back.
    """

    def send(self, request: Any, timeout: float) -> Any:
        """
        Do one call within *timeout* seconds, without any retry.

        Raises:
            ConnectionFailed: Nothing was sent.
            OutcomeUnknown: It may have been sent.
        """

    def close(self) -> None:
        """
        Let go of all connections.
        """


@published_in("mailfailover.plugin")
class WebhookProvider(Protocol):
    """
    A provider whose vendor tells later what became of a mail.

    One whose vendor does so by GET says it: ``webhook_method: ClassVar[str] = "GET"``. How the
    vendor repeats an event, and which answers make it do so, stands in ``webhook_retries:
    ClassVar[WebhookRetries]``.
    """

    name: ClassVar[str]

    def verify_webhook(self, request: WebhookRequest, fetch: Fetch) -> str:
        """
        Check that *request* is the vendor's: its body is read only as far as that needs.

        Args:
            request: The webhook.

            fetch: Calls the vendor for its certificate, where that needs one.

        Returns:
            What no other webhook has in common with it, so that a repetition is refused; ""
            where the vendor's manner of signing has no such thing.

        Raises:
            InvalidSignature: The signature is wrong or missing, or no secret is set.
        """

    def parse_webhook(self, request: WebhookRequest) -> tuple[DeliveryEvent, ...]:
        """
        Read a verified webhook; what the vendor calls by an unknown name is ``UNKNOWN``.

        Raises:
            InvalidWebhook: The body does not have the vendor's form.
        """


AnyProvider = Provider | SMTPProvider | SimpleProvider
