"""
Proxy headers: the names by which proxies, balancers and edges mark a request that they pass on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["find_proxy_header"]

# The names are common knowledge about these products, and not all of them were looked up. A
# superfluous name only refuses a request. X-Request-Id and the trace headers are missing on
# purpose: programs on this machine set them, too.
_NAMES = frozenset(
    {
        "cdn-loop",  # RFC 8586
        "client-ip",
        "connect-time",  # Heroku
        "disguised-host",  # Azure
        "do-connecting-ip",  # DigitalOcean
        "eagleeye-traceid",  # Alibaba
        "forwarded",  # RFC 7239
        "forwarded-for",
        "front-end-https",  # Microsoft's reverse proxies
        "incap-client-ip",  # Imperva
        "max-forwards",  # ARR of IIS
        "proxy-connection",
        "remote-user",
        "rndr-id",  # Render
        "surrogate-capability",  # Varnish, Squid
        "total-route-time",  # Heroku
        "true-client-ip",  # Akamai, Cloudflare
        "via",  # RFC 9110
        "x-client-ip",
        "x-cloud-trace-context",  # Google's load balancers
        "x-cluster-client-ip",  # Rackspace, Zeus
        "x-coming-from",
        "x-gclb",  # Google's load balancers
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
    "ali-cdn-",
    "cf-",  # Cloudflare
    "cloudfront-",
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
    "x-accel-",  # nginx
    "x-akamai-",
    "x-amz-cf-",  # CloudFront
    "x-amzn-trace-",  # Amazon's load balancers
    "x-appengine-",
    "x-arr-",  # IIS, Azure
    "x-auth-request-",  # oauth2-proxy
    "x-azure-",
    "x-backend-",
    "x-bluecoat-",
    "x-cdn-",
    "x-client-",
    "x-cloudfront-",
    "x-edge-",
    "x-envoy-",
    "x-fd-",  # Azure Front Door
    "x-forward",  # X-Forwarded-For and its misspellings
    "x-gateway-",
    "x-goog-authenticated-",  # Google's Identity-Aware Proxy
    "x-goog-iap-",
    "x-haproxy-",
    "x-heroku-",
    "x-kong-",
    "x-koyeb-",
    "x-lb-",
    "x-middleware-",
    "x-ms-client-principal",  # Azure's App Service
    "x-ms-proxy",
    "x-nf-",  # Netlify
    "x-ngrok-",
    "x-nginx-",
    "x-original",
    "x-proxy",
    "x-railway-",
    "x-remote-",
    "x-server-",
    "x-ssl-",
    "x-sucuri-",
    "x-tencent-",
    "x-traefik-",
    "x-vercel-",
    "x-waws-",  # Azure
    "x-zeabur-",
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
