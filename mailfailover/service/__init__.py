"""
The e-mail service: HTTP, a page and workers around a :class:`~mailfailover.Mailer`.

It needs the extra ``service``: ``pip install "mailfailover[service]"``.
"""
