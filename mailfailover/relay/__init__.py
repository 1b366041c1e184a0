"""
The SMTP port: failover for every program that speaks SMTP only.

A mail walks through these rooms:

- ``listener`` holds the ports, their limits and their certificates.
- ``session`` is one connection: aiosmtpd's commands, with DSN and enhanced status codes.
- ``gate`` says who may send: this machine, or whoever logs in with an API key.
- ``desk`` takes a mail at the end of DATA. Its ``250`` comes after the outbox has the mail.
- ``reading`` makes a message of it, by ``commands``, its ``X-MF-`` headers.
- A report to a bounce address of ours, which anybody may bring, goes to
  :class:`mailfailover.bounces.BounceIntake` instead.
- ``submissions`` keeps to whom a bounce would go; ``reports`` sends it, ``bounce`` writes it.
"""

from mailfailover.relay.listener import Address, Relay

__all__ = ["Address", "Relay"]
