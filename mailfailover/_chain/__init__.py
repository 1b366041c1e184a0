"""
One mail to the first provider that takes it.

:class:`~mailfailover._chain.chain.ProviderChain` holds the frozen ``Parts`` that every send
shares. A ``Send`` (``MergeSend`` for a merge) is the state of one mail. It takes turns: in each
turn the ``Picker`` names a candidate, ``make_attempt`` calls its provider once, and the send
draws the conclusion for the mail, for the provider's health, and for observers and log.

- Which links can carry the mail: ``candidates``, ``fit``, ``requirements``, ``reduction``.
- Which of them is next: ``picker`` (rounds) and ``gate`` (health, leases, allowances).
- What a call came to: ``attempt``, and ``faults`` where a provider's code failed.
- How a send ends: with a receipt, or with an error of ``failure_report``.

All of it is pure. A send yields a ``Call`` or a ``Pause`` to its ``driver``, which runs it in a
thread or in an event loop. Every turn after the first is driven by tenacity, in ``retry``.
"""
