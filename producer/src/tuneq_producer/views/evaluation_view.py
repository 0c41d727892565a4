"""An evaluation as `--json` prints it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuneq_producer.statistics.wilson import wilson_interval
from tuneq_producer.views.breakdown import Breakdown
from tuneq_producer.views.loading import loaded, tell
from tuneq_shared.domain.evaluation import Counts, Evaluation
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import EvaluationStage
from tuneq_shared.domain.run import Asked
from tuneq_shared.errors import UnreadableError
from tuneq_shared.ports.catalogue import Catalogue

_COUNTED = {EvaluationStage.DONE, EvaluationStage.INCOMPLETE}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationView:
    """One model's score. The field names are those of the JSON document."""

    model: str
    role: str | None  # tuned or baseline; none where no run asked
    shots: int
    samples: int  # the denominator; 0 until it has ended
    correct: int
    wrong: int
    unparsed: int  # counts as wrong
    refused: int  # counts as wrong
    errored: int  # has no answer yet
    accuracy: float | None  # correct over samples; none while incomplete
    interval: tuple[float, float] | None  # 95 % by Wilson
    reused: bool
    strict: int  # answers equal to the target to the letter
    cached: int  # answers that were there already, at no cost
    cost_usd: float | None  # of the answers; none where no price is configured
    estimated_usd: float | None = None  # the same before they were asked for, at most
    prompt_tokens: int = 0
    completion_tokens: int = 0
    evaluation: str  # its id
    stage: str
    mode: str | None = None  # how it is asked, which whoever asked first has chosen
    account: str | None = None  # where it is asked
    elsewhere: str | None = None  # that account, where it is not the run's
    system: str | None = None  # system message in place of the lines' own
    prompt: str | None = None  # what each line's last user message was put into
    scorer: str | None = None
    scorer_options: dict[str, Any] = field(default_factory=dict)  # those not at their default
    scorer_version: int | None = None
    dataset: str | None = None
    dataset_digest: str | None = None
    limit: int | None = None
    artifact: str | None = None  # path of the predictions under the data root
    error: Failure | None = None
    breakdown: Breakdown | None = None  # where it was read, and the data can be parted

    @property
    def basis(self) -> tuple[Any, ...]:
        """What two evaluations must share to be comparable: dataset, limit and scorer."""
        scorer = (self.scorer, self.scorer_options, self.scorer_version)
        return self.dataset_digest, self.limit, *scorer


def evaluation_view(
    evaluation: Evaluation, *, role: str | None = None, reused: bool = False
) -> EvaluationView:
    """The view of an evaluation, asked for in a role."""
    # Until it has ended, the counts are those of an earlier try, or none.
    counts = evaluation.counts if evaluation.stage in _COUNTED else Counts()
    accuracy = counts.accuracy if evaluation.stage is EvaluationStage.DONE else None
    spec = evaluation.spec
    return EvaluationView(
        model=spec.model,
        role=role,
        shots=spec.shots,
        samples=counts.samples,
        correct=counts.correct,
        wrong=counts.wrong,
        unparsed=counts.unparsed,
        refused=counts.refused,
        errored=counts.errored,
        accuracy=accuracy,
        interval=None if accuracy is None else wilson_interval(counts.correct, counts.samples),
        reused=reused,
        strict=counts.strict,
        cached=counts.cached,
        cost_usd=evaluation.cost_usd,
        estimated_usd=evaluation.cost_estimated,
        prompt_tokens=counts.prompt_tokens,
        completion_tokens=counts.completion_tokens,
        mode=spec.mode,
        account=spec.account,
        system=spec.system,
        prompt=spec.prompt,
        evaluation=evaluation.id,
        stage=evaluation.stage,
        scorer=spec.scorer,
        scorer_options=spec.scorer_options,
        scorer_version=spec.scorer_version,
        dataset=spec.dataset,
        dataset_digest=spec.dataset_digest,
        limit=spec.limit,
        artifact=evaluation.artifact,
        error=evaluation.failure,
    )


def asked_view(asked: Asked, evaluations: Mapping[str, Evaluation]) -> EvaluationView:
    """The view of an evaluation that a run asked for."""
    if asked.evaluation in evaluations:
        found = evaluations[asked.evaluation]
        return evaluation_view(found, role=asked.role, reused=asked.reused)
    return EvaluationView(
        model=asked.model,
        role=asked.role,
        shots=asked.shots,
        samples=0,
        correct=0,
        wrong=0,
        unparsed=0,
        refused=0,
        errored=0,
        accuracy=None,
        interval=None,
        reused=asked.reused,
        strict=0,
        cached=0,
        cost_usd=None,
        evaluation=asked.evaluation,
        stage="absent",
    )


def read_evaluations(catalogue: Catalogue, ids: Iterable[str]) -> dict[str, Evaluation]:
    """Those evaluations that are there, by id, in one pipelined read.

    One that cannot be read is told of on stderr.
    """
    items = [Evaluation.item_of(key) for key in dict.fromkeys(ids)]
    records = catalogue.read(items)
    found = {}
    for record in filter(None, records):
        try:
            found[record.item.key] = loaded(record, Evaluation)
        except UnreadableError as error:
            tell(error)
    return found
