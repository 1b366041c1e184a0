"""
A real nginx before the service.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
MISSING = "" if NGINX else "nginx is not installed"
"""Why there is no nginx, "" where there is one."""

_CONFIG = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {listen};
        location {location} {{
            proxy_pass {upstream};
            {more}
        }}
    }}
}}
"""


@contextmanager
def proxying(
    upstream: str, folder: Path, *, location: str = "/", more: str = "", host: str = "127.0.0.1"
) -> Iterator[str]:
    """
    Run nginx before *upstream*, with *more* directives than ``proxy_pass``; yield its URL.
    """
    with socket.socket() as free:
        free.bind((host, 0))
        listen = f"{host}:{free.getsockname()[1]}"
    config = folder / "nginx.conf"
    config.write_text(
        _CONFIG.format(
            folder=folder, listen=listen, location=location, upstream=upstream, more=more
        )
    )
    with subprocess.Popen(
        [str(NGINX), "-c", str(config), "-p", str(folder)], stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(listen)
            yield f"http://{listen}"
        finally:
            process.terminate()


def _wait_for(listen: str) -> None:
    host, port = listen.split(":")
    for _ in range(200):
        with suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nginx does not listen at {listen}")
