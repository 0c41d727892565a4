"""What a request may not carry: refused with its place, never quoted; all else is let through."""

import base64
import random
import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tuneq_shared.errors import InvalidInputError
from tuneq_shared.intake import parse_request
from tuneq_shared.intake.secrets import is_named_like_one, secret_in, without_secrets

BASE62 = string.ascii_letters + string.digits


def made_up(length: int, letters: str = BASE62, seed: int = 7) -> str:
    """Letters by chance, always the same, of which one is a digit."""
    return "".join(random.Random(seed).choices(letters, k=length - 1)) + "7"


HEX, URL_SAFE = "0123456789abcdef", BASE62 + "-_"
JWT = f"eyJ{made_up(33)}.eyJ{made_up(80)}.{made_up(43, URL_SAFE)}"
SECRETS = {
    "sk": f"sk-{made_up(48)}",
    "sk of hex": f"sk-{made_up(32, HEX)}",
    "sk-proj": f"sk-proj-{made_up(120, URL_SAFE)}",
    "sk-svcacct": f"sk-svcacct-{made_up(120, URL_SAFE)}",
    "sk-ant": f"sk-ant-api03-{made_up(93, URL_SAFE)}",
    "sk-or": f"sk-or-v1-{made_up(64, HEX)}",
    "sk-test": "sk-test-0123456789abcdef",
    "groq": f"gsk_{made_up(52)}",
    "google": f"AIza{made_up(35, URL_SAFE)}",
    "xai": f"xai-{made_up(80)}",
    "together": f"tgp_v1_{made_up(43, URL_SAFE)}",
    "hugging face": f"hf_{made_up(34)}",
    "github": f"ghp_{made_up(36)}",
    "github, fine-grained": f"github_pat_{made_up(22)}_{made_up(59)}",
    "gitlab": f"glpat-{made_up(20, URL_SAFE)}",
    "slack": f"xoxb-{made_up(11, string.digits)}-{made_up(24)}",
    "jwt": JWT,
    "bearer": f"Bearer {made_up(40, BASE62 + '-._~')}",
    "aws": f"AKIA{made_up(16, string.ascii_uppercase + string.digits)}",
    "private key": "-----BEGIN RSA PRIVATE KEY-----",
    "url": "https://user:hunter2@example.org/t.jsonl",
    "redis": "redis://:hunter2@example.org:6379/0",
    "azure": "https://a.blob.core.windows.net/c/t.jsonl?sv=2024&se=2026-01-01&sig=pP%2Bq",
    "s3": "https://b.s3.amazonaws.com/t?X-Amz-Credential=AK&X-Amz-Signature=00ff",
    "gcs": "https://storage.googleapis.com/b/t?x-goog-signature=00ff",
    "query": "https://example.org/t.jsonl?access_token=abc",
    "stripe": f"sk_live_{made_up(24)}",
    "sk of letters": "sk-abcdefghijklmnopqrstuvwxyz",
    "assigned": "OPENAI_API_KEY=whatever0123",
    "of azure": "AZURE_OPENAI_KEY=0123456789abcdef0123456789abcdef",
    "told": "password: correct7horse",
    "quoted": '{"client_secret":"correct7horse"}',
    "humped": "clientSecret=correct7horse",
    "basic": f"Basic {base64.b64encode(b'user:hunter2').decode()}",
    "header": f"Authorization: Basic {base64.b64encode(b'user:hunter2').decode()}",
    "connection": "DefaultEndpointsProtocol=https;AccountKey=abcdef0123==",
}
SURROUNDINGS = ["{}", "see {} there", "({})", "key={}", "a\n{}", "x,{};y", '"{}"']


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_secrets_are_seen_wherever_they_stand_and_struck_out(text: str) -> None:
    for around in SURROUNDINGS:
        told = around.format(text)
        assert secret_in(told), told
        kept = without_secrets(told)
        assert "hunter2" not in kept
        assert text not in kept


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_request_with_any_of_them_is_refused(text: str) -> None:
    request = {"model": "m", "training_file": "data:t.jsonl", "labels": {"note": f"see {text}"}}
    with pytest.raises(InvalidInputError, match=r"labels\.note holds what looks like"):
        parse_request(request)


