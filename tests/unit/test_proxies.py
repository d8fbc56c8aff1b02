"""Which proxy leads where: as Docker's engine and client decide it, by the rules of Go."""

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.proxies import Proxies

PROXY = "http://proxy.example.com:3128"
EXCEPTIONS = (
    "foobar.com, .barbaz.net, *.wildcard.io, With.Port:5000, .below.port:5000, 192.168.1.1, 192.168.1.2:81,"
    "192.168.1.3:80, 10.0.0.0/30, 172.16.5.4/12, 2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80,"
    "2002:db8:a::45/64, ::ffff:203.0.113.0/120, [2001:db8::7], 10.9.9.9/255.0.0.0, 10.9.9.9/40, any.port:, :1, ,"
    "人.example"
)


@pytest.mark.parametrize(
    ("host", "is_proxied"),
    [
        ("localhost", False),
        ("localhost:5000", False),
        ("127.0.0.1", False),
        ("127.9.9.9:5000", False),
        ("[::1]:5000", False),
        ("[::ffff:127.0.0.1]", False),
        ("[::2]", True),
        ("192.168.1.1", False),
        ("192.168.1.1:5000", False),
        ("192.168.1.2", True),
        ("192.168.1.2:81", False),
        ("192.168.1.3", False),
        ("192.168.1.4", True),
        ("[fe80::1%25eth0]", True),
        ("a..b", True),
        ("[::ffff:192.168.1.1]", False),
        ("10.0.0.2", False),
        ("10.0.0.3:5000", False),
        ("10.0.0.4", True),
        ("172.31.255.255", False),
        ("172.32.0.0", True),
        ("203.0.113.9", False),
        ("203.0.114.9", True),
        ("[2001:db8::52:0:1]", False),
        ("[2001:db8::52:0:2]", True),
        ("[2001:db8::52:0:3]", False),
        ("[2002:db8:a::123]", False),
        ("[2002:db8:a::123%25eth0]", False),
        ("[2002:db8:b::123]", True),
        ("[fe80::424b:c8be:1643:a1b6]", True),
        ("[2001:db8::7]", True),
        ("10.9.9.9", True),
        ("barbaz.net", True),
        ("www.barbaz.net", False),
        ("foobar.com", False),
        ("FooBar.COM:5000", False),
        ("www.foobar.com", False),
        ("foofoobar.com", True),
        ("foobar.com.evil.example", True),
        ("localhost.net", True),
        ("local.localhost", True),
        ("barbarbaz.net", True),
        ("wildcard.io", True),
        ("nested.wildcard.io", False),
        ("awildcard.io", True),
        ("with.port", True),
        ("with.port:5000", False),
        ("sub.with.port:5000", False),
        ("below.port:5000", True),
        ("a.below.port:5000", False),
        ("any.port:5000", False),
        ("xn--gmq.example", False),
        ("registry.人.example", False),
    ],
)
def test_the_exceptions_are_read_as_go_reads_them(host: str, is_proxied: bool) -> None:
    proxies = Proxies(PROXY, "", EXCEPTIONS)
    assert proxies.url_for(f"http://{host}/v2/") == (PROXY if is_proxied else None)


def test_a_port_that_is_not_written_is_that_of_the_scheme() -> None:
    proxies = Proxies(PROXY, PROXY, "registry.example.com:443,10.0.0.1:80")
    assert proxies.url_for("https://registry.example.com/v2/") is None
    assert proxies.url_for("http://registry.example.com/v2/") == PROXY
    assert proxies.url_for("http://10.0.0.1/v2/") is None
    assert proxies.url_for("https://10.0.0.1/v2/") == PROXY


@pytest.mark.parametrize("exceptions", ["*", "example.com, *", "* ,10.0.0.1"])
def test_a_star_excepts_everything(exceptions: str) -> None:
    assert Proxies(PROXY, PROXY, exceptions).url_for("https://registry.example.com/v2/") is None
    assert Proxies(PROXY, PROXY, exceptions).url_for("http://10.1.2.3:5000/v2/") is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("proxy.example.com:3128", "http://proxy.example.com:3128"),
        ("localhost", "http://localhost"),
        ("https://proxy.example.com", "https://proxy.example.com"),
        ("http://me:secret@10.1.2.3:8080", "http://me:secret@10.1.2.3:8080"),
        ("", None),
    ],
)
def test_a_proxy_without_a_scheme_is_asked_without_tls(written: str, read: str | None) -> None:
    assert Proxies(https=written).url_for("https://registry.example.com/v2/") == read


def test_each_scheme_has_its_own_proxy() -> None:
    proxies = Proxies("plain:1", "tls:2")
    assert proxies.url_for("http://registry.example.com/") == "http://plain:1"
    assert proxies.url_for("https://registry.example.com/") == "http://tls:2"
    assert Proxies("plain:1").url_for("https://registry.example.com/") is None
    assert proxies.url_for("ftp://registry.example.com/") is None


def test_variables_are_known_in_both_cases_and_upper_case_comes_first() -> None:
    lower = {"http_proxy": "a", "https_proxy": "b", "no_proxy": "c", "all_proxy": "d"}
    assert Proxies.of_environment(lower) == Proxies("a", "b", "c")
    assert Proxies.of_environment({**lower, "HTTPS_PROXY": "B", "NO_PROXY": ""}) == Proxies("a", "B", "c")
    assert Proxies.of_environment({}) == Proxies()


def test_an_engine_tells_its_own_proxies() -> None:
    info = {"HttpProxy": "a", "HttpsProxy": "b", "NoProxy": "10.0.0.0/8", "Name": "host"}
    assert Proxies.of_engine(info) == Proxies("a", "b", "10.0.0.0/8")
    assert Proxies.of_engine({"HttpProxy": None}) == Proxies()


def test_an_exception_with_a_zone_and_a_name_too_long_to_be_asked_for_are_taken_as_they_are() -> None:
    proxies = Proxies(http=PROXY, exceptions="fe80::1%eth0," + "ü" * 70)
    assert proxies.url_for("http://[fe80::1]/") == PROXY
    assert proxies.url_for(f"http://{'ü' * 70}/") is None
