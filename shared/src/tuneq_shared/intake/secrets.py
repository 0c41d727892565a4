"""Keys and passwords in texts: what is one beyond doubt, and what might be one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.errors import InvalidInputError

_NAMES = (
    r"(?:(?:api|access|secret|private|signing|account)[_-]?keys?"
    r"|(?:api|access|auth|bearer|refresh|session|sas)[_-]?tokens?|token"
    r"|(?:client[_-]?)?secrets?|passwords?|passwd|pwd|passphrase|credentials?|authorization)"
)
_SIGNATURES = (
    r"sig|signature|x-(?:amz|goog)-(?:signature|credential|security-token)|awsaccesskeyid"
    r"|(?:access_|sas_?)?token|api_?key|password|secret"
)
_BEYOND_DOUBT = {
    "an API key": (
        r"\bsk-(?:proj|svcacct|admin|ant|or)-[\w-]{20,}"
        r"|(?<![\w-])sk-(?:[a-z0-9]{1,12}-){0,3}"
        r"(?=[A-Za-z]{0,200}\d)(?=\d{0,200}[A-Za-z])[A-Za-z0-9]{16,}"
        r"|(?<![\w-])sk-[A-Za-z]{24,}|\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}"
        r"|\bgsk_[A-Za-z0-9]{20,}|\bxai-[A-Za-z0-9]{20,}|\bpplx-[A-Za-z0-9]{20,}"
        r"|\bnvapi-[\w-]{20,}|\btgp_v1_[\w-]{20,}|\bAIza[\w-]{35}"
    ),
    "an access token": (
        r"\bhf_[A-Za-z0-9]{30,}|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}"
        r"|\bglpat-[\w-]{20,}|\bxox[abeoprs]-[\w-]{10,}"
        r"|\beyJ[\w-]{8,300}\.eyJ[\w-]{8,}(?:\.[\w-]*)?"
        r"|\b(?i:bearer)\s{1,9}(?=[A-Za-z._~+/-]{0,200}\d)[\w.~+/-]{16,}=*"
        r"|\b(?i:basic)\s{1,9}(?=[A-Za-z+/]{0,200}[\d=])(?=[a-z\d+/]{0,200}[A-Z])[A-Za-z\d+/]{12,}"
    ),
    "a cloud's access key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----",
    "a password in a URL": r"://[^/@\s:]{0,1024}:[^/@\s]{1,1024}@",
    "a signature in a URL": rf"[?&](?i:{_SIGNATURES})=[^&\s]+",
}
_GIVEN = (
    rf"""(?:(?i:{_NAMES})|(?<![A-Za-z])KEY)"""
    r"""(?:["']?\s{0,9}=\s{0,9}|["']\s{0,9}:\s{0,9}|\s{0,9}:\s{1,9})"""
    r"""(?:(?i:basic|bearer)\s{1,9})?["']?"""
)
# Of letters and digits, and too long for a word, a number or a yes.
_MIXED = r"""(?=[^\s"'\d]{0,200}\d)(?=[^\s"'A-Za-z]{0,200}[A-Za-z])[^\s"'<>|]{12,}"""
_NAMED = re.compile(_GIVEN + _MIXED)
_MIGHT_BE = (
    (re.compile(_GIVEN + r"""(?!unknown field)[^\s"']{6,}"""), "***"),
    (re.compile(r"\bsk-[\w-]{4,}"), "sk-***"),
    (re.compile(r"\b(bearer|basic)\s+\S+", re.IGNORECASE), r"\1 ***"),
    (re.compile(r"://[^/@\s]{1,1024}@"), "://***@"),
    (re.compile(r"(://[^\s?]{1,2048}\?)[^\s'\"]+"), r"\1***"),
)
# No secret without one of these, in small letters; looking for them first takes a tenth the time.
_SIGNS = (
    "sk-", "gsk_", "xai-", "pplx-", "nvapi-", "tgp_v1_", "aiza", "hf_", "ghp_", "gho_", "ghu_",
    "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "eyj", "bearer", "akia", "asia", "@", "sig",
    "key", "token", "secret", "passw", "pwd", "passphrase", "credential", "authorization", "basic",
    "sk_", "rk_",
)  # fmt: skip
_SURE = re.compile("|".join(f"({shapes})" for shapes in _BEYOND_DOUBT.values()))
_NAME = re.compile(rf"(?:.*[_-])?(?:(?i:{_NAMES})|KEY)")
_VALUE = re.compile(_MIXED)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SINGLE, _MANIFOLD = (int, float, type(None)), (dict, list, tuple, Mapping)
_LONGEST_PATH = 1024
_SHOWN = 64


def _field_names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for part in _models_in(field.annotation):
            yield from _field_names(part)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


FIELDS = frozenset(_field_names(FineTuneRequest))
"""A request's own fields, some of which sound like secrets and are none."""


def secret_in(text: str) -> str | None:
    """What kind of secret a text holds beyond doubt; names, ids and digests are none."""
    found = _SURE.search(text)
    if found and found.lastindex:
        return list(_BEYOND_DOUBT)[found.lastindex - 1]
    named = any(not _is_within_reference(text, each.start()) for each in _NAMED.finditer(text))
    return "a value named like a secret" if named else None


def _is_within_reference(text: str, place: int) -> bool:
    """Whether it is a part of a path there, such as `secret=0` of `s3://b/secret=0/t.jsonl`."""
    words = text[max(0, place - _LONGEST_PATH) : place].split()
    before = words[-1] if words and not text[place - 1].isspace() else ""
    is_path = "/" in before or before.startswith("data:")
    return is_path and not any(mark in before for mark in "?\"'")


def without_secrets(text: str) -> str:
    """The text with all struck out that might be a secret."""
    for pattern, instead in _MIGHT_BE:
        text = pattern.sub(instead, text)
    return _SURE.sub("***", text)


def is_named_like_one(name: str) -> bool:
    """Whether a value of that name is a secret, if it looks like one at all."""
    return name not in FIELDS and _NAME.fullmatch(_HUMP.sub("_", name)) is not None


def refuse_secrets(request: Mapping[Any, Any]) -> None:
    """Look through all names and texts of a request, as it came.

    Raises:
        InvalidInputError: one of them is a secret; it says where, and does not quote it.
    """
    texts: list[str] = []
    _collect(request, texts)
    everything = "\n".join(texts).lower()
    if not [sign for sign in _SIGNS if sign in everything]:
        return
    for fault in _faults(request, ""):
        raise InvalidInputError(
            f"{fault}: a request never carries one",
            hint="name the account instead: the workers have its key; replace a key that was sent, "
            "for others may have read it",
        )


def _collect(value: Any, texts: list[str]) -> None:
    """All texts of a value, and names that are no fields."""
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101 - the first is quick
        texts += [str(name) for name in value if name not in FIELDS]
        parts: Iterable[Any] = value.values()
    else:
        parts = value
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif not isinstance(part, _SINGLE) and isinstance(part, _MANIFOLD):
            _collect(part, texts)


def _faults(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, str):
        kind = secret_in(value)
        if kind:
            yield f"{place} holds what looks like {kind}"
    elif isinstance(value, Mapping):
        for name, part in value.items():
            kind = None if name in FIELDS else secret_in(str(name))
            if kind:
                yield f"a name in {place or 'the request'} looks like {kind}"
            inner = f"{place}.{str(name)[:_SHOWN]}".lstrip(".")
            if isinstance(part, str) and _VALUE.fullmatch(part) and is_named_like_one(str(name)):
                yield f"{inner} is named like a secret"
            yield from _faults(part, inner)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _faults(part, f"{place}.{index}")
