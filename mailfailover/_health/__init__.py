"""
Which providers are up, and how much may go to each.

A chain asks its ``Health`` (``protocol``) for a ``Ticket`` before each call and reports the
result with it; a ``Hold`` instead says why a provider is passed by. ``memory`` keeps a
``breaker`` for each chain key in one process, ``mailfailover.redis`` one for all processes.
``cooldown`` says for how long an error parks its provider, ``limits`` how many mails a link may
get, ``fingerprint`` names an account without its secrets, and ``open_health`` finds the store.
"""
