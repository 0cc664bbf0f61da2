"""Which host names share cookies, by the public suffix list (RFC 6265 §5.3, HTML's "same site")."""

from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList


def host_of(origin: str) -> str:
    """Give the host name of an origin, without brackets and port."""
    return urlsplit(origin).hostname or ""


def registrable(host: str) -> str | None:
    """Give the domain that somebody registered; None for addresses, lone names and suffixes."""
    if _is_address(host) or "." not in host:
        return None
    return _list().privatesuffix(host)


def provider_suffix(host: str) -> str | None:
    """Give the suffix of a hosting provider under which the host is a customer's, such as fly.dev."""
    suffix = None if _is_address(host) else _list().publicsuffix(host)
    return None if suffix in (None, _list(only_icann=True).publicsuffix(host)) else suffix


def shared_parent(host: str, other: str) -> str | None:
    """Give the closest domain whose cookies reach both hosts; None when none does."""
    domain = registrable(host)
    if domain is None or domain != registrable(other):
        return None
    labels: list[str] = []
    for label, other_label in zip(
        reversed(host.split(".")), reversed(other.split(".")), strict=False
    ):
        if label != other_label:
            break
        labels.insert(0, label)
    return ".".join(labels)


def is_same_site(origin: str, other: str) -> bool:
    """Tell whether a page of one origin may frame the other without losing its Lax cookies."""
    if origin.partition(":")[0] != other.partition(":")[0]:
        return False
    host, other_host = host_of(origin), host_of(other)
    return host == other_host or shared_parent(host, other_host) is not None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _list(*, only_icann: bool = False) -> PublicSuffixList:
    return PublicSuffixList(only_icann=only_icann)
