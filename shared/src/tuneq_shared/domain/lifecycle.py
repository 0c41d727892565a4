"""The stages of every kind of item and the legal transitions: data that the store enforces."""

from collections.abc import Mapping
from enum import StrEnum

from tuneq_shared.domain.item import Kind


class RunStage(StrEnum):
    """The stages of a run."""

    SUBMITTED = "submitted"
    PREPARING = "preparing"
    UPLOADING = "uploading"
    CREATING = "creating"
    TRAINING = "training"
    COLLECTING = "collecting"
    EVALUATING = "evaluating"
    CANCELLING = "cancelling"
    HELD = "held"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class EvaluationStage(StrEnum):
    """The stages of an evaluation. Incomplete: ended, with samples that stayed errored."""

    PENDING = "pending"
    RUNNING = "running"
    CONCLUDING = "concluding"
    DONE = "done"
    INCOMPLETE = "incomplete"
    CANCELLED = "cancelled"


class ShardStage(StrEnum):
    """The stages of a shard. Done says nothing of its samples: some may have errored."""

    PENDING = "pending"
    DONE = "done"
    CANCELLED = "cancelled"


class UploadStage(StrEnum):
    """The stages of an upload: sent means that the provider has the bytes and looks at them."""

    PENDING = "pending"
    SENT = "sent"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DeploymentStage(StrEnum):
    """The stages of a deployment: starting means that the provider is making the model callable."""

    PENDING = "pending"
    STARTING = "starting"
    READY = "ready"
    RELEASING = "releasing"
    RELEASED = "released"
    FAILED = "failed"


class AccountStage(StrEnum):
    """An account is always unfinished; stopped accounts keep their runs parked."""

    ACTIVE = "active"
    STOPPED = "stopped"


Transitions = Mapping[str, frozenset[str]]

_R, _E, _S, _U, _A = RunStage, EvaluationStage, ShardStage, UploadStage, AccountStage
_D = DeploymentStage
_RUN_PATH: Mapping[RunStage, set[RunStage]] = {
    _R.SUBMITTED: {_R.PREPARING},
    _R.PREPARING: {_R.UPLOADING},
    _R.UPLOADING: {_R.CREATING},
    _R.CREATING: {_R.TRAINING, _R.UPLOADING},  # back where the provider has lost the file
    _R.TRAINING: {_R.COLLECTING},
    _R.COLLECTING: {_R.EVALUATING, _R.SUCCEEDED},
    _R.EVALUATING: {_R.SUCCEEDED},
}
_RUN_EXITS = {_R.FAILED, _R.HELD, _R.CANCELLING}
_RUN_WORK = frozenset(_RUN_PATH) - {_R.SUBMITTED}

TRANSITIONS: Mapping[Kind, Transitions] = {
    Kind.RUN: {
        **{stage: frozenset(to | _RUN_EXITS) for stage, to in _RUN_PATH.items()},
        _R.CANCELLING: frozenset({_R.CANCELLED, _R.HELD}),
        _R.HELD: frozenset({*_RUN_PATH, _R.CANCELLING, _R.FAILED}),
    },
    Kind.EVALUATION: {
        _E.PENDING: frozenset({_E.RUNNING, _E.INCOMPLETE, _E.CANCELLED}),
        _E.RUNNING: frozenset({_E.CONCLUDING, _E.INCOMPLETE, _E.CANCELLED}),
        _E.CONCLUDING: frozenset({_E.DONE, _E.INCOMPLETE, _E.CANCELLED}),
    },
    Kind.SHARD: {_S.PENDING: frozenset({_S.DONE, _S.CANCELLED})},
    Kind.UPLOAD: {
        _U.PENDING: frozenset({_U.SENT, _U.READY, _U.FAILED, _U.CANCELLED}),
        _U.SENT: frozenset({_U.READY, _U.FAILED, _U.CANCELLED, _U.PENDING}),
    },
    Kind.DEPLOYMENT: {
        _D.PENDING: frozenset({_D.STARTING, _D.READY, _D.RELEASING, _D.FAILED}),
        _D.STARTING: frozenset({_D.READY, _D.RELEASING, _D.FAILED, _D.PENDING}),
        _D.READY: frozenset({_D.RELEASING, _D.PENDING, _D.STARTING, _D.FAILED}),
        _D.RELEASING: frozenset({_D.RELEASED, _D.FAILED}),
    },
    Kind.ACCOUNT: {
        _A.ACTIVE: frozenset({_A.STOPPED}),
        _A.STOPPED: frozenset({_A.ACTIVE}),
    },
}
"""What may follow while an item is unfinished. Staying in a stage is always legal."""

REVIVALS: Mapping[Kind, Transitions] = {
    Kind.RUN: dict.fromkeys((_R.FAILED, _R.CANCELLED), _RUN_WORK),
    Kind.EVALUATION: {
        stage: frozenset({_E.PENDING}) for stage in (_E.INCOMPLETE, _E.CANCELLED, _E.DONE)
    },
    Kind.SHARD: {stage: frozenset({_S.PENDING}) for stage in (_S.DONE, _S.CANCELLED)},
    Kind.UPLOAD: {stage: frozenset({_U.PENDING}) for stage in (_U.FAILED, _U.CANCELLED, _U.READY)},
    Kind.DEPLOYMENT: {stage: frozenset({_D.PENDING}) for stage in (_D.RELEASED, _D.FAILED)},
    Kind.ACCOUNT: {},
}
"""How an ended item may be taken up again: by an operator's retry, or by a new subscriber."""


def is_terminal(kind: Kind, stage: str) -> bool:
    """Whether an item of this kind has ended when it is in this stage."""
    return stage not in TRANSITIONS[kind]
