"""What a statement says about its attachments. Whether their data came along is for whoever reads
the request.
"""

from app.errors import Problem
from app.lrs.validation.activities import validate_language_map
from app.lrs.validation.primitives import is_iri, is_irl, is_media_type, is_sha2
from app.lrs.validation.report import (
    MOST_PROBLEMS,
    child,
    describe,
    missing,
    shown,
    tell,
    unknown_keys,
    wrong_kind,
)

SIGNATURE_USAGE = "http://adlnet.gov/expapi/attachments/signature"
SIGNATURE_CONTENT_TYPE = "application/octet-stream"

_REQUIRED = {
    "usageType": 'An IRI, such as "http://id.tincanapi.com/attachment/certificate-of-completion"',
    "display": 'An object from language tag to text, such as {"en-US": "Certificate"}',
    "contentType": 'An Internet Media Type, such as "application/pdf"',
    "length": "The number of octets as an integer, such as 2048",
    "sha2": "The SHA-2 hash of the data in hex, such as the 64 digits of a SHA-256",
}
_ATTACHMENT = frozenset({*_REQUIRED, "description", "fileUrl"})


def validate_attachments(value: object, path: str, problems: list[Problem]) -> None:
    """The attachments property of a statement or SubStatement (xAPI 1.0.3 Data 2.4.11)."""
    if type(value) is not list:
        expected = "An array of objects, each with usageType, display, contentType, length and sha2"
        wrong_kind(problems, path, value, "an array of attachments", expected)
        return
    for index, attachment in enumerate(value):
        if len(problems) >= MOST_PROBLEMS:
            return
        _check_attachment(attachment, f"{path}[{index}]", problems)


def _check_attachment(value: object, path: str, problems: list[Problem]) -> None:
    if type(value) is not dict:
        expected = "An object with usageType, display, contentType, length and sha2"
        wrong_kind(problems, path, value, "an attachment", expected)
        return
    if not _ATTACHMENT.issuperset(value):
        unknown_keys(problems, path, value, _ATTACHMENT, "an attachment")
    for key, expected in _REQUIRED.items():
        if key not in value:
            missing(problems, path, key, expected)
    if "usageType" in value and not is_iri(value["usageType"]):
        where, expected = child(path, "usageType"), _REQUIRED["usageType"]
        wrong_kind(problems, where, value["usageType"], "an IRI", expected)
    if "contentType" in value and not is_media_type(value["contentType"]):
        where, expected = child(path, "contentType"), _REQUIRED["contentType"]
        wrong_kind(problems, where, value["contentType"], "an Internet Media Type", expected)
    elif value.get("usageType") == SIGNATURE_USAGE and "contentType" in value:
        _check_signature_type(value["contentType"], child(path, "contentType"), problems)
    if "length" in value and (type(value["length"]) is not int or value["length"] < 0):
        where, expected = child(path, "length"), _REQUIRED["length"]
        message = f"is {describe(value['length'])}, not an integer from 0 upwards"
        tell(problems, where, message, expected)
    if "sha2" in value and not is_sha2(value["sha2"]):
        where, expected = child(path, "sha2"), _REQUIRED["sha2"]
        wrong_kind(problems, where, value["sha2"], "a SHA-2 hash in hex", expected)
    if "fileUrl" in value and not is_irl(value["fileUrl"]):
        where, expected = child(path, "fileUrl"), 'An IRL, such as "https://example.com/cert.pdf"'
        wrong_kind(problems, where, value["fileUrl"], "an IRL", expected)
    for key in ("display", "description"):
        if key in value:
            validate_language_map(value[key], child(path, key), problems)


def _check_signature_type(value: str, path: str, problems: list[Problem]) -> None:
    """xAPI 1.0.3 Data 2.6: a signature is an attachment of one certain content type."""
    if value.partition(";")[0].strip().lower() != SIGNATURE_CONTENT_TYPE:
        message = f"is {shown(value)}, which no signature has"
        tell(problems, path, message, f'"{SIGNATURE_CONTENT_TYPE}"')
