"""A Metadata request without a client library, so that its answer is timed and nothing else."""

import socket
import struct
import time

METADATA = 3
VERSION = 12
PAUSE_S = 0.001


def request():
    """Metadata v12 for all topics, header v2, length in front."""
    client = b"bench"
    header = struct.pack(">hhih", METADATA, VERSION, 1, len(client)) + client + b"\x00"
    # All topics (null), no creation, no authorized operations, no tagged fields.
    body = b"\x00" + b"\x00" + b"\x00" + b"\x00"
    frame = header + body
    return struct.pack(">i", len(frame)) + frame


def names_a_broker(frame):
    """Whether the answer's list of brokers has an entry: correlation id, tags, throttle time, compact array."""
    return len(frame) > 9 and frame[:4] == b"\x00\x00\x00\x01" and frame[9] >= 2


def ask(port):
    """One try: true when a broker answered with metadata."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as stream:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.sendall(request())
            (length,) = struct.unpack(">i", read(stream, 4))
            return names_a_broker(read(stream, length))
    except OSError:
        return False


def read(stream, length):
    data = b""
    while len(data) < length:
        more = stream.recv(length - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


def until_answered(port, alive, limit_s=120):
    """The moment of the first answer on the monotonic clock; tries every millisecond while `alive()`."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if ask(port):
            return time.monotonic()
        if not alive():
            return None
        time.sleep(PAUSE_S)
    return None
