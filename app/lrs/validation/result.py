"""Results and scores (xAPI 1.0.3 Data 2.4.5; IEEE 9274.1.1 4.2.2.4, without a difference)."""

from app.errors import Problem
from app.lrs.validation.activities import validate_extensions
from app.lrs.validation.primitives import is_extensions, is_number
from app.lrs.validation.report import child, describe, tell, unknown_keys, wrong_kind
from app.lrs.validation.times import is_duration

_RESULT = frozenset({"score", "success", "completion", "response", "duration", "extensions"})
_SCORE = frozenset({"scaled", "raw", "min", "max"})
_WITHIN_SCORE = {key: f'"{key}" within "score"' for key in _SCORE}


def validate_result(value: object, path: str, problems: list[Problem]) -> None:
    """A measured outcome (xAPI 1.0.3 Data 2.4.5)."""
    if type(value) is not dict:
        wrong_kind(problems, path, value, "a Result", 'An object, such as {"success": true}')
        return
    if not _RESULT.issuperset(value):
        unknown_keys(problems, path, value, _RESULT, "a Result", elsewhere=_WITHIN_SCORE)
    if "success" in value and type(value["success"]) is not bool:
        where = child(path, "success")
        wrong_kind(problems, where, value["success"], "a boolean", "true or false, without quotes")
    if "completion" in value and type(value["completion"]) is not bool:
        where = child(path, "completion")
        wrong_kind(problems, where, value["completion"], "a boolean", "true or false, without quotes")
    if "response" in value and type(value["response"]) is not str:
        where = child(path, "response")
        wrong_kind(problems, where, value["response"], "a string", 'A string, such as "a[,]b"')
    if "duration" in value and not is_duration(value["duration"]):
        where, expected = child(path, "duration"), 'An ISO 8601 duration, such as "PT1M30.5S"'
        wrong_kind(problems, where, value["duration"], "an ISO 8601 duration", expected)
    if "score" in value:
        _check_score(value["score"], child(path, "score"), problems)
    if "extensions" in value and not is_extensions(value["extensions"]):
        validate_extensions(value["extensions"], child(path, "extensions"), problems)


def _check_score(value: object, path: str, problems: list[Problem]) -> None:
    """xAPI 1.0.3 Data 2.4.5.1: scaled from -1 to 1, raw from min to max, min less than max."""
    if type(value) is not dict:
        wrong_kind(problems, path, value, "a score", 'An object, such as {"scaled": 0.8}')
        return
    if not _SCORE.issuperset(value):
        unknown_keys(problems, path, value, _SCORE, "a score")
    for key in ("scaled", "raw", "min", "max"):
        if key in value and not is_number(value[key]):
            where, expected = child(path, key), "A number without quotes, such as 0.8"
            wrong_kind(problems, where, value[key], "a number", expected)
            value = {name: entry for name, entry in value.items() if name != key}
    scaled, raw = value.get("scaled"), value.get("raw")
    low, high = value.get("min"), value.get("max")
    if scaled is not None and not -1 <= scaled <= 1:
        message = f"is {describe(scaled)}, outside -1 to 1"
        tell(problems, child(path, "scaled"), message, "A number from -1 to 1, such as 0.8")
    if low is not None and high is not None and not low < high:
        message = f"is {describe(low)}, not less than max, {describe(high)}"
        tell(problems, child(path, "min"), message, "A number that is less than max")
    elif raw is not None:
        if low is not None and raw < low:
            message = f"is {describe(raw)}, less than min, {describe(low)}"
            tell(problems, child(path, "raw"), message, "A number from min to max")
        if high is not None and raw > high:
            message = f"is {describe(raw)}, more than max, {describe(high)}"
            tell(problems, child(path, "raw"), message, "A number from min to max")
