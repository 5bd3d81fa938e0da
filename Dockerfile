# One image for the API, the worker, the scheduler and the migrations; the command says which. Minimal on purpose:
# see plan.md for what a released image still needs.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000 DATA_DIR=/tmp/data LOG_FORMAT=json
WORKDIR /srv
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY alembic.ini .
COPY migrations migrations
COPY app app
COPY orchestrator_contracts orchestrator_contracts
RUN useradd --system --no-create-home seventaps
USER seventaps
EXPOSE 8000
CMD ["sh", "-c", "exec python -m uvicorn app.main:create_app --factory --no-access-log --no-proxy-headers --host \"$HOST\" --port \"$PORT\""]
