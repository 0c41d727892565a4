"""The whole of a submission: plan, check, stage, create, tell."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
import orjson

from tuneq_producer.client import Client, open_client
from tuneq_producer.live_workers import live_workers, refuse_unknown_scorers, troubles
from tuneq_producer.manifest.row import Row
from tuneq_producer.step_progress import step_progress
from tuneq_producer.submission.creating import Made, create_runs
from tuneq_producer.submission.door import ClientDoor
from tuneq_producer.submission.ends import Ends, ends_of, known_ends
from tuneq_producer.submission.estimate import Estimate, estimate
from tuneq_producer.submission.file_checking import check_files
from tuneq_producer.submission.kept_runs import KeptRuns, keeping
from tuneq_producer.submission.planning import Plan, make_plan
from tuneq_producer.submission.rehearsal import rehearsal_lines, rehearsed
from tuneq_producer.submission.spending import Spending, needs_confirmation
from tuneq_producer.submission.stored_conflicts import refuse_conflicts, stored_runs
from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.scoring import BUILT_IN
from tuneq_shared.ports.items import NewItem
from tuneq_shared.settings import Settings, load_settings
from tuneq_shared.steering import unsteered

_UNLIMITED = Spending()


class Submission:
    """Rows on their way to runs; their relative paths start from a folder."""

    def __init__(self, rows: Iterable[Row], folder: Path, spending: Spending = _UNLIMITED) -> None:
        self._rows = rows
        self._folder = folder
        self._spending = spending

    def rehearse(self, *, as_json: bool) -> bool:
        """Print what would be made; answers whether the budget allows it.

        Neither Redis nor a writable data root is needed.
        """
        settings = load_settings()
        ends = known_ends(settings)
        plan, _, costs = self._checked(settings, _data(settings), ends, keep=lambda _: None)
        known = None if ends.catalogue is None else len(stored_runs(plan, ends.catalogue))
        document = rehearsed(plan, costs, known)
        refusal = "" if known == len(plan.runs) else self._spending.why_not(costs)
        document["over_budget"] = bool(refusal)
        if as_json:
            click.echo(orjson.dumps(document))
        else:
            click.echo("\n".join(rehearsal_lines(document, costs)))
        if refusal:
            click.echo(f"error: {refusal}", err=True)
        elif not self._spending.confirmed and needs_confirmation(costs, settings.confirm_above_usd):
            click.echo("warning: it will be asked for confirmation, or for --yes", err=True)
        return not refusal

    def run(self, *, as_json: bool) -> bool:
        """Create the runs and print them; answers whether all of them are there."""
        client = open_client()
        ends = ends_of(client)
        with keeping() as runs:
            plan, door, costs = self._checked(client.settings, client.data, ends, keep=runs.keep)
            refuse_conflicts(plan, client.catalogue)
            self._allow(plan, costs, client)
            _refuse_unknown_scorers(plan, client)
            client.data.settle(client.fleet)
            door.stage()
            good = self._create(runs, plan.rows, client, as_json=as_json)
        workers = live_workers(client.fleet)
        for trouble in troubles(workers, plan.models, evaluated=bool(plan.evaluated)):
            click.echo(unsteered(f"warning: {trouble}"), err=True)
        return good

    def _checked(
        self,
        settings: Settings,
        data: DataRoot,
        ends: Ends,
        *,
        keep: Callable[[NewItem], None],
    ) -> tuple[Plan, ClientDoor, Estimate]:
        door = ClientDoor(data, self._folder)
        plan = make_plan(self._rows, settings, door, keep)
        for near in ends.near(plan):
            click.echo(unsteered(f"warning: {near.words}"), err=True)
        checked = check_files(plan, door, settings)
        for warning in checked.warnings:
            click.echo(unsteered(f"warning: {warning}"), err=True)
        return plan, door, estimate(plan, checked, settings)

    def _allow(self, plan: Plan, costs: Estimate, client: Client) -> None:
        """Look whether the whole may be spent; what is there already is bought by nobody again."""
        above = client.settings.confirm_above_usd
        if above is None and self._spending.budget_usd is None:
            return
        if plan.runs.keys() - stored_runs(plan, client.catalogue):
            self._spending.require(costs, above)

    def _create(self, runs: KeptRuns, count: int, client: Client, *, as_json: bool) -> bool:
        refused = known = 0
        with step_progress("creating runs", count) as advance:
            for made in create_runs(runs, client):
                good = [each for each in made if each.refusal is None]
                _print_made(good, as_json=as_json)
                for each in made:
                    if each.refusal is not None:  # somebody else was faster just now
                        click.echo(unsteered(f"error: {each.refusal.message}"), err=True)
                refused += len(made) - len(good)
                known += sum(not each.created for each in good)
                advance(len(made))
        if known:
            click.echo(f"{known} of {count} were there already", err=True)
        return not refused


def _refuse_unknown_scorers(plan: Plan, client: Client) -> None:
    """Those that workers would have to know; of a run that is there already, they did."""
    if plan.scorers - BUILT_IN.keys() and plan.runs.keys() - stored_runs(plan, client.catalogue):
        refuse_unknown_scorers(live_workers(client.fleet), plan.scorers)


def _data(settings: Settings) -> DataRoot:
    return DataRoot(settings.data_url, settings.allowed_roots)


def _print_made(made: Sequence[Made], *, as_json: bool) -> None:
    lines = [_words(each) for each in made] if as_json else [each.run for each in made]
    if lines:
        click.echo("\n".join(lines))


def _words(made: Made) -> str:
    words = {"run": made.run, "name": made.name, "group": made.group, "created": made.created}
    return orjson.dumps(words).decode()
