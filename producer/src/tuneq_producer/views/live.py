"""The live table of `watch`."""

from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuneq_producer.client import Client
from tuneq_producer.selection import Scope
from tuneq_producer.views.evaluation_view import read_evaluations
from tuneq_producer.views.polling import looks
from tuneq_producer.views.progress import Progress, progress_of
from tuneq_producer.views.run_table import run_table
from tuneq_producer.views.run_view import RunView
from tuneq_producer.views.shard_progress import ShardProgress
from tuneq_producer.views.tracking import Tracker
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.steering import unsteered

_INTERVAL_S = 0.5
_LINES_BESIDES = 6
"""Of the terminal's height: the title, the bar, the table's head, and a line left free."""
_LEAST_ROWS, _MOST_ROWS = 3, 60


def watch_live(console: Console, client: Client, scope: Scope) -> Progress:
    """Redraw about twice a second until all runs have ended or are held."""
    picture = _Picture(console, client, scope)
    progress = progress_of(client, scope)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for _ in looks(_INTERVAL_S, None, scope.title):
            progress = progress_of(client, scope)
            live.update(picture.draw(progress), refresh=True)
            if progress.settled:
                break
    return progress


@dataclass(slots=True)
class _Picture:
    console: Console
    client: Client
    scope: Scope
    tracker: Tracker = field(init=False)
    shards: ShardProgress = field(init=False)

    def __post_init__(self) -> None:
        self.tracker = Tracker(self.client, self.scope)
        self.shards = ShardProgress(self.client)

    def draw(self, progress: Progress) -> Group:
        """The picture of this moment."""
        capacity = min(max(self.console.height - _LINES_BESIDES, _LEAST_ROWS), _MOST_ROWS)
        rows = self.tracker.rows(progress.total, capacity)
        hidden = progress.total - len(rows)
        head = f"{self.scope.title}: {progress.words()}"
        table = run_table(
            rows,
            self.client.fleet.now(),
            self.console.width,
            with_group=self.scope.group is None,
            done=self._done(rows),
        )
        top = Table.grid(expand=True)
        top.add_row(Text(unsteered(head), no_wrap=True, overflow="ellipsis"))
        top.add_row(ProgressBar(total=max(progress.total, 1), completed=progress.ended))
        below = [Text(f"and {hidden} more", style="dim")] if hidden else []
        return Group(top, table, *below)

    def _done(self, rows: list[RunView]) -> dict[str, tuple[int, int]]:
        wanted = [
            evaluation.evaluation
            for view in rows
            if view.stage == RunStage.EVALUATING
            for evaluation in view.evaluations
        ]
        return self.shards.look(read_evaluations(self.client.catalogue, wanted).values())
