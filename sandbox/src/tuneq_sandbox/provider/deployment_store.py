"""Deployments: tuned models that are kept callable under a name of their own."""

from dataclasses import asdict, dataclass

from tuneq_sandbox.provider.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment; times are Unix seconds."""

    id: str
    name: str
    model: str
    created_at: float
    ready_at: float
    removed_at: float | None = None

    def is_ready(self, now: float) -> bool:
        """Whether it answers."""
        return self.removed_at is None and now >= self.ready_at


class DeploymentStore:
    """Deployments in the database; those that were removed are kept, for the bill."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, deployment: Deployment) -> None:
        """Note a new deployment."""
        with self._database.transaction() as write:
            write.execute(
                "INSERT INTO deployments VALUES "
                "(:id, :name, :model, :created_at, :ready_at, :removed_at)",
                asdict(deployment),
            )

    def find(self, deployment_id: str) -> Deployment | None:
        """The deployment that stands under that id."""
        return next((d for d in self.standing() if d.id == deployment_id), None)

    def standing(self) -> list[Deployment]:
        """Those that were not removed, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM deployments WHERE removed_at IS NULL ORDER BY created_at, id"
        )
        return [Deployment(**dict(row)) for row in rows]

    def all(self) -> list[Deployment]:
        """All that ever stood, oldest first."""
        rows = self._database.rows("SELECT * FROM deployments ORDER BY created_at, id")
        return [Deployment(**dict(row)) for row in rows]

    def remove(self, deployment_id: str, now: float) -> None:
        """Take it away."""
        with self._database.transaction() as write:
            write.execute(
                "UPDATE deployments SET removed_at = ? WHERE id = ? AND removed_at IS NULL",
                (now, deployment_id),
            )
