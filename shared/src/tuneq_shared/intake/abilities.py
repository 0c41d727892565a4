"""What a request asks of an account that the account cannot do."""

from collections.abc import Iterable, Iterator

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.request import EvaluationRequest, FineTuneRequest
from tuneq_shared.errors import InvalidInputError


def refuse_unable(request: FineTuneRequest, account: str, can: Capabilities) -> None:
    """Compare a request with the record of its account.

    Raises:
        InvalidInputError: a method, hyperparameter, suffix or way of evaluating that the account
            does not take; the hint tells the fields by which a configuration corrects a wrong
            record.
    """
    _refuse(dict(_faults(request, can)), account)


def refuse_batch(wanted: EvaluationRequest, account: str, can: Capabilities) -> None:
    """The same of an account that only answers for a baseline.

    Raises:
        InvalidInputError: it is asked in batches, and has none.
    """
    _refuse(dict(_batch_faults(wanted, can)), account)


def _refuse(faults: dict[str, str], account: str) -> None:
    if faults:
        raise InvalidInputError(
            f"account {account}: {'; '.join(faults.values())}",
            hint="leave that out or name another account; if the account can do it, correct "
            f"{' and '.join(faults)} under [accounts.{account}.capabilities]",
        )


def _faults(request: FineTuneRequest, can: Capabilities) -> Iterator[tuple[str, str]]:
    """The field of the record, and what is wrong."""
    if request.method.type not in can.methods:
        yield "methods", f"method {request.method.type} is not offered, but {_listed(can.methods)}"
    asked = request.method.hyperparameters
    # Who offers dpo takes its beta.
    unknown = asked.model_fields_set.difference(can.hyperparameters, {"beta"})
    named = sorted(name for name in unknown if getattr(asked, name) is not None)
    if named:
        taken = _listed(can.hyperparameters)
        yield "hyperparameters", f"hyperparameters {', '.join(named)}: it takes {taken}"
    if request.evaluation is not None:
        yield from _batch_faults(request.evaluation, can)
    if request.suffix is not None and len(request.suffix) > can.suffix_length:
        longest = f"at most {can.suffix_length}" if can.suffix_length else "it takes none"
        yield "suffix_length", f"suffix of {len(request.suffix)} characters: {longest}"


def _batch_faults(wanted: EvaluationRequest, can: Capabilities) -> Iterator[tuple[str, str]]:
    if wanted.mode == "batch" and not can.batch:
        yield "batch", "an evaluation in batches: it has none"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
