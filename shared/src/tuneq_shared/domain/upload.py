"""An upload: one content at one account, shared by the runs that need it, or for one purchase."""

from dataclasses import dataclass

from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import UploadStage


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A dataset's digest at an account, and the provider's file that holds it."""

    id: str
    stage: UploadStage
    account: str
    digest: str  # sha256 of the bytes
    purchase: str = ""  # `<run>/<n>` where the file is to tell whose a job is; empty: shared
    file_id: str | None = None
    sending: bool = False  # a send was begun whose outcome is unknown
    sends: int = 0  # since it was last ready
    sent_at: float | None = None  # Redis time at which the provider was first seen to have it
    former: tuple[str, ...] = ()  # files of it before this one
    file_since: float | None = None  # the file is no older, in Unix seconds by any clock
    stuck: tuple[str, ...] = ()  # files of it that the provider never processed
    failure: Failure | None = None
    attempts: int = 0

    @property
    def item(self) -> ItemId:
        """Its id among the items."""
        return ItemId(Kind.UPLOAD, self.id)

    @property
    def filename(self) -> str:
        """The name at the provider, by which a send of unknown outcome is found again."""
        whose = f"-{self.purchase.replace('/', '-')}" if self.purchase else ""
        return f"tuneq-{self.digest[:32]}{whose}.jsonl"


def upload_id(account: str, digest: str, purchase: str = "") -> ItemId:
    """The item id of a content's upload at an account, shared or for a purchase alone."""
    return ItemId(Kind.UPLOAD, f"{account}/{digest}" + (f"/{purchase}" if purchase else ""))
