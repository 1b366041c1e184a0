"""
The mailbox of ``preview://`` as pages, and as JSON for tests.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)

from mailfailover._provider.beyond_mime import details
from mailfailover.service.headers import MAIL_POLICY
from mailfailover.service.mail_check import check_mail

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.wrappers import Response as Redirect

    from mailfailover._message.attachment import Attachment
    from mailfailover._message.message import Message
    from mailfailover.providers.preview import Preview, PreviewMail

__all__ = ["VIEWS", "show_mailbox"]

PAGE = 50
MOST = 500
_NAME = "mailfailover.mailbox"
VIEWS = ("html", "text", "headers", "source", "attachments", "check")


views: Blueprint = Blueprint("mailbox", __name__)


def show_mailbox(app: Flask, mailbox: Preview, prefix: str = "") -> None:
    """
    Add the pages of *mailbox* to *app*, which says itself who may see them.
    """
    app.extensions[_NAME] = mailbox
    app.register_blueprint(views, url_prefix=prefix or None)


def _mailbox() -> Preview:
    found: Preview = current_app.extensions[_NAME]
    return found


@views.get("/")
def index() -> str:
    """
    Show the newest mails.
    """
    before = _number("before")
    mails = _mailbox().mails(limit=PAGE + 1, before=before)
    more = mails[PAGE - 1].number if len(mails) > PAGE else None
    return render_template("mailbox.html", mails=mails[:PAGE], more=more, before=before)


@views.get("/<int:number>")
def mail(number: int) -> str:
    """
    Show one mail in one of its views.
    """
    found: PreviewMail = _known(_mailbox().mail(number))
    offered = [view for view in VIEWS if _has(found, view)]
    view = request.args.get("view", offered[0])
    if view not in offered:
        abort(404)
    remarks = check_mail(_known(_mailbox().message(number)))
    return render_template(
        "mail.html",
        mail=found,
        view=view,
        views=offered,
        lines=_lines(number, view),
        remarks=remarks,
    )


@views.get("/<int:number>/body")
def body(number: int) -> Response:
    """
    Send the HTML of a mail, for a frame in which it can do nothing.
    """
    message = _known(_mailbox().message(number))
    answer = Response(_with_images(message), content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = MAIL_POLICY
    return answer


@views.get("/<int:number>/source.eml")
def source(number: int) -> Response:
    """
    Send a mail as MIME.
    """
    message: Message = _known(_mailbox().message(number))
    return _download(message.as_bytes(), f"mail-{number}.eml")


@views.get("/<int:number>/attachments/<int:position>")
def attachment(number: int, position: int) -> Response:
    """
    Send one file of a mail.
    """
    found: Attachment = _known(_mailbox().attachment(number, position))
    return _download(found.read(), found.filename)


@views.post("/clear")
def clear() -> Redirect:
    """
    Empty the mailbox from its page.
    """
    _mailbox().clear()
    return redirect(url_for("mailbox.index"), 303)


@views.get("/json")
def list_json() -> Response:
    """
    Send the newest mails as JSON.
    """
    limit = min(_number("limit") or PAGE, MOST)
    return jsonify(
        [_describe(one) for one in _mailbox().mails(limit=limit, before=_number("before"))]
    )


@views.get("/json/<int:number>")
def mail_json(number: int) -> Response:
    """
    Send one mail as JSON.
    """
    return jsonify(_describe(_known(_mailbox().mail(number))))


@views.get("/json/<int:number>/check")
def check_json(number: int) -> Response:
    """
    Send what may be wrong with one mail as JSON.
    """
    return jsonify([one.to_dict() for one in check_mail(_known(_mailbox().message(number)))])


@views.delete("/json")
def clear_json() -> Response:
    """
    Empty the mailbox from a test.
    """
    _mailbox().clear()
    return Response(status=204)


def _known(found: Any) -> Any:
    if found is None:
        abort(404)
    return found


def _number(name: str) -> int | None:
    text = request.args.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 18):  # noqa: PLR2004 -- fits SQLite
        abort(400, f"{name} must be a whole number")
    return int(text)


def _has(mail: PreviewMail, view: str) -> bool:
    if view == "attachments":
        return bool(mail.files)
    if view == "html":
        return bool(mail.message.html)
    return view != "text" or bool(mail.message.text) or not mail.message.html


def _lines(number: int, view: str) -> list[tuple[str, str]]:
    """
    Return the content of one view as pairs: the headers, or a single text without a name.
    """
    if view not in ("headers", "source"):
        return []
    message = _known(_mailbox().message(number))
    if view == "source":
        return [("", message.as_bytes().decode("utf-8", "replace").replace("\r\n", "\n"))]
    written = message.as_email_message().items()
    return [*((name, str(value)) for name, value in written), *details(message)]


def _with_images(message: Message) -> str:
    """
    Return the HTML with its inline images in it, for a frame that may load nothing.
    """
    html = message.html
    for one in message.attachments:
        if one.content_id and one.content_type.lower().startswith("image/"):
            data = b64encode(one.read()).decode("ascii")
            url = f"data:{quote(one.content_type, safe='/')};base64,{data}"
            html = html.replace(f"cid:{one.content_id}", url)
    return html


def _download(content: bytes, filename: str) -> Response:
    """
    Send bytes that a browser stores and never shows as a page of ours.
    """
    answer = Response(content, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = (
        f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
    )
    answer.headers["Content-Security-Policy"] = MAIL_POLICY
    return answer


def _describe(mail: PreviewMail) -> dict[str, Any]:
    """
    Return a mail as JSON-safe data: its fields, and its attachments without their content.
    """
    number = mail.number
    files = [
        {
            "filename": one.filename,
            "content_type": one.content_type,
            "content_id": one.content_id,
            "size": one.size,
            "url": url_for("mailbox.attachment", number=number, position=position),
        }
        for position, one in enumerate(mail.files)
    ]
    return {
        "number": number,
        "received": mail.received.isoformat(),
        "url": url_for("mailbox.mail", number=number),
        "message_id": mail.message.message_id,
        **mail.message.to_dict(),
        "attachments": files,
    }
