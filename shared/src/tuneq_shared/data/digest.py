"""Digests by which datasets and messages are known."""

import hashlib
from collections.abc import Sequence
from typing import Any, BinaryIO

import orjson

_BLOCK_BYTES = 1 << 20


def sha256_of_stream(stream: BinaryIO) -> str:
    """The sha256 of all that is left in a stream, in hex; the stream is read once, in blocks."""
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()


def copy_with_sha256(source: BinaryIO, target: BinaryIO) -> str:
    """Copy all that is left in a stream, in blocks, and answer the sha256 of what was copied."""
    digest = hashlib.sha256()
    while block := source.read(_BLOCK_BYTES):
        digest.update(block)
        target.write(block)
    return digest.hexdigest()


def sha256_of_messages(messages: Sequence[dict[str, Any]]) -> str:
    """The sha256 of messages, in hex: the same however keys were ordered and spaced in the file."""
    canonical = orjson.dumps(list(messages), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()
