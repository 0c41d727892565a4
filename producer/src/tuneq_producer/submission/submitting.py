"""The whole of a submission: plan, check, stage, create, tell."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import orjson

from tuneq_producer.client import Client, open_client
from tuneq_producer.live_workers import live_workers, troubles
from tuneq_producer.manifest.row import Rows
from tuneq_producer.step_progress import step_progress
from tuneq_producer.submission.creating import Made, create_runs
from tuneq_producer.submission.door import ClientDoor
from tuneq_producer.submission.estimate import Estimate, estimate
from tuneq_producer.submission.file_checking import check_files
from tuneq_producer.submission.planning import Plan, make_plan
from tuneq_producer.submission.stored_conflicts import refuse_conflicts
from tuneq_shared.data.tokens import ESTIMATE_METHOD
from tuneq_shared.data_root import DataRoot
from tuneq_shared.settings import Settings, load_settings


class Submission:
    """Rows on their way to runs; their relative paths start from a folder."""

    def __init__(self, rows: Rows, folder: Path) -> None:
        self._rows = rows
        self._folder = folder

    def rehearse(self, *, as_json: bool) -> None:
        """Print what would be made. Neither Redis nor a writable data root is needed."""
        settings = load_settings()
        plan, _, costs = self._checked(settings, _data(settings))
        document = _document(plan, costs)
        if as_json:
            click.echo(orjson.dumps(document))
        else:
            _print_rehearsal(document)

    def run(self, *, as_json: bool) -> bool:
        """Create the runs and print them; answers whether all of them are there."""
        client = open_client()
        plan, door, _ = self._checked(client.settings, client.data)
        refuse_conflicts(plan, client.catalogue)
        client.data.settle(client.fleet)
        door.stage()
        good = self._create(plan, client, door, as_json=as_json)
        workers = live_workers(client.fleet)
        for trouble in troubles(workers, plan.accounts, evaluated=bool(plan.evaluated)):
            click.echo(f"warning: {trouble}", err=True)
        return good

    def _checked(self, settings: Settings, data: DataRoot) -> tuple[Plan, ClientDoor, Estimate]:
        door = ClientDoor(data, self._folder)
        plan = make_plan(self._rows(), settings, door)
        checked = check_files(plan, door, settings)
        for warning in checked.warnings:
            click.echo(f"warning: {warning}", err=True)
        return plan, door, estimate(plan.trainings, checked.training, settings)

    def _create(self, plan: Plan, client: Client, door: ClientDoor, *, as_json: bool) -> bool:
        refused = known = 0
        with step_progress("creating runs", plan.rows) as advance:
            for made in create_runs(self._rows(), plan, client, door):
                good = [each for each in made if each.refusal is None]
                _print_made(good, as_json=as_json)
                for each in made:
                    if each.refusal is not None:  # somebody else was faster just now
                        click.echo(f"error: {each.refusal.message}", err=True)
                refused += len(made) - len(good)
                known += sum(not each.created for each in good)
                advance(len(made))
        if known:
            click.echo(f"{known} of {plan.rows} were there already", err=True)
        return not refused


def _data(settings: Settings) -> DataRoot:
    return DataRoot(settings.data_url, settings.allowed_roots)


def _print_made(made: Sequence[Made], *, as_json: bool) -> None:
    for each in made:
        if as_json:
            words = {
                "run": each.run,
                "name": each.name,
                "group": each.group,
                "created": each.created,
            }
            click.echo(orjson.dumps(words))
        else:
            click.echo(each.run)


def _document(plan: Plan, costs: Estimate) -> dict[str, Any]:
    return {
        "rows": plan.rows,
        "runs": len(plan.runs),
        "groups": dict(plan.groups),
        "accounts": dict(plan.accounts),
        "evaluated": plan.evaluated,
        "training_tokens": costs.tokens,
        "token_method": "; ".join(sorted(costs.methods)) or ESTIMATE_METHOD,
        "cost_usd": None if costs.unpriced or costs.unread else costs.usd,
        "unpriced": sorted(costs.unpriced),
        "unread": costs.unread,
    }


def _print_rehearsal(document: dict[str, Any]) -> None:
    click.echo(f"{document['rows']} rows would make {document['runs']} runs, nothing was created")
    for group, runs in document["groups"].items():
        click.echo(f"  group {group}: {runs}")
    click.echo(
        f"training: about {document['training_tokens']} tokens in all epochs, "
        f"estimated by {document['token_method']}"
    )
    if document["cost_usd"] is not None:
        click.echo(f"cost: about {document['cost_usd']:.2f} USD, evaluations not counted")
    for unpriced in document["unpriced"]:
        click.echo(f"cost: unknown; no price of {unpriced} is configured")
    if document["unread"]:
        click.echo(f"cost: unknown for {document['unread']} runs, whose file is at the provider")
