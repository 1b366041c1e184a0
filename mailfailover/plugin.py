"""
All that the author of a provider imports.

A provider is one file of pure functions: see "Writing a provider" in the documentation,
and run :class:`mailfailover.testing.ProviderContract` over it.
"""

from mailfailover._message.address import Address
from mailfailover._message.alternative import Alternative
from mailfailover._message.attachment import Attachment
from mailfailover._message.encoded_words import encode_header
from mailfailover._message.merge import (
    all_variables,
    fill,
    for_recipient,
    rewrite,
    variables,
    without_texts,
)
from mailfailover._message.message import Message
from mailfailover._message.mime_view import readable
from mailfailover._provider.account import (
    AccountCheck,
    AccountFact,
    AccountQuestion,
    WebhookSetup,
    quota_fact,
    sender_fact,
    template_checks,
    template_fact,
    webhook_credentials,
    webhook_fact,
    with_credentials,
)
from mailfailover._provider.answers import (
    Outcomes,
    accepted,
    as_code,
    as_object,
    as_objects,
    as_words,
    by_recipient,
    one_each,
    recipients_at,
    recipients_in,
    unreadable,
)
from mailfailover._provider.aws_signature import AWSCredentials, sign_aws
from mailfailover._provider.beyond_mime import details
from mailfailover._provider.bodies import (
    WrittenJSON,
    basic_auth,
    json_body,
    merge_options,
    multipart_body,
    sha256_hex,
)
from mailfailover._provider.bounce_addresses import BounceAddresses, SignedMail
from mailfailover._provider.calls import Secret, host_header, post_json, regional_url
from mailfailover._provider.capabilities import EVERYTHING, Capabilities
from mailfailover._provider.classify import (
    check_secret,
    classify_http,
    classify_smtp,
    mask,
    parse_retry_after,
    reveal,
)
from mailfailover._provider.error_table import Errors, Problem, Rule
from mailfailover._provider.event_reading import (
    MAIL_ID,
    as_list,
    as_text,
    as_texts,
    as_time,
    dig,
    make_event,
)
from mailfailover._provider.mail_fields import (
    AddressFields,
    FileFields,
    address_line,
    check_template_data,
    encoded_address,
    filled,
    own_headers,
    own_metadata,
    template_number,
    type_fits_name,
    unsupported,
)
from mailfailover._provider.merge_language import MergeLanguage
from mailfailover._provider.mime_forms import (
    check_header_names_all,
    header_line,
    mime_bytes,
    mime_bytes_with_bcc,
    mime_text,
)
from mailfailover._provider.protocols import (
    BatchProvider,
    Provider,
    SimpleProvider,
    SMTPProvider,
    Transport,
    WebhookProvider,
)
from mailfailover._provider.public_keys import read_certificate, verify_public_key
from mailfailover._provider.refusals import Refusals
from mailfailover._provider.signatures import (
    Fetch,
    Secrets,
    reveal_all,
    verify_basic_auth,
    verify_hmac,
    verify_size,
    verify_standard_webhook,
    verify_time,
)
from mailfailover._provider.sns import SNSHome, read_sns, verify_sns
from mailfailover._provider.webhook_retries import ONLY_5XX, WebhookRetries
from mailfailover._values.events import DeliveryEvent, EventType, RejectReason
from mailfailover._values.features import Feature
from mailfailover._values.receipt import Accepted, RecipientStatus
from mailfailover._values.untrusted_json import read_json
from mailfailover._values.wire import (
    Base64,
    Body,
    File,
    HTTPRequest,
    Part,
    Response,
    SMTPReply,
    SMTPRequest,
    SMTPResponse,
    Stage,
    Timeout,
    WebhookRequest,
)

__all__ = [
    "EVERYTHING",
    "KB",
    "MAIL_ID",
    "MB",
    "ONLY_5XX",
    "AWSCredentials",
    "Accepted",
    "AccountCheck",
    "AccountFact",
    "AccountQuestion",
    "Address",
    "AddressFields",
    "Alternative",
    "Attachment",
    "Base64",
    "BatchProvider",
    "Body",
    "BounceAddresses",
    "Capabilities",
    "DeliveryEvent",
    "Errors",
    "EventType",
    "Feature",
    "Fetch",
    "File",
    "FileFields",
    "HTTPRequest",
    "MergeLanguage",
    "Message",
    "Outcomes",
    "Part",
    "Problem",
    "Provider",
    "RecipientStatus",
    "Refusals",
    "RejectReason",
    "Response",
    "Rule",
    "SMTPProvider",
    "SMTPReply",
    "SMTPRequest",
    "SMTPResponse",
    "SNSHome",
    "Secret",
    "Secrets",
    "SignedMail",
    "SimpleProvider",
    "Stage",
    "Timeout",
    "Transport",
    "WebhookProvider",
    "WebhookRequest",
    "WebhookRetries",
    "WebhookSetup",
    "WrittenJSON",
    "accepted",
    "address_line",
    "all_variables",
    "as_code",
    "as_list",
    "as_object",
    "as_objects",
    "as_text",
    "as_texts",
    "as_time",
    "as_words",
    "basic_auth",
    "by_recipient",
    "check_header_names_all",
    "check_secret",
    "check_template_data",
    "classify_http",
    "classify_smtp",
    "details",
    "dig",
    "encode_header",
    "encoded_address",
    "fill",
    "filled",
    "for_recipient",
    "header_line",
    "host_header",
    "json_body",
    "make_event",
    "mask",
    "merge_options",
    "mime_bytes",
    "mime_bytes_with_bcc",
    "mime_text",
    "multipart_body",
    "one_each",
    "own_headers",
    "own_metadata",
    "parse_retry_after",
    "post_json",
    "quota_fact",
    "read_certificate",
    "read_json",
    "read_sns",
    "readable",
    "recipients_at",
    "recipients_in",
    "regional_url",
    "reveal",
    "reveal_all",
    "rewrite",
    "sender_fact",
    "sha256_hex",
    "sign_aws",
    "template_checks",
    "template_fact",
    "template_number",
    "type_fits_name",
    "unreadable",
    "unsupported",
    "variables",
    "verify_basic_auth",
    "verify_hmac",
    "verify_public_key",
    "verify_size",
    "verify_sns",
    "verify_standard_webhook",
    "verify_time",
    "webhook_credentials",
    "webhook_fact",
    "with_credentials",
    "without_texts",
]

KB = 1024
MB = 1024 * KB
