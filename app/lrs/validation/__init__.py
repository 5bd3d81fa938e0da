"""Here lives the one answer to whether a parsed JSON value is valid xAPI, under 1.0.3 and 2.0.
Never here: reading bytes or requests, storage, HTTP, changing what was sent.
Anyone above may call; it imports nothing but app.errors."""

from app.lrs.validation.activities import (
    validate_activity,
    validate_extensions,
    validate_language_map,
    validate_statement_ref,
)
from app.lrs.validation.agents import (
    IDENTIFIERS,
    validate_actor,
    validate_agent,
    validate_authority,
    validate_group,
)
from app.lrs.validation.attachments import (
    SIGNATURE_CONTENT_TYPE,
    SIGNATURE_USAGE,
    validate_attachments,
)
from app.lrs.validation.context import validate_context
from app.lrs.validation.primitives import (
    Version,
    is_extensions,
    is_iri,
    is_irl,
    is_language_map,
    is_language_tag,
    is_mbox,
    is_media_type,
    is_number,
    is_sha1sum,
    is_sha2,
    is_statement_version,
    is_uri,
    is_uuid,
    is_version,
)
from app.lrs.validation.report import MOST_PROBLEMS
from app.lrs.validation.result import validate_result
from app.lrs.validation.statement import VOIDED, validate_statement
from app.lrs.validation.times import (
    is_duration,
    is_timestamp,
    parse_duration_seconds,
    parse_timestamp,
)

__all__ = [
    "IDENTIFIERS",
    "MOST_PROBLEMS",
    "SIGNATURE_CONTENT_TYPE",
    "SIGNATURE_USAGE",
    "VOIDED",
    "Version",
    "is_duration",
    "is_extensions",
    "is_iri",
    "is_irl",
    "is_language_map",
    "is_language_tag",
    "is_mbox",
    "is_media_type",
    "is_number",
    "is_sha1sum",
    "is_sha2",
    "is_statement_version",
    "is_timestamp",
    "is_uri",
    "is_uuid",
    "is_version",
    "parse_duration_seconds",
    "parse_timestamp",
    "validate_activity",
    "validate_actor",
    "validate_agent",
    "validate_attachments",
    "validate_authority",
    "validate_context",
    "validate_extensions",
    "validate_group",
    "validate_language_map",
    "validate_result",
    "validate_statement",
    "validate_statement_ref",
]
