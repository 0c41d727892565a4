"""What the planned runs come to: tokens and, where prices are configured, USD."""

from collections import defaultdict
from dataclasses import dataclass, field

from tuneq_producer.submission.file_checking import Checked
from tuneq_producer.submission.planning import Plan
from tuneq_producer.submission.wishes import Scoring, Training
from tuneq_shared.data.report import FileReport
from tuneq_shared.data.tokens import ASSUMED_EPOCHS, tokens_of_characters, training_cost_usd
from tuneq_shared.prices import (
    answers_usd,
    price_of_answers,
    price_of_training,
    price_of_tuned,
)
from tuneq_shared.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCost:
    """Of runs that train alike, for each of them. The names are those of the JSON document."""

    group: str
    account: str
    model: str
    samples: int | None  # lines; none where the file lies at the provider
    epochs: int
    epochs_assumed: bool  # the provider chooses them
    runs: int
    tokens: int | None  # in all epochs
    usd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringCost:
    """Of evaluations that cost alike, for each. The names are those of the JSON document."""

    group: str  # of baselines, the first that asks for them
    account: str
    model: str  # of a tuned model, its base
    role: str
    shots: int
    mode: str
    evaluations: int
    samples: int
    input_tokens: int
    output_tokens: int  # at most
    usd: float | None


@dataclass(slots=True)
class Estimate:
    """Tokens trained in all epochs, tokens asked and answered, and their cost."""

    trainings: list[TrainingCost] = field(default_factory=list)
    scorings: list[ScoringCost] = field(default_factory=list)
    methods: set[str] = field(default_factory=set)
    """How the tokens were counted."""

    @property
    def tokens(self) -> int:
        """Of all trainings that can be read."""
        return sum((each.tokens or 0) * each.runs for each in self.trainings)

    @property
    def training_usd(self) -> float:
        """Of all trainings whose price is known."""
        return sum((each.usd or 0.0) * each.runs for each in self.trainings)

    @property
    def scoring_usd(self) -> float:
        """Of all evaluations whose price is known."""
        return sum((each.usd or 0.0) * each.evaluations for each in self.scorings)

    @property
    def usd(self) -> float:
        """Of all that is known."""
        return self.training_usd + self.scoring_usd

    @property
    def unread(self) -> int:
        """Runs whose training file lies at the provider."""
        return sum(each.runs for each in self.trainings if each.tokens is None)

    @property
    def unpriced(self) -> list[str]:
        """Account and model of trainings without a price."""
        return _named([e for e in self.trainings if e.usd is None and e.tokens is not None])

    @property
    def unpriced_answers(self) -> list[str]:
        """Account and model of evaluations without a price."""
        return _named([each for each in self.scorings if each.usd is None])

    @property
    def unknown(self) -> list[str]:
        """What is missing before the whole is known, in words."""
        file = [f"the training file of {self.unread} runs is at the provider"]
        return [
            *(f"no price for training {name} is configured" for name in self.unpriced),
            *(
                f"no price for the answers of {name} is configured"
                for name in self.unpriced_answers
            ),
            *(file if self.unread else []),
        ]

    def by_group(self) -> dict[str, float]:
        """USD that are known, by group."""
        usd: defaultdict[str, float] = defaultdict(float)
        for training in self.trainings:
            usd[training.group] += (training.usd or 0.0) * training.runs
        for scoring in self.scorings:
            usd[scoring.group] += (scoring.usd or 0.0) * scoring.evaluations
        return dict(usd)


def estimate(plan: Plan, checked: Checked, settings: Settings) -> Estimate:
    """Add up what is planned. Baselines that several runs share are counted once.

    A sample has its share of the file's tokens. A question has those of its whole line, and of the
    examples in its prompt; an answer has as many as it may have.
    """
    return Estimate(
        trainings=[
            _training(alike, runs, checked.training.get(alike.file), settings)
            for alike, runs in plan.trainings.items()
        ],
        scorings=[
            _scoring(alike, count, checked, settings) for alike, count in plan.scorings.items()
        ],
        methods={
            checked.training[t.file].token_method
            for t in plan.trainings
            if t.file in checked.training
        },
    )


def _training(
    alike: Training, runs: int, report: FileReport | None, settings: Settings
) -> TrainingCost:
    epochs = alike.epochs or ASSUMED_EPOCHS
    samples = alike.samples or (report.lines if report else None)
    tokens = usd = None
    if report is not None:
        once = round(report.tokens * (1.0 if samples is None else samples / report.lines))
        tokens = once * epochs
        price = price_of_training(alike.model, settings.accounts[alike.account].prices)
        if price is not None:
            usd = training_cost_usd(once, epochs=epochs, usd_per_million=price.training)
    return TrainingCost(
        group=alike.group,
        account=alike.account,
        model=alike.model,
        samples=samples,
        epochs=epochs,
        epochs_assumed=alike.epochs is None,
        runs=runs,
        tokens=tokens,
        usd=usd,
    )


def _scoring(alike: Scoring, count: int, checked: Checked, settings: Settings) -> ScoringCost:
    dataset = checked.evaluation[alike.dataset]
    samples = min(dataset.lines, alike.limit or dataset.lines)
    asked = dataset.tokens / dataset.lines + tokens_of_characters(alike.added)
    if alike.shots_from is not None:
        source = checked.training[alike.shots_from]
        asked += alike.shots * source.tokens / source.lines
    prompt, answers = round(asked * samples), samples * alike.max_tokens
    prices = settings.accounts[alike.account].prices
    price = (price_of_tuned if alike.tuned else price_of_answers)(alike.model, prices)
    return ScoringCost(
        group=alike.group,
        account=alike.account,
        model=alike.model,
        role="tuned" if alike.tuned else "baseline",
        shots=alike.shots,
        mode=alike.mode,
        evaluations=count,
        samples=samples,
        input_tokens=prompt,
        output_tokens=answers,
        usd=None if price is None else answers_usd(price, prompt, answers, alike.mode),
    )


def _named(costs: "list[TrainingCost] | list[ScoringCost]") -> list[str]:
    return sorted({f"{each.account}/{each.model}" for each in costs})
