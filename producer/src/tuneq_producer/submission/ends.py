"""What of a plan ends soon, or has ended: looked at once for each account and model."""

from datetime import UTC, datetime
from typing import NamedTuple

import click
from redis.exceptions import RedisError

from tuneq_producer.client import Client, open_client
from tuneq_producer.submission.planning import Plan
from tuneq_producer.submission.stored_conflicts import stored_runs
from tuneq_shared.end_dates import Calendar, Ending, calendar_of
from tuneq_shared.errors import InvalidInputError, RedisUnreachableError
from tuneq_shared.ports.catalogue import Catalogue
from tuneq_shared.settings import Settings


class Ends(NamedTuple):
    """The calendar, and the runs that are there already, as far as they are known."""

    calendar: Calendar
    catalogue: Catalogue | None

    def near(self, plan: Plan) -> list[Ending]:
        """The ends that are to be told.

        Raises:
            InvalidInputError: an account or a model has ended, and not all of the runs are there.
        """
        asked = [(account, sorted(models)) for account, models in sorted(plan.models.items())]
        try:
            for account, models in asked:
                self.calendar.refuse_ended(account, models, trains=account in plan.accounts)
        except InvalidInputError:
            # The same request again is the same run: nothing is begun.
            if self.catalogue is None or plan.runs.keys() - stored_runs(plan, self.catalogue):
                raise
        ends = [
            end
            for account, models in asked
            for end in self.calendar.of(account, models, trains=account in plan.accounts)
        ]
        return [end for end in ends if end.is_near]


def ends_of(client: Client) -> Ends:
    """What the configuration, the workers and the store know."""
    return Ends(calendar_of(client.settings, client.fleet), client.catalogue)


def known_ends(settings: Settings) -> Ends:
    """The same, or without Redis what the configuration alone knows."""
    try:
        return ends_of(open_client(settings))
    except (RedisError, RedisUnreachableError):
        click.echo("warning: Redis is away: only configured end dates are known", err=True)
        return Ends(Calendar(settings.accounts, {}, datetime.now(UTC).date()), None)
