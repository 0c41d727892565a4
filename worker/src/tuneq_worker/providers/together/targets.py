"""What has to be deployed for a model to answer: its weights, and a way to run them."""

from dataclasses import dataclass

from pydantic import BaseModel, Field
from together import Omit

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai.documents import Id, Text
from tuneq_worker.providers.openai.errors import read_answer
from tuneq_worker.providers.together.caller import PAGE, Answer, Caller
from tuneq_worker.providers.together.documents import Entries, Entry, PageDocument

_MERGING = {None, "disabled"}  # configs that serve one model and load no further adapters


class _Project(BaseModel):
    id: Id


class _Identity(BaseModel):
    project: _Project | None = None


class _Tuned(BaseModel):
    """Where a job's model lies: whole, or as an adapter, which is merged when it is deployed."""

    model: str
    model_object_id: Text = None
    model_object_revision_id: Text = None
    adapter_object_id: Text = None
    adapter_object_revision_id: Text = None


class _Model(BaseModel):
    base: Text = Field(default=None, alias="baseModelId")


class _Config(BaseModel):
    id: Id
    project: Id = Field(alias="projectId")
    selectors: Entries = []

    @property
    def path(self) -> str:
        return f"projects/{self.project}/configs/{self.id}"

    @property
    def adapter_mode(self) -> str | None:
        told = (s.get("value") for s in self.selectors if s.get("key") == "adapter_mode")
        return next((str(value).lower() for value in told if value), None)


class _Profile(BaseModel):
    model: Text = None
    config: Text = None


class _Supported(BaseModel):
    name: str
    serverless: Text = Field(default=None, alias="serverlessEndpoint")
    products: list[str] = []
    profiles: Entries = Field(default=[], alias="deploymentProfiles")


@dataclass(frozen=True, slots=True)
class Target:
    """Resource names as a deployment takes them; without a revision the newest is meant."""

    model: str
    configs: tuple[str, ...]  # to choose from


class TargetCalls(Caller):
    """Looking up what a model's name stands for."""

    _own_project: str | None = None

    def _project(self) -> str:
        """The project that deployments belong to."""
        if self._options.project:
            return self._options.project
        if self._own_project is None:
            identity = self._read(_Identity, self._client.with_raw_response.whoami)
            if identity.project is None:
                words = "the key belongs to no project: name one in "
                words += f"accounts.{self._account}.options.project"
                raise ProviderError(ErrorKind.BAD_REQUEST, words)
            self._own_project = identity.project.id
        return self._own_project

    def _supported(self, model: str) -> _Supported | None:
        """The entry of that very name among the models that Together offers."""
        models = self._client.models.with_raw_response
        for entries in self._pages(lambda after: models.list_supported(search=model, after=after)):
            for entry in entries:
                if entry.get("name") == model:
                    return read_answer(_Supported, entry)
        return None

    def _target(self, model: str) -> Target:
        """What to deploy.

        Raises:
            ProviderError: `NOT_FOUND`, there is no such model.
        """
        jobs = self._client.fine_tuning.with_raw_response
        listed = self._read(PageDocument, jobs.list).data
        job = next((entry for entry in listed if entry.get("model_output_name") == model), None)
        if job is not None:
            return self._tuned(job)
        offered = self._supported(model)
        if offered is None or not offered.profiles:
            raise ProviderError(ErrorKind.NOT_FOUND, f"no model {model} that could be deployed")
        profiles = [read_answer(_Profile, entry) for entry in offered.profiles]
        chosen = self._options.configs.get(model)
        fitting = [p for p in profiles if p.model and p.config and chosen in (None, p.config)]
        if not fitting:
            raise ProviderError(ErrorKind.BAD_REQUEST, f"{model} has no config {chosen or ''}")
        return Target(fitting[0].model or "", tuple(p.config or "" for p in fitting))

    def _tuned(self, job: Entry) -> Target:
        jobs = self._client.fine_tuning.with_raw_response
        told = self._read(_Tuned, lambda: jobs.retrieve(str(job.get("id"))))
        weights = told.model_object_id or told.adapter_object_id
        if weights is None:
            words = f"the model of {job.get('id')} is not registered: it cannot be deployed"
            raise ProviderError(ErrorKind.BAD_REQUEST, words)
        project = self._project()
        revision = (
            told.model_object_revision_id
            if told.model_object_id
            else told.adapter_object_revision_id
        )
        path = f"projects/{project}/models/{weights}"
        chosen = self._options.configs.get(told.model)
        configs = (chosen,) if chosen else self._configs(weights, project)
        return Target(f"{path}/revisions/{revision}" if revision else path, configs)

    def _configs(self, weights: str, project: str) -> tuple[str, ...]:
        """Those of the base model, among them none that is made for loading adapters."""
        models = self._client.models.with_raw_response
        base = self._read(_Model, lambda: models.retrieve(weights, project_id=project)).base
        configs = self._client.models.configs.with_raw_response

        def page(after: str | Omit) -> Answer:
            return configs.list(
                project_id=project, reference_model_id=base or weights, after=after, limit=PAGE
            )

        found = [read_answer(_Config, e) for entries in self._pages(page) for e in entries]
        merging = [config for config in found if config.adapter_mode in _MERGING]
        return tuple(config.path for config in merging or found)
