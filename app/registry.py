"""The list of every table module and every actor module: what the migrations compare with, what the worker serves."""

from sqlalchemy import MetaData

import app.accounts.access_models
import app.accounts.models
import app.audit
import app.ingest.models
import app.jobs.models
import app.lrs.models
import app.models
import app.notifications.models
import app.warehouse.models
import app.warehouse.sql_history  # noqa: F401
from app.database import Base
from app.warehouse.descriptions import describe

TABLES: MetaData = Base.metadata
describe(TABLES)
ACTOR_MODULES = (
    "app.etl_streaming",
    "app.jobs.imports",
    "app.jobs.reconcile",
    "app.jobs.retention",
    "app.jobs.scheduler",
)
