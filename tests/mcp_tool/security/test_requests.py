"""Requests over HTTP: of pages elsewhere, of the wrong kind, and bytes that are none."""

import pytest

from tests.mcp_tool.door import MODERN, HttpDoor


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:80", "127.0.0.1.evil.example:80", "localhost.evil.example"),
        *(
            "127.0.0.1",
            "localhost",
            "0.0.0.0:80",
            "169.254.169.254",
            "[::]:80",
            "x@127.0.0.1:80",
            "",
        ),
    ],
)
def test_a_name_that_was_rebound_isrefused(over_http: HttpDoor, host: str) -> None:
    """Only this machine's own names, with the port, are served."""
    assert over_http.post(b"{}", Host=host) in {400, 421}
    assert over_http.works()


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1",
        "http://127.0.0.1.evil.example:80",
        "file://",
    ],
)
def test_a_page_of_another_origin_isrefused(over_http: HttpDoor, origin: str) -> None:
    """Its browser says where it comes from."""
    assert over_http.post(b"{}", Origin=origin) == 403
    assert over_http.works()


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"garbage", b"\xff\xfe", b"{}", b"[]", b"[" * 100_000, b"null", b'"\\ud800"'),
        *(b'{"jsonrpc":"2.0","id":1,"method":"ping"', b'{"jsonrpc":"2.0","id":{},"method":[]}'),
    ],
)
def test_a_body_that_is_no_message_is_a_bad_request(over_http: HttpDoor, body: bytes) -> None:
    """In either era of the protocol."""
    assert over_http.post(body) == 400
    modern = {name.replace("-", "_"): value for name, value in MODERN.items()}
    assert over_http.post(body, **modern) == 400
    assert over_http.works()


def test_requests_of_the_wrong_kind(over_http: HttpDoor) -> None:
    """Other paths, methods and types of content, and sessions of nobody."""
    assert over_http.post(b"{}", path="/../etc/passwd") == 404
    assert over_http.post(b"{}", path="/") == 404
    assert over_http.post(None, method="GET") == 400
    assert over_http.post(None, method="OPTIONS") == 405
    assert over_http.post(b"{}", Content_Type="text/plain") == 400
    assert over_http.post(b"{}", Mcp_Session_Id="../../x") == 404
    assert over_http.works()


def test_bytes_that_are_no_request(over_http: HttpDoor) -> None:
    """Noise is told so; half a request keeps its own connection waiting and nobody else's."""
    half = over_http.raw(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
    twice = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:1\r\nHost: evil.example\r\n\r\n"
    for noise in (b"\x00\xff" * 100 + b"\r\n\r\n", b"A" * 200_000, twice):
        with over_http.raw(noise) as connection:
            assert connection.recv(12) == b"HTTP/1.1 400"
    assert over_http.works()
    half.close()
    assert over_http.works()


def test_a_request_that_is_too_large_is_not_read(over_http: HttpDoor) -> None:
    """Ten megabytes fit however they are escaped; more is refused by what it says of itself."""
    declared = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\n\r\n"
    with over_http.raw(declared % (over_http.port, (64 << 20) + 1)) as connection:
        assert connection.recv(12) == b"HTTP/1.1 413"
    assert over_http.works()
