# tuneq's images, a target a role: worker, evaluator, producer, sandbox, flower.
#   docker build --target worker --tag tuneq-worker .
# All of them install the workspace's members as wheels, at the versions pinned in pyproject.toml.

FROM python:3.13-slim AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/tuneq
WORKDIR /src
COPY pyproject.toml README.md ./
COPY shared shared
COPY producer producer
COPY worker worker
COPY sandbox sandbox

FROM build AS build-worker
# A driver for the data root that not everybody needs: --build-arg DATA_ROOT_DRIVER=s3fs
ARG DATA_ROOT_DRIVER=""
RUN uv sync --no-dev --no-editable --package tuneq-worker --all-extras
RUN if [ -n "$DATA_ROOT_DRIVER" ]; then uv pip install --python /opt/tuneq "$DATA_ROOT_DRIVER"; fi

FROM build AS build-producer
ARG DATA_ROOT_DRIVER=""
RUN uv sync --no-dev --no-editable --package tuneq-producer --extra parquet
RUN if [ -n "$DATA_ROOT_DRIVER" ]; then uv pip install --python /opt/tuneq "$DATA_ROOT_DRIVER"; fi

FROM build AS build-sandbox
RUN uv sync --no-dev --no-editable --package tuneq-sandbox

FROM build-worker AS build-flower
RUN uv pip install --python /opt/tuneq flower

FROM python:3.13-slim AS runtime
RUN groupadd --system --gid 10001 tuneq \
    && useradd --system --uid 10001 --gid tuneq --create-home tuneq \
    && install --directory --owner tuneq --group tuneq /data
COPY deploy/tuneq.toml /etc/tuneq/tuneq.toml
ENV PATH=/opt/tuneq/bin:$PATH PYTHONUNBUFFERED=1 TUNEQ_CONFIG=/etc/tuneq/tuneq.toml
WORKDIR /home/tuneq
USER tuneq

FROM runtime AS worker
COPY --from=build-worker /opt/tuneq /opt/tuneq
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=2 \
    CMD ["python", "-m", "tuneq_worker.health", "worker"]
CMD ["celery", "-A", "tuneq_worker", "worker", "-Q", "runs", "-n", "worker@%h", \
    "--loglevel", "INFO", "--without-gossip", "--without-mingle"]

FROM runtime AS evaluator
COPY --from=build-worker /opt/tuneq /opt/tuneq
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=2 \
    CMD ["python", "-m", "tuneq_worker.health", "evaluator"]
CMD ["celery", "-A", "tuneq_worker", "worker", "-Q", "evaluation", "-n", "evaluator@%h", \
    "--concurrency", "2", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]

FROM runtime AS producer
COPY --from=build-producer /opt/tuneq /opt/tuneq
ENTRYPOINT ["tuneq"]
CMD ["--help"]

# The provider that really learns, for trying everything without an account.
FROM runtime AS sandbox
COPY --from=build-sandbox /opt/tuneq /opt/tuneq
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=2 \
    CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8080), 3).close()"]
CMD ["python", "-m", "tuneq_sandbox.provider", "--dir", "/data/provider", \
    "--host", "0.0.0.0", "--port", "8080"]

FROM runtime AS flower
COPY --from=build-flower /opt/tuneq /opt/tuneq
EXPOSE 5555
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=2 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:5555/healthcheck', timeout=3)"]
CMD ["celery", "-A", "tuneq_worker", "flower", "--address=0.0.0.0", "--port=5555"]
