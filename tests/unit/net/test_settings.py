from __future__ import annotations

import pytest

from venvstacks_dag.errors import NetworkError
from venvstacks_dag.net import NetSettings
from venvstacks_dag.net.urls import Login


@pytest.mark.parametrize(
    ("environ", "bundle", "source"),
    [
        ({}, None, None),
        ({"SSL_CERT_FILE": "/s"}, "/s", "SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": "/s", "CURL_CA_BUNDLE": "/c"}, "/c", "CURL_CA_BUNDLE"),
        ({"CURL_CA_BUNDLE": "/c", "REQUESTS_CA_BUNDLE": "/r"}, "/r", "REQUESTS_CA_BUNDLE"),
        ({"REQUESTS_CA_BUNDLE": "/r", "PIP_CERT": "/p"}, "/p", "PIP_CERT"),
        ({"PIP_CERT": "", "SSL_CERT_FILE": "/s"}, "/s", "SSL_CERT_FILE"),
    ],
)
def test_the_ca_bundle(environ: dict[str, str], bundle: str | None, source: str | None) -> None:
    settings = NetSettings.from_environ(environ)
    assert (settings.ca_bundle, settings.ca_source) == (bundle, source)


def test_nothing_set_gives_the_defaults() -> None:
    assert NetSettings.from_environ({}) == NetSettings()


def test_times_retries_and_proxy() -> None:
    settings = NetSettings.from_environ(
        {
            "UV_HTTP_TIMEOUT": "7.5",
            "PIP_DEFAULT_TIMEOUT": "99",
            "PIP_RETRIES": "0",
            "PIP_PROXY": "http://u:secret@proxy:3128",
        }
    )
    assert (settings.connect_timeout, settings.read_timeout, settings.retries) == (7.5, 7.5, 0)
    assert settings.proxy == "http://u:secret@proxy:3128"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UV_HTTP_TIMEOUT", "soon"),
        ("UV_HTTP_TIMEOUT", "0"),
        ("UV_HTTP_TIMEOUT", "nan"),
        ("PIP_DEFAULT_TIMEOUT", "inf"),
        ("PIP_RETRIES", "-1"),
        ("UV_HTTP_RETRIES", "1.5"),
    ],
)
def test_senseless_numbers_are_refused(name: str, value: str) -> None:
    with pytest.raises(NetworkError, match=name):
        NetSettings.from_environ({name: value})


def test_logins_belong_to_origins() -> None:
    settings = NetSettings().with_logins(
        ["https://u:p@Host:8443/simple", "https://open.example/simple"]
    )
    assert settings.logins == (("https://host:8443", Login("u", "p")),)
    assert "'p'" not in repr(settings)
