"""Names of an account's things, and ids that we choose so that what is asked for twice is one."""

import hashlib

_LENGTH = 40  # of 63 characters that an id may have
_FILE = "file-"  # by which a request's file is told from a path


def id_for(text: str) -> str:
    """The id of what is known by a text: lower-case letters, digits, hyphens, a letter first."""
    return f"tuneq-{hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]}"


def last_part(name: str) -> str:
    """The id at the end of a full name such as `accounts/me/datasets/mine`."""
    return name.rpartition("/")[2]


def full_name(account_id: str, collection: str, resource: str) -> str:
    """The full name of one of an account's resources; one that is full is left as it is."""
    return resource if "/" in resource else f"accounts/{account_id}/{collection}/{resource}"


def file_of(account_id: str, dataset: str) -> str:
    """The file id of an account's own dataset, as requests may name it; another's full name."""
    own = f"accounts/{account_id}/datasets/"
    return _FILE + dataset.removeprefix(own) if dataset.startswith(own) else dataset


def dataset_of(file_id: str) -> str:
    """The dataset that a file id means."""
    return file_id.removeprefix(_FILE)


def owner_and_id(model: str) -> tuple[str, str] | None:
    """The account and the id of a model; none for what is no full name of one."""
    match model.split("/"):
        case ["accounts", owner, "models", model_id] if owner and model_id:
            return owner, model_id
    return None
