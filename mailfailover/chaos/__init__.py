"""
The vendors, played on this machine for programs in any language, and made to fail on command.

A *door* listens and reads requests; it asks the *town* which *vendor* a request is for. The
vendor looks at its *troubles*, then answers by its dialect of `mailfailover.testing`, and
hands what it accepted to the *mailbox*. From there the *courier* posts events to the
configured webhooks, filled in by *event templates* and signed as the vendor signs. `Chaos`
holds all of them, and is what the command, the API, the page and the pytest fixture talk to.
"""

from __future__ import annotations

from mailfailover.chaos._chaos import Chaos
from mailfailover.chaos._mail import AcceptedMail
from mailfailover.chaos._trouble import Trouble

__all__ = ["AcceptedMail", "Chaos", "Trouble"]
