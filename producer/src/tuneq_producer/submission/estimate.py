"""What the planned trainings come to: tokens and, where prices are configured, USD."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuneq_producer.submission.wishes import Training
from tuneq_shared.data.report import FileReport
from tuneq_shared.data.tokens import ASSUMED_EPOCHS, training_cost_usd
from tuneq_shared.settings import Settings


@dataclass(slots=True)
class Estimate:
    """Tokens trained in all epochs, and their cost."""

    tokens: int = 0
    usd: float = 0.0
    methods: set[str] = field(default_factory=set)
    """How the tokens were counted."""
    unpriced: set[str] = field(default_factory=set)
    """Account and model without a price."""
    unread: int = 0
    """Runs whose training file lies at the provider."""


def estimate(
    trainings: Mapping[Training, int], reports: Mapping[str, FileReport], settings: Settings
) -> Estimate:
    """Add up runs that train alike; a sample has its share of the file's tokens."""
    total = Estimate()
    for alike, runs in trainings.items():
        report = reports.get(alike.file)
        if report is None:
            total.unread += runs
            continue
        share = 1.0 if alike.samples is None else alike.samples / report.lines
        epochs = alike.epochs or ASSUMED_EPOCHS
        tokens = round(report.tokens * share)
        total.tokens += tokens * epochs * runs
        total.methods.add(report.token_method)
        price = settings.accounts[alike.account].prices.get(alike.model)
        if price is None:
            total.unpriced.add(f"{alike.account}/{alike.model}")
        else:
            usd = training_cost_usd(tokens, epochs=epochs, usd_per_million=price.training)
            total.usd += usd * runs
    return total
