"""
One provider's URL turned into a link.

The provider's class says what the parts of the URL set: ``userinfo`` names the fields of the
credentials, the host is its ``host`` or its ``base_url``, and ``dsn_path`` names the field of
the path. All other fields of the provider and of the link are options.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailfailover._setup.options import Fields, Given, build_link
from mailfailover._setup.registry import find
from mailfailover._setup.url import URL, decode, read_url
from mailfailover.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailfailover._provider.link import Link


def link_from_url(text: str, key: str, where: str, more: Iterable[Given] = ()) -> Link:
    """
    Make the link that a URL describes.

    Args:
        text: The URL.

        key: The link's key, "" for the provider's name.

        where: How an error calls it, since it cannot quote it.

        more: Options beside the URL's own.

    Raises:
        ConfigurationError: If the URL is none, or does not fit the provider.
    """
    try:
        url = read_url(text)
        provider = find(url.name)
        given = [*_given(url, provider), *more]
        return build_link(provider, url.scheme, key, given, f"write {usage(url.scheme, provider)}")
    except ConfigurationError as exc:
        problem = f"{where}: {exc}"
    # Outside of the handler, so that nothing hangs on it that may quote the text.
    raise ConfigurationError(problem)


def _given(url: URL, provider: type) -> Iterator[Given]:
    kinds = Fields.of(provider).kinds
    names = _credentials(provider)
    for name, value in zip(names, url.split_credentials(len(names)), strict=False):
        if value:
            yield Given(name, value, name)
    place = next((name for name in ("host", "base_url") if name in kinds), "")
    yield from _path(url, _path_field(provider), is_prefix=place == "base_url" and bool(url.host))
    if url.host:
        yield from _place(url, place)
    for number, (name, value) in enumerate(url.options, start=1):
        yield Given(name, value, f"option {number} of its URL")


def _path(url: URL, name: str, *, is_prefix: bool) -> Iterator[Given]:
    if url.path and name:
        yield Given(name, decode(url.path, "the path"), name)
    elif url.path and not is_prefix:
        message = f"{url.scheme} takes no path: remove it"
        raise ConfigurationError(message)


def _place(url: URL, name: str) -> Iterator[Given]:
    if name == "base_url":
        yield Given(name, url.base_url, name)
    elif name == "host":
        yield Given(name, url.host.strip("[]"), name)
        if url.port is not None:
            yield Given("port", url.port, "port")
    else:
        message = f"{url.scheme} takes no host: leave it out, or write default"
        raise ConfigurationError(message)


def _credentials(provider: type) -> tuple[str, ...]:
    return tuple(getattr(provider, "userinfo", ()))


def _path_field(provider: type) -> str:
    return getattr(provider, "dsn_path", "")


def usage(scheme: str, provider: type) -> str:
    """
    Return a URL that gives *provider* what it requires, with the names of values in capitals.
    """
    required = Fields.of(provider).required
    credentials, path = _credentials(provider), _path_field(provider)
    place = next((name for name in ("host", "base_url") if name in required), "")
    text = ":".join(credentials).upper() + ("@" if credentials else "")
    text += "HOST" if place else "default" if credentials and not path else ""
    text += f"/{path.upper()}" if path else ""
    rest = [name for name in required if name not in (*credentials, path, place)]
    options = "&".join(f"{name}={name.upper()}" for name in rest)
    return f"{scheme}://{text}{'?' if options else ''}{options}"