FIELDS: dict[str, Any] = {
    "model": "{}",
    "training_file": "{}",
    "validation_file": "{}",
    "name": "{}",
    "group": "{}",
    "account": "{}",
    "suffix": "{}",
    "idempotency_key": "{}",
    "labels.team": {"labels": {"team": "{}"}},
    "evaluation.dataset": {"evaluation": {"dataset": "{}"}},
    "evaluation.baselines.0.model": {
        "evaluation": {"dataset": "d", "baselines": [{"model": "{}"}]}
    },
    "modell": "{}",
    "a name in labels": {"labels": {"{}": "x"}},
    "a name in the request": {"{}": 1},
}


def filled(pattern: Any, text: str) -> Any:
    if isinstance(pattern, str):
        return text if pattern == "{}" else pattern
    if isinstance(pattern, dict):
        return {filled(name, text): filled(part, text) for name, part in pattern.items()}
    return [filled(part, text) for part in pattern] if isinstance(pattern, list) else pattern


@pytest.mark.parametrize("place", FIELDS)
@pytest.mark.parametrize("text", [SECRETS["sk-proj"], SECRETS["aws"], SECRETS["url"]])
def test_every_field_is_looked_at(place: str, text: str) -> None:
    pattern = FIELDS[place]
    changes = filled(pattern if isinstance(pattern, dict) else {place: pattern}, text)
    request = {"model": "m", "training_file": "data:t.jsonl", **changes}
    with pytest.raises(InvalidInputError) as caught:
        parse_request(request)
    assert caught.value.message.startswith(place)
    assert text not in caught.value.message + caught.value.hint
    assert caught.value.hint


@pytest.mark.parametrize(
    "name",
    ["api_key", "API-KEY", "OPENAI_API_KEY", "apikey", "password", "client_secret", "x-auth-token",
     "openaiApiKey", "OPENAI_KEY", "db_pwd", "token", "hf_token"],
)  # fmt: skip
def test_labels_named_like_a_secret_are_refused(name: str) -> None:
    request = {"model": "m", "training_file": "data:t.jsonl", "labels": {name: "hunter2hunter2"}}
    with pytest.raises(InvalidInputError, match=f"labels.{name} is named like a secret") as caught:
        parse_request(request)
    assert "hunter2" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "name",
    ["keyword", "tokens", "max_tokens", "tokenizer", "monkey", "idempotency_key", "secretary",
     "key", "password-classifier", "api", "turkey-key", "access", "turKey"],
)  # fmt: skip
def test_labels_that_only_sound_like_it_are_not(name: str) -> None:
    assert not is_named_like_one(name)


@pytest.mark.parametrize(
    "labels",
    [
        {"secret": "no"},
        {"secrets": "excluded"},
        {"session_tokens": "4096"},
        {"account_key": "42"},
        {"authorization": "granted by boss on 2026-11-22"},
        {"stop_token": "<|eot_id_128009|>"},
        {"note": "credentials: none used"},
        {"note": "the passwords: see wiki-page"},
        {"note": "secrets=excluded"},
        {"note": "basic JavaScriptTutorial"},
        {"set": "data:password-reset/secret=0/train.jsonl"},
        {"set": "data:secret=0/train-2026.jsonl"},
        {"set": "s3://b/secret=excluded/part-0.jsonl and /srv/token=1/part-000000001.jsonl"},
        {"of": "sk-cz-20261122183000123456"},
        {"of": "desk-sk-0123456789abcdef"},
    ],
)
def test_what_is_no_secret_whatever_its_name_is_taken(labels: dict[str, str]) -> None:
    told = labels.get("set", "data:t.jsonl")
    request = {"model": "m", "training_file": told, "labels": labels}
    assert parse_request(request).labels == labels


@pytest.mark.parametrize(
    "reference",
    [
        "https://h/secret=0/t.jsonl?token=abc",
        "https://h/t.jsonl?a=1&password=hunter2hunter2",
        "s3://b/secret=0/t.jsonl password: hunter2hunter2",
        '{"set":"s3://b/t.jsonl","password":"hunter2hunter2"}',
    ],
)
def test_what_a_reference_asks_with_is_looked_at(reference: str) -> None:
    assert secret_in(reference)


