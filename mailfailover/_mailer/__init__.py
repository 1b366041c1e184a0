"""
The facade, and what surrounds a send.

:class:`~mailfailover.Mailer` fills in defaults and hands a prepared mail to its ``Delivery``,
which keeps staging mail at home (``staging``), takes suppressed recipients out (``leave_out``),
runs the steps of the chain and tells the observers how they ended. ``many`` sends many mails at
once. ``webhook_intake`` and ``webhook`` take what vendors report later; ``replays`` remembers
which reports came before.
"""
