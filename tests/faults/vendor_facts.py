"""
What the vendors' codes mean, as data: written from their documentation, not from our code.

Each row is a status, a body and the error that it is. Texts and codes are those that
``tests/providers`` knows too, but written anew: an error of one table does not hide in the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailfailover.errors import (
    AccountSuspended,
    AuthenticationFailed,
    MessageRejected,
    OutcomeUnknown,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RecipientRejected,
    RecipientSuppressed,
    RequestRefused,
    SenderRefused,
    SendError,
    UnsupportedFeature,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    Fact = tuple[int, Any, type[SendError]]

ANN = "ann@example.org"
"""The only recipient of the mail that the rows answer."""


def _mailgun(text: str) -> dict[str, str]:
    return {"message": text}


def _mandrill(name: str, text: str = "") -> dict[str, Any]:
    return {"status": "error", "code": -1, "name": name, "message": text}


def _mandrill_said(status: str, reason: str | None = None) -> list[dict[str, Any]]:
    return [{"email": ANN, "status": status, "reject_reason": reason, "_id": "m1"}]


def _sendgrid(text: str, field: str | None = None) -> dict[str, Any]:
    return {"errors": [{"message": text, "field": field, "help": None}]}


def _postmark(code: int, text: str = "No.") -> dict[str, Any]:
    return {"ErrorCode": code, "Message": text}


def _ses(name: str, text: str = "") -> dict[str, str]:
    return {"__type": name, "message": text}


def _resend(status: int, name: str, text: str = "No.") -> dict[str, Any]:
    return {"statusCode": status, "name": name, "message": text}


def _sparkpost(code: str, text: str = "", description: str = "") -> dict[str, Any]:
    return {"errors": [{"message": text, "description": description, "code": code}]}


def _sparkpost_sent(code: str) -> dict[str, Any]:
    counts = {"total_accepted_recipients": 0, "total_rejected_recipients": 1}
    return {"results": {"id": "1", **counts, "rcpt_to_errors": [{"code": code, "message": ""}]}}


def _brevo(code: str, text: str = "") -> dict[str, str]:
    return {"code": code, "message": text}


def _mailjet(code: str, *places: str) -> dict[str, Any]:
    return {"ErrorCode": code, "StatusCode": 400, "ErrorMessage": "", "ErrorRelatedTo": places}


def _mailjet_item(code: str, *places: str) -> dict[str, Any]:
    return {"Messages": [{"Status": "error", "Errors": [_mailjet(code, *places)]}]}


def _mailersend(text: str, place: str = "") -> dict[str, Any]:
    return {"message": text, "errors": {place: [text]} if place else {}}


def _mailersend_warning(kind: str) -> dict[str, Any]:
    recipient = {"email": ANN, "name": None, "reasons": ["hard_bounced"]}
    return {"message": "", "warnings": [{"type": kind, "message": "", "recipients": [recipient]}]}


def _mailtrap(text: str) -> dict[str, Any]:
    return {"success": False, "errors": [text]}


NOT_VERIFIED = "Email address is not verified. The following identities failed the check: "

FACTS: Mapping[str, tuple[Fact, ...]] = {
    "mailgun": (
        (400, _mailgun("to parameter is not a valid address. please check"), RecipientRejected),
        (400, _mailgun("from parameter is missing"), RequestRefused),
        (400, _mailgun("Header name must be pure ASCII"), MessageRejected),
        (400, _mailgun("o: options are limited to 16KB"), UnsupportedFeature),
        (400, _mailgun("too many recipients: 1001"), RequestRefused),
        (401, "Forbidden", AuthenticationFailed),
        (403, _mailgun("Forbidden"), AuthenticationFailed),
        (404, _mailgun("Domain not found: mg.example.com"), SenderRefused),
        (404, _mailgun("never documented"), RequestRefused),
        (429, _mailgun("Too many requests"), RateLimited),
        (500, _mailgun("Internal Server Error"), ProviderUnavailable),
        (502, _mailgun("Bad Gateway"), OutcomeUnknown),
        (503, _mailgun("Service Unavailable"), ProviderUnavailable),
        (200, "Mailgun Magnificent API", RequestRefused),
    ),
    "mandrill": (
        (500, _mandrill("ValidationError", "You must specify a key value"), RequestRefused),
        (500, _mandrill("Invalid_Key"), AuthenticationFailed),
        (400, _mandrill("Invalid_Key"), AuthenticationFailed),
        (401, _mandrill("Invalid_Key"), AuthenticationFailed),
        (500, _mandrill("PaymentRequired"), AccountSuspended),
        (500, _mandrill("Unknown_Subaccount"), RequestRefused),
        (500, _mandrill("Unknown_Template"), UnsupportedFeature),
        (500, _mandrill("PoorReputation"), AccountSuspended),
        (500, _mandrill("ServiceUnavailable"), ProviderUnavailable),
        (500, _mandrill("GeneralError"), OutcomeUnknown),
        (429, "Too many requests", RateLimited),
        (200, _mandrill_said("invalid"), RecipientRejected),
        (200, _mandrill_said("rejected", "hard-bounce"), RecipientSuppressed),
        (200, _mandrill_said("rejected", "soft-bounce"), RecipientSuppressed),
        (200, _mandrill_said("rejected", "spam"), RecipientSuppressed),
        (200, _mandrill_said("rejected", "unsub"), RecipientSuppressed),
        (200, _mandrill_said("rejected", "custom"), RecipientSuppressed),
        (200, _mandrill_said("rejected", "unsigned"), SenderRefused),
        (200, _mandrill_said("rejected", "invalid-sender"), SenderRefused),
        (200, _mandrill_said("rejected", "test-mode-limit"), QuotaExceeded),
        (200, _mandrill_said("rejected", "rule"), MessageRejected),
        (200, _mandrill_said("rejected", "never documented"), RequestRefused),
    ),
    "sendgrid": (
        (
            400,
            _sendgrid("Does not contain a valid address.", "personalizations.0.to.0.email"),
            RecipientRejected,
        ),
        (
            401,
            _sendgrid("The provided authorization grant is invalid, expired, or revoked"),
            AuthenticationFailed,
        ),
        (401, _sendgrid("Maximum credits exceeded"), QuotaExceeded),
        (
            403,
            _sendgrid("The from address does not match a verified Sender Identity.", "from"),
            SenderRefused,
        ),
        (403, _sendgrid("You have made too many bad requests"), AccountSuspended),
        (406, _sendgrid("Missing Accept header"), RequestRefused),
        (413, _sendgrid("The JSON payload is too large"), UnsupportedFeature),
        (451, _sendgrid("Unavailable For Legal Reasons"), AuthenticationFailed),
        (429, _sendgrid("too many requests"), RateLimited),
        (500, _sendgrid("internal server error"), ProviderUnavailable),
        (503, _sendgrid("service unavailable"), ProviderUnavailable),
    ),
    "postmark": (
        (422, _postmark(300, "Invalid 'To' address: 'ann'."), RecipientRejected),
        (422, _postmark(300, "Error parsing 'Cc': Illegal email address."), RecipientRejected),
        (422, _postmark(300, "Error parsing 'Bcc': Illegal email address."), RecipientRejected),
        (422, _postmark(300, "Invalid 'From' address: 'shop'."), SenderRefused),
        (422, _postmark(300, "Error parsing 'ReplyTo': Illegal email address."), RequestRefused),
        (401, _postmark(10), AuthenticationFailed),
        (422, _postmark(100), ProviderUnavailable),
        (422, _postmark(400), SenderRefused),
        (422, _postmark(401), SenderRefused),
        (422, _postmark(402), RequestRefused),
        (422, _postmark(403), RequestRefused),
        (422, _postmark(405), QuotaExceeded),
        (422, _postmark(406, f"Found inactive addresses: {ANN}."), RecipientSuppressed),
        (422, _postmark(409), RequestRefused),
        (422, _postmark(410), RequestRefused),
        (422, _postmark(411), UnsupportedFeature),
        (422, _postmark(412), AccountSuspended),
        (422, _postmark(413), AccountSuspended),
        (429, _postmark(429), RateLimited),
        (500, _postmark(0), OutcomeUnknown),
        (503, _postmark(100), ProviderUnavailable),
    ),
    "ses": (
        (400, _ses("BadRequestException", "Illegal address"), RecipientRejected),
        (400, _ses("MessageRejected", "Message contains a virus"), MessageRejected),
        (400, _ses("MessageRejected", f"{NOT_VERIFIED}shop@example.com"), SenderRefused),
        (400, _ses("MessageRejected", f"{NOT_VERIFIED}{ANN}"), AccountSuspended),
        (400, _ses("MailFromDomainNotVerifiedException"), SenderRefused),
        (400, _ses("AccountSuspendedException"), AccountSuspended),
        (400, _ses("SendingPausedException"), AccountSuspended),
        (404, _ses("NotFoundException"), RequestRefused),
        (403, _ses("InvalidSignatureException"), AuthenticationFailed),
        (403, _ses("UnrecognizedClientException"), AuthenticationFailed),
        (429, _ses("TooManyRequestsException"), RateLimited),
        (400, _ses("LimitExceededException"), QuotaExceeded),
        (400, _ses("ThrottlingException", "Maximum sending rate exceeded."), RateLimited),
        (400, _ses("ThrottlingException", "Daily message quota exceeded."), QuotaExceeded),
        (500, _ses("InternalServerErrorException"), ProviderUnavailable),
        (502, "Bad Gateway", OutcomeUnknown),
        (503, "Service Unavailable", OutcomeUnknown),
        (504, "Gateway Timeout", OutcomeUnknown),
    ),
    "resend": (
        (422, _resend(422, "validation_error", "Invalid `to` field."), RecipientRejected),
        (400, _resend(400, "validation_error"), RequestRefused),
        (422, _resend(422, "missing_required_field"), RequestRefused),
        (422, _resend(422, "invalid_parameter"), RequestRefused),
        (422, _resend(422, "invalid_attachment"), UnsupportedFeature),
        (401, _resend(401, "missing_api_key"), AuthenticationFailed),
        (401, _resend(401, "restricted_api_key"), AuthenticationFailed),
        (403, _resend(403, "invalid_api_key"), AuthenticationFailed),
        (403, _resend(403, "validation_error", "The domain is not verified."), SenderRefused),
        (422, _resend(422, "invalid_from_address"), SenderRefused),
        (422, _resend(422, "invalid_access"), RequestRefused),
        (429, _resend(429, "rate_limit_exceeded"), RateLimited),
        (429, _resend(429, "daily_quota_exceeded"), QuotaExceeded),
        (429, _resend(429, "monthly_quota_exceeded"), QuotaExceeded),
        (500, _resend(500, "application_error"), ProviderUnavailable),
        (500, _resend(500, "internal_server_error"), ProviderUnavailable),
        (409, _resend(409, "concurrent_idempotent_requests"), OutcomeUnknown),
        (409, _resend(409, "invalid_idempotent_request"), OutcomeUnknown),
    ),
    "sparkpost": (
        (422, _sparkpost("1300", "invalid", "address.email is no address"), RecipientRejected),
        (422, _sparkpost("1300", "invalid", "content.headers"), RequestRefused),
        (422, _sparkpost("1301"), RequestRefused),
        (422, _sparkpost("1305"), RequestRefused),
        (422, _sparkpost("1400", "invalid", "address.email is required"), RecipientRejected),
        (422, _sparkpost("1401"), RequestRefused),
        *((422, _sparkpost(f"30{number:02}"), UnsupportedFeature) for number in range(21)),
        (400, _sparkpost("5002"), RecipientRejected),
        (403, _sparkpost("1100"), AuthenticationFailed),
        (403, _sparkpost("1601"), AccountSuspended),
        (401, _sparkpost("1303"), AuthenticationFailed),
        (401, _sparkpost("1304"), AuthenticationFailed),
        (400, _sparkpost("7000"), SenderRefused),
        (400, _sparkpost("7001"), SenderRefused),
        (429, _sparkpost(""), RateLimited),
        *((420, _sparkpost(code), QuotaExceeded) for code in ("2101", "2102", "2103", "2105")),
        (500, _sparkpost("1500"), ProviderUnavailable),
        (500, _sparkpost("1501"), ProviderUnavailable),
        (503, _sparkpost("1900"), ProviderUnavailable),
        (400, _sparkpost("1502"), ProviderUnavailable),
        (400, _sparkpost("1901"), UnsupportedFeature),
        (400, _sparkpost("1902"), RecipientSuppressed),
        (200, _sparkpost_sent("1902"), RecipientSuppressed),
        (409, _sparkpost("1600"), OutcomeUnknown),
        (409, _sparkpost("1601"), OutcomeUnknown),
        (400, _sparkpost("1602"), RequestRefused),
    ),
    "brevo": (
        (400, _brevo("invalid_parameter", "email is not valid in to"), RecipientRejected),
        (400, _brevo("invalid_parameter", "tags are not valid"), RequestRefused),
        (400, _brevo("missing_parameter"), RequestRefused),
        (400, _brevo("out_of_range"), RequestRefused),
        (401, _brevo("unauthorized"), AuthenticationFailed),
        (402, _brevo("not_enough_credits"), QuotaExceeded),
        (403, _brevo("permission_denied"), AuthenticationFailed),
        (400, _brevo("account_under_validation"), AccountSuspended),
        (429, _brevo("too_many_requests"), RateLimited),
        (500, _brevo("internal_error"), ProviderUnavailable),
        (400, _brevo("duplicate_request"), OutcomeUnknown),
    ),
    "mailjet": (
        *(
            (400, _mailjet_item("mj-0013", f"{kind}[0].Email"), RecipientRejected)
            for kind in ("To", "Cc", "Bcc")
        ),
        (400, _mailjet_item("mj-0013", "From.Email"), SenderRefused),
        (400, _mailjet_item("send-0003", "TextPart"), UnsupportedFeature),
        *((400, _mailjet_item(f"mj-000{n}"), RequestRefused) for n in (2, 3, 4, 5, 7)),
        (400, _mailjet_item("mj-0012"), RequestRefused),
        (401, _mailjet("mj-0001"), AccountSuspended),
        (401, _mailjet("mj-0015"), AuthenticationFailed),
        *((403, _mailjet_item(f"send-000{n}", "From"), SenderRefused) for n in (6, 7, 8)),
        *((400, _mailjet_item(f"send-00{n}"), UnsupportedFeature) for n in (10, 11, 15)),
        *((400, _mailjet_item(f"mj-00{n}"), UnsupportedFeature) for n in ("06", "08", "11")),
        (200, _mailjet_item("mj-0013", "To[0].Email"), RecipientRejected),
        (429, {"StatusCode": 429, "ErrorMessage": ""}, RateLimited),
        (500, {"ErrorIdentifier": "06df1144", "StatusCode": 500}, ProviderUnavailable),
    ),
    "mailersend": (
        (422, _mailersend("No. #MS42208", "to.0.email"), RecipientRejected),
        (422, _mailersend("No. #MS42209", "subject"), UnsupportedFeature),
        (422, _mailersend("No. #MS42211", "text"), UnsupportedFeature),
        (422, _mailersend("No. #MS42215", "text"), RequestRefused),
        (422, _mailersend("No. #MS42202", "text"), RequestRefused),
        (401, _mailersend("Unauthenticated."), AuthenticationFailed),
        *((403, _mailersend(f"No. #MS4030{n}"), AuthenticationFailed) for n in range(1, 6)),
        (422, _mailersend("No. #MS42207", "from.email"), SenderRefused),
        *((422, _mailersend(f"No. #MS422{n}"), QuotaExceeded) for n in ("04", "22", "25")),
        *((422, _mailersend(f"No. #MS422{n}"), UnsupportedFeature) for n in ("05", "06", "10")),
        (422, _mailersend("No. #MS42216"), UnsupportedFeature),
        (429, _mailersend("No. #MS42903"), RateLimited),
        (429, _mailersend("No. #MS42901"), QuotaExceeded),
        (408, _mailersend("Timeout."), OutcomeUnknown),
        (421, _mailersend("Maintenance."), ProviderUnavailable),
        (500, _mailersend("Server Error"), ProviderUnavailable),
        *((status, _mailersend("Server Error"), OutcomeUnknown) for status in (502, 504)),
        (202, _mailersend_warning("ALL_SUPPRESSED"), RecipientSuppressed),
    ),
    "mailtrap": (
        (400, _mailtrap("'to' address is invalid"), RecipientRejected),
        (400, _mailtrap("never documented"), RequestRefused),
        (401, _mailtrap("Unauthorized"), AuthenticationFailed),
        (403, _mailtrap("Forbidden"), AuthenticationFailed),
        (429, _mailtrap("Too many requests"), RateLimited),
        (500, _mailtrap("Internal Server Error"), ProviderUnavailable),
    ),
}

# By the step, the code and the words of a reply.
SMTP_FACTS: tuple[tuple[str, int, str, type[SendError]], ...] = (
    ("rcpt", 550, "5.1.3 Bad recipient address syntax", RecipientRejected),
    ("rcpt", 553, "5.1.3 Bad recipient address syntax", RecipientRejected),
    ("rcpt", 550, "5.1.1 User unknown", RecipientRejected),
    (".", 552, "5.6.0 Message content rejected", MessageRejected),
    (".", 554, "5.6.1 Media not supported", MessageRejected),
    ("auth", 530, "5.7.0 Authentication required", AuthenticationFailed),
    ("auth", 534, "5.7.9 Mechanism too weak", AuthenticationFailed),
    ("auth", 535, "5.7.8 Bad credentials", AuthenticationFailed),
    ("mail", 530, "5.7.0 Authentication required", AuthenticationFailed),
    ("mail", 550, "5.7.1 Not your domain", SenderRefused),
    ("mail", 553, "5.7.1 Sender address rejected", SenderRefused),
    ("rcpt", 554, "5.7.1 Relay access denied", SenderRefused),
    ("rcpt", 551, "5.7.1 User not local", RequestRefused),
    ("mail", 552, "5.3.4 Message size exceeds fixed limit", UnsupportedFeature),
    ("connect", 421, "4.3.2 Service not available", ProviderUnavailable),
    ("mail", 421, "4.7.0 Too many connections", RateLimited),
    ("rcpt", 450, "4.2.0 Greylisted", RateLimited),
    (".", 451, "4.3.0 Local error", ProviderUnavailable),
    (".", 452, "4.3.1 Insufficient system storage", ProviderUnavailable),
    (".", 454, "Throttling failure: Maximum sending rate exceeded.", RateLimited),
)
