"""From what came back for a sample to its prediction."""

from dataclasses import replace

from tuneq_shared.data.digest import sha256_of_messages
from tuneq_shared.domain.evaluation import EvaluationSpec, Outcome
from tuneq_worker.evaluation.predictions import Prediction
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers import Score, Scorer, ScorerError
from tuneq_worker.ports.provider import Completion


def parameters(spec: EvaluationSpec) -> dict[str, float]:
    """What is asked for beside the messages."""
    return {"max_tokens": spec.max_tokens, "temperature": spec.temperature}


def scored(
    scorer: Scorer, sample: Sample, completion: Completion, latency_s: float = 0.0
) -> Prediction:
    """A sample with an answer. One that the scorer cannot judge is errored, its answer kept."""
    if completion.refused:
        return _prediction(sample, Outcome.REFUSED, completion, latency_s=latency_s)
    try:
        score = scorer(completion.text, sample)
    except ScorerError as error:
        failed = _prediction(sample, Outcome.ERRORED, completion, latency_s=latency_s)
        return replace(failed, error=str(error))
    return _prediction(sample, score.outcome, completion, score=score, latency_s=latency_s)


def recalled(scorer: Scorer, sample: Sample, text: str) -> Prediction:
    """A sample whose answer was there already, and is not paid for again."""
    known = scored(scorer, sample, Completion(text=text, prompt_tokens=0, completion_tokens=0))
    return replace(known, cached=True)


def scored_again(scorer: Scorer, sample: Sample, row: Prediction) -> Prediction:
    """A sample whose answer the scorer could not judge, given to it once more."""
    completion = Completion(
        text=row.answer or "",
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
    )
    return replace(scored(scorer, sample, completion, row.latency_s), cached=row.cached)


def declined(sample: Sample, error: str) -> Prediction:
    """A sample that the provider refuses to answer."""
    return _prediction(sample, Outcome.REFUSED, error=error)


def errored(sample: Sample, error: str) -> Prediction:
    """A sample without an answer."""
    return _prediction(sample, Outcome.ERRORED, error=error)


def _prediction(
    sample: Sample,
    outcome: Outcome,
    completion: Completion | None = None,
    *,
    score: Score | None = None,
    latency_s: float = 0.0,
    error: str | None = None,
) -> Prediction:
    return Prediction(
        sample=sample.index,
        messages=sha256_of_messages(sample.messages),
        answer=completion.text if completion else None,
        parsed=score.parsed if score else None,
        target=sample.target,
        outcome=outcome,
        prompt_tokens=completion.prompt_tokens if completion else 0,
        completion_tokens=completion.completion_tokens if completion else 0,
        latency_s=round(latency_s, 4),
        label=sample.label,
        subject=sample.subject,
        error=error,
        fields=score.fields if score else None,
    )
