"""Which function does which stage of which kind of item."""

from collections.abc import Callable, Mapping
from typing import Any

from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.deployment import Deployment
from tuneq_shared.domain.evaluation import Evaluation, Shard
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import (
    AccountStage,
    DeploymentStage,
    EvaluationStage,
    RunStage,
    ShardStage,
    UploadStage,
)
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload
from tuneq_worker.evaluation.evaluation import conclude, plan, run
from tuneq_worker.evaluation.shard import work_through
from tuneq_worker.stages.accept import accept
from tuneq_worker.stages.cancel import cancel
from tuneq_worker.stages.collect import collect
from tuneq_worker.stages.create import create
from tuneq_worker.stages.deploy import await_answer, deploy, keep
from tuneq_worker.stages.evaluate import evaluate
from tuneq_worker.stages.hold import held
from tuneq_worker.stages.prepare import prepare
from tuneq_worker.stages.release import release
from tuneq_worker.stages.sweep import stopped, sweep
from tuneq_worker.stages.train import train
from tuneq_worker.stages.transfer import await_ready, send
from tuneq_worker.stages.upload import upload

# Each function takes the item type of its kind; the table is the one place that mixes them.
StageFunction = Callable[[Any, Any, Any], Any]

ITEM_TYPES: Mapping[Kind, Any] = {
    Kind.RUN: Run,
    Kind.EVALUATION: Evaluation,
    Kind.SHARD: Shard,
    Kind.UPLOAD: Upload,
    Kind.DEPLOYMENT: Deployment,
    Kind.ACCOUNT: AccountState,
}

STAGES: Mapping[tuple[Kind, str], tuple[str, StageFunction]] = {
    (Kind.RUN, RunStage.SUBMITTED): ("tuneq.accept", accept),
    (Kind.RUN, RunStage.PREPARING): ("tuneq.prepare", prepare),
    (Kind.RUN, RunStage.UPLOADING): ("tuneq.upload", upload),
    (Kind.RUN, RunStage.CREATING): ("tuneq.create_job", create),
    (Kind.RUN, RunStage.TRAINING): ("tuneq.follow_job", train),
    (Kind.RUN, RunStage.COLLECTING): ("tuneq.collect", collect),
    (Kind.RUN, RunStage.EVALUATING): ("tuneq.evaluate", evaluate),
    (Kind.RUN, RunStage.CANCELLING): ("tuneq.cancel", cancel),
    (Kind.RUN, RunStage.HELD): ("tuneq.hold", held),
    (Kind.UPLOAD, UploadStage.PENDING): ("tuneq.send_file", send),
    (Kind.UPLOAD, UploadStage.SENT): ("tuneq.await_file", await_ready),
    (Kind.EVALUATION, EvaluationStage.PENDING): ("tuneq.plan_evaluation", plan),
    (Kind.EVALUATION, EvaluationStage.RUNNING): ("tuneq.await_shards", run),
    (Kind.EVALUATION, EvaluationStage.CONCLUDING): ("tuneq.conclude", conclude),
    (Kind.SHARD, ShardStage.PENDING): ("tuneq.evaluate_shard", work_through),
    (Kind.DEPLOYMENT, DeploymentStage.PENDING): ("tuneq.deploy", deploy),
    (Kind.DEPLOYMENT, DeploymentStage.STARTING): ("tuneq.await_deployment", await_answer),
    (Kind.DEPLOYMENT, DeploymentStage.READY): ("tuneq.keep_deployment", keep),
    (Kind.DEPLOYMENT, DeploymentStage.RELEASING): ("tuneq.release_deployment", release),
    (Kind.ACCOUNT, AccountStage.ACTIVE): ("tuneq.poll_account", sweep),
    (Kind.ACCOUNT, AccountStage.STOPPED): ("tuneq.await_account", stopped),
}
"""The Celery task and the function of every unfinished stage."""
