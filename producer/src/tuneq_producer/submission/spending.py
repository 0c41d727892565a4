"""What may be spent: refused above a budget, and asked for above a configured sum."""

import sys
from dataclasses import dataclass

import click

from tuneq_producer.submission.estimate import Estimate
from tuneq_producer.views.words import usd
from tuneq_shared.data.tokens import ASSUMED_EPOCHS
from tuneq_shared.errors import InvalidInputError


class OverBudgetError(InvalidInputError):
    """The whole would cost more than it may."""

    code = "over_budget"


class UnconfirmedError(InvalidInputError):
    """Nobody said yes."""

    code = "unconfirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the user allows for the whole of a submission."""

    budget_usd: float | None = None
    confirmed: bool = False
    of_the_run: bool = False  # the one run has this budget itself

    def why_not(self, costs: Estimate) -> str:
        """Why the budget does not allow the whole; empty where it does, or where there is none.

        Where something has no price, nothing is allowed, unless the run has the budget itself: the
        worker looks at it again, and may know more prices.
        """
        if self.budget_usd is None:
            return ""
        if not costs.usd <= self.budget_usd:  # nan allows nothing
            return f"{_words(costs)}, over the budget of {usd(self.budget_usd)} USD"
        if costs.unknown and not self.of_the_run:
            return f"the budget cannot be kept: {'; '.join(costs.unknown)}"
        return ""

    def require(self, costs: Estimate, confirm_above_usd: float | None) -> None:
        """Ask the budget, and then, above a sum, the user.

        Raises:
            OverBudgetError: the budget does not allow it.
            UnconfirmedError: the user says no, or there is no terminal to ask on.
        """
        refusal = self.why_not(costs)
        if refusal:
            raise OverBudgetError(
                refusal, hint="nothing was created; ask for less, or raise --budget"
            )
        if self.budget_usd is not None:
            self._warn(costs)
        if self.confirmed or not needs_confirmation(costs, confirm_above_usd):
            return
        question = f"{_words(costs)}, and confirm_above_usd is {usd(confirm_above_usd)}"
        if not is_terminal():
            raise UnconfirmedError(
                question, hint="nothing was created; give --yes to go on, or ask on a terminal"
            )
        if not click.confirm(f"{question}. Go on?", err=True):
            raise UnconfirmedError("nothing was created", hint="give --yes to go on unasked")

    def _warn(self, costs: Estimate) -> None:
        if costs.unknown:
            click.echo(f"warning: not in the budget: {'; '.join(costs.unknown)}", err=True)
        if any(each.epochs_assumed for each in costs.trainings):
            words = f"the provider chooses the epochs, and the budget counts {ASSUMED_EPOCHS}"
            click.echo(f"warning: {words}; --epochs says how many", err=True)


def is_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def needs_confirmation(costs: Estimate, confirm_above_usd: float | None) -> bool:
    """Whether it costs more than the configured sum, or might: what has no price is not known."""
    return confirm_above_usd is not None and (costs.usd > confirm_above_usd or bool(costs.unknown))


def _words(costs: Estimate) -> str:
    unknown = f", and more ({'; '.join(costs.unknown)})" if costs.unknown else ""
    return f"the whole is estimated at {usd(costs.usd)} USD{unknown}"
