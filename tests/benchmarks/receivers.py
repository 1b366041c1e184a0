"""
Who takes posted mails: the service, and beside it a view that does nothing but one insert.

Run as ``python -m tests.benchmarks.receivers NAME DATABASE``; prints its port, and for each line of
its standard input the seconds of CPU that it has spent.
"""

from __future__ import annotations

import socket
import sys
import time
from threading import Thread
from typing import TYPE_CHECKING

from flask import Flask, Response, jsonify, request
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert
from waitress.server import create_server

from mailfailover import Mailer
from mailfailover._sql.database import open_engine
from mailfailover.service.wiring import application, assemble

if TYPE_CHECKING:
    from collections.abc import Callable

SEND = "/email/api/1.0/send"
THREADS = 16


def service(database: str) -> Flask:
    """
    The service, which leaves the sending to others.
    """
    return application(assemble(lambda **options: Mailer("null://", **options), database))


def bare(database: str) -> Flask:
    """
    A view that inserts what came into one table, and commits.
    """
    engine = open_engine(database)
    metadata = MetaData()
    fields = ("to", "from_email", "subject", "text")
    table = Table(
        "bare",
        metadata,
        Column("number", Integer, primary_key=True),
        *(Column(name, Text, nullable=False) for name in fields),
    )
    metadata.create_all(engine)
    app = Flask("bare")

    @app.post(SEND)
    def send() -> Response:
        with engine.begin() as connection:
            row = {name: request.form[name] for name in fields}
            key = connection.execute(insert(table).values(row)).inserted_primary_key
        answer = jsonify(id=key[0] if key else None)
        answer.status_code = 202
        return answer

    return app


RECEIVERS: dict[str, Callable[[str], Flask]] = {"service": service, "bare": bare}


def _tell_cpu() -> None:
    for _ in sys.stdin:
        print(time.process_time(), flush=True)


def main() -> None:
    """
    Serve until killed.
    """
    name, database = sys.argv[1:]
    bound = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(bound.getsockname()[1], flush=True)
    Thread(target=_tell_cpu, daemon=True).start()
    create_server(RECEIVERS[name](database), sockets=[bound], threads=THREADS).run()


if __name__ == "__main__":
    main()
