"""
Deliveries through the API, for keys with the grant ``admin``.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mailfailover.service.parts import service
from mailfailover.service.problems import Problem
from mailfailover.service.visit import API

__all__ = ["deliveries"]

deliveries: Blueprint = Blueprint("deliveries", __name__, url_prefix=API)


@deliveries.get("/deliveries")
def show() -> Response:
    """
    Tell how the mails of each provider reach each receiver.
    """
    found = service().deliveries
    if found is None:
        raise Problem("not-found", "Deliveries are not heeded here: set MAILFAILOVER_DELIVERIES=1.")
    return jsonify(found.report().to_dict())
