"""
Proxy headers: the names by which proxies, balancers and edges mark a request that they pass on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["find_proxy_header"]

# From common knowledge of these products; nobody looked each one up in its documentation. A name
# too many only closes the door. X-Request-Id and the trace headers are missing on purpose:
# programs on this machine set them, too.
_NAMES = frozenset(
    {
        "cdn-loop",  # RFC 8586
        "client-ip",
        "forwarded",  # RFC 7239
        "forwarded-for",
        "front-end-https",  # Microsoft's reverse proxies
        "incap-client-ip",  # Imperva
        "max-forwards",  # ARR of IIS
        "proxy-connection",
        "surrogate-capability",  # Varnish, Squid
        "true-client-ip",  # Akamai, Cloudflare
        "via",  # RFC 9110
        "x-client-ip",
        "x-cloud-trace-context",  # Google's load balancers
        "x-cluster-client-ip",  # Rackspace, Zeus
        "x-host",
        "x-http-host-override",
        "x-https",
        "x-originating-ip",
        "x-proto",
        "x-protocol",
        "x-real-ip",
        "x-real-port",
        "x-request-start",  # Heroku
        "x-rewrite-url",
        "x-scheme",
        "x-url-scheme",
        "x-varnish",
    }
)
_PREFIXES = (
    "akamai-",
    "cf-",  # Cloudflare
    "fastly-",
    "fly-",
    "forwarded-",
    "incap-",
    "ngrok-",
    "proxy-",
    "render-",
    "ssl-client-",
    "tailscale-",
    "wl-proxy-",  # WebLogic
    "x-akamai-",
    "x-amz-cf-",  # CloudFront
    "x-amzn-trace-",  # Amazon's load balancers
    "x-appengine-",
    "x-arr-",  # IIS, Azure
    "x-azure-",
    "x-client-",
    "x-edge-",
    "x-envoy-",
    "x-fd-",  # Azure Front Door
    "x-forwarded",
    "x-forwarder-",
    "x-haproxy-",
    "x-kong-",
    "x-nf-",  # Netlify
    "x-ngrok-",
    "x-nginx-",
    "x-original",
    "x-proxy",
    "x-remote-",
    "x-server-",
    "x-ssl-",
    "x-sucuri-",
    "x-traefik-",
    "x-vercel-",
)
_KNOWN = re.compile("|".join(re.escape(prefix) + ".*" for prefix in _PREFIXES))


def find_proxy_header(names: Iterable[str]) -> str:
    """
    Return the first of these header *names* that only a proxy sets, "" where there is none.
    """
    for name in names:
        plain = name.lower().replace("_", "-")
        if plain in _NAMES or _KNOWN.fullmatch(plain):
            return name
    return ""
