# One image for the API, the worker, the scheduler and every command; what follows the name of the image says which.
FROM python:3.11.14-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt .
# Wheels only: nothing is compiled, and what was not in the lock with its hash is not installed.
RUN /opt/venv/bin/python -m pip install --require-hashes --only-binary :all: -r requirements.txt

FROM python:3.11.14-slim-bookworm
# The root file system may be read-only: bytecode is compiled here, temporary files go to /tmp, what is kept to /data.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=:: PORT=8000 DATA_DIR=/data LOG_FORMAT=json HOME=/tmp
WORKDIR /srv
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin seventaps \
    && install -d -o seventaps -g seventaps -m 0700 /data
COPY --from=packages /opt/venv /opt/venv
COPY alembic.ini .
COPY migrations migrations
COPY app app
COPY orchestrator_contracts orchestrator_contracts
RUN PYTHONDONTWRITEBYTECODE= python -m compileall -q app migrations
USER 10001:10001
EXPOSE 8000
# SIGTERM drains: the API finishes requests in hand, the worker its batch, the scheduler has nothing in hand.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "app.cli.health", "api"]
CMD ["python", "-m", "app", "serve"]
