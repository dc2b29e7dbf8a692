"""CloudWatch's CBOR protocol before moto, which knows only the older ones.

The SDK for Rust speaks Smithy's RPC v2 with CBOR (RFC 8949): the path names the action, the body is CBOR. Here such a request becomes
one of the JSON protocol, which moto reads, and its answer CBOR again. Nothing else is done to either.
"""

import io
import json
import re
import struct

PREFIX = "/service/GraniteServiceVersion20100801/operation/"


def read(data):
    value, rest = _value(data)
    assert not rest, "one value and nothing after it"
    return value


def _value(data):
    kind, low = data[0] >> 5, data[0] & 31
    data = data[1:]
    if kind == 7:
        if low in (20, 21, 22, 23):
            return {20: False, 21: True}.get(low), data
        width, code = {26: (4, ">f"), 27: (8, ">d")}[low]
        return struct.unpack(code, data[:width])[0], data[width:]
    length = low
    if 24 <= low <= 27:
        width = 1 << (low - 24)
        length, data = int.from_bytes(data[:width], "big"), data[width:]
    elif low == 31:
        length = None
    if kind == 0:
        return length, data
    if kind == 1:
        return -1 - length, data
    if kind == 3 and length is not None:
        return data[:length].decode(), data[length:]
    if kind == 6:
        return _value(data)
    parts = []
    # A text of unknown length is parts of texts, a map is twice as many values.
    count = length * 2 if kind == 5 and length is not None else length
    while count != len(parts) if count is not None else data[0] != 0xFF:
        part, data = _value(data)
        parts.append(part)
    if length is None:
        data = data[1:]
    if kind == 3:
        return "".join(parts), data
    return (parts if kind == 4 else dict(zip(parts[::2], parts[1::2]))), data


def write(value, name=""):
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, (int, float)):
        tag = b"\xc1" if name.endswith(("Timestamp", "Timestamps")) else b""
        if isinstance(value, float):
            return tag + b"\xfb" + struct.pack(">d", value)
        return tag + (_head(0, value) if value >= 0 else _head(1, -1 - value))
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(write(one, name) for one in value)
    pairs = [write(key) + write(one, key) for key, one in value.items()]
    return _head(5, len(pairs)) + b"".join(pairs)


def _head(kind, number):
    if number < 24:
        return bytes([kind << 5 | number])
    for low, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * width):
            return bytes([kind << 5 | low]) + number.to_bytes(width, "big")
    raise ValueError(number)


class Translated:
    """A WSGI application that speaks CBOR for one that does not."""

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return self.inner(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        asked = environ["wsgi.input"].read(length) or b"\xa0"
        body = json.dumps(read(asked)).encode()
        environ.update(
            {
                "PATH_INFO": "/",
                "REQUEST_URI": "/",
                "RAW_URI": "/",
                "CONTENT_TYPE": "application/x-amz-json-1.0",
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_X_AMZ_TARGET": "GraniteServiceVersion20100801." + path[len(PREFIX) :],
                "wsgi.input": io.BytesIO(body),
            }
        )
        environ.pop("HTTP_SMITHY_PROTOCOL", None)
        answered = {}

        def answer(status, headers, exc_info=None):
            answered.update(status=status, headers=headers)
            return lambda _: None

        told = b"".join(self.inner(environ, answer))
        status = answered["status"]
        try:
            told = json.loads(told) if told.strip() else {}
        except ValueError:
            # A refusal of IAM's comes as XML whatever was asked.
            code = re.search(rb"<Code>(.*?)</Code>", told)
            told = {"__type": code[1].decode() if code else "InternalFailure"}
        headers = [("Smithy-Protocol", "rpc-v2-cbor"), ("Content-Type", "application/cbor")]
        if status[0] in "45":
            code = str(told.get("__type", "InternalFailure")).split("#")[-1]
            given = dict((name.lower(), value) for name, value in answered["headers"])
            blame = "Sender" if status[0] == "4" else "Receiver"
            headers.append(("x-amzn-query-error", given.get("x-amzn-query-error", f"{code};{blame}")))
        body = write(told)
        start_response(status, headers + [("Content-Length", str(len(body)))])
        return [body]
