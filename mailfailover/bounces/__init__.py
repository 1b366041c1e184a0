"""
Bounces: later reports of the recipients' servers about mails that went out by SMTP.

A link of SMTP with a ``bounce_address`` signs the id of each mail into its envelope sender
(:class:`mailfailover.plugin.BounceAddresses`). What comes back to it walks through these rooms:

- ``intake`` checks the signature, and tells the mailer's handlers; ``attribution`` says which
  recipient of the mail a finding is about.
- ``parts`` cuts the mail into ``fields`` and ``part_text``, no more of it than a report needs;
  ``paragraphs`` tells what a server says itself from the mail that it quotes.
- ``complaints``, ``delivery_status``, ``plain_words`` and ``auto_replies`` know one kind of
  report each; what they find is a ``finding``. ``named_recipients`` are those of words.
- ``reasons`` says why, by ``reason_words``. ``reading`` puts a bounce and its events together.
- ``mailbox`` fetches bounces by IMAP, from an ``imap_folder``.
"""

from mailfailover.bounces.imap_folder import MailboxUnavailable
from mailfailover.bounces.intake import BounceIntake
from mailfailover.bounces.mailbox import BounceMailbox, MailboxCount
from mailfailover.bounces.reading import read_bounce

__all__ = [
    "BounceIntake",
    "BounceMailbox",
    "MailboxCount",
    "MailboxUnavailable",
    "read_bounce",
]