WORDS = st.sampled_from(
    [
        "basic", "token", "tokens", "key", "keys", "secret", "secrets", "password", "passwords",
        "credential", "authorization", "api", "access", "asia", "eyjafjall", "red", "team",
        "baseline", "lora", "rank_16", "v2", "alpha", "2025-11-22", "7b", "llama7b", "a@b.org",
        "team@x", "gpt-4.1-mini-2025-04-14", "16k", "0.0003", "sweep", "sig", "risk-averse",
        "task-42", "disk-usage", "random-forest", "ask", "mask-rcnn",
    ]
)  # fmt: skip
# These begin keys: before an id they would be taken for one, before words they are not.
BEGINNINGS = st.sampled_from(["sk", "sk-learn", "hf", "ghp", "xox", "akia"])
IDS = st.one_of(
    st.uuids().map(str),
    st.binary(min_size=16, max_size=32).map(bytes.hex),
    st.binary(min_size=32, max_size=32).map(lambda raw: f"sha256:{raw.hex()}"),
    st.text(BASE62, min_size=20, max_size=24).map(lambda tail: f"ftjob-{tail}"),
    st.text(BASE62, min_size=20, max_size=24).map(lambda tail: f"file-{tail}"),
    st.text(BASE62, min_size=8, max_size=8).map(
        lambda tail: f"ft:gpt-4.1-mini-2025-04-14:acme:passwords:{tail}"
    ),
    st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=20, max_size=20),
    st.datetimes().map(str),
    st.from_regex(r"\A[a-z]{1,9}@[a-z]{1,9}\.org\Z"),
)
PLACES = st.sampled_from(
    [
        "s3://bucket/sets/train.jsonl",
        "s3://bucket/run:1/train@2.jsonl",
        "gs://bucket/sig=3/key=4/part-0.jsonl",
        "file:///srv/tuneq/t.jsonl",
        "https://example.org/t.jsonl?version=3&part=1",
        "sftp://me@example.org/t.jsonl",
        "data:sets/secrets/passwords.jsonl",
        "../sets/what?.jsonl",
    ]
)
ORDINARY = st.lists(WORDS | IDS | PLACES, min_size=1, max_size=6)


SEPARATORS = st.sampled_from([" ", "-", "_", "/", ".", ", ", " and ", "+"])


@given(ORDINARY | st.lists(WORDS | BEGINNINGS, max_size=6), SEPARATORS)
@example(["bearer", "of", "bad", "news"], " ")
@example(["sk", "SK"], "-")
@example(["sk-learn", "random-forest", "2025-11-22"], "-")
@example(["sk-lora_rank_16_alpha_32"], "-")
def test_ordinary_words_and_ids_are_no_secrets(words: list[str], between: str) -> None:
    assert secret_in(between.join(words)) is None


@given(st.dictionaries(WORDS, ORDINARY.map(" ".join), max_size=4))
def test_requests_with_ordinary_labels_are_taken(labels: dict[str, str]) -> None:
    labels = {name: value for name, value in labels.items() if not is_named_like_one(name)}
    request = {"model": "m", "training_file": "data:t.jsonl", "labels": labels}
    assert parse_request(request).labels == labels


@pytest.mark.parametrize(
    "letters",
    ["key", "k", "://", "token:", "sk-", "bearer ", "://a?", "a-", "eyJ-", "api_key", "secret-",
     "sk-a-a-a-", "://:", "?sig", "password: ", "-----BEGIN ", "@", "passwords", "access_", "/",
     "'/token=a1b2c3d4e5f6'", "/token=a1b2c3d4e5f6 ", "Basic aA", "KEY="],
)  # fmt: skip
def test_the_longest_texts_are_dealt_with(letters: str) -> None:
    text = letters * (65536 // len(letters))
    with_them = {"model": "m", "training_file": "data:t.jsonl", "suffix": text}
    with pytest.raises(InvalidInputError):
        parse_request(with_them, longest=100_000)
