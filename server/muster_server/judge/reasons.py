"""The reason of a verdict as a sentence."""

from __future__ import annotations

from typing import Any

from muster_server.judge.verdict import Reason
from muster_server.words import Words


def say(reason: Reason, words: Words) -> str:
    """One sentence. What comes from the PC stands in it as it is: whoever shows it must escape it."""
    code, args = reason.code, dict(reason.args)
    if code == "count_fail":
        code = "count_fail_gte" if args["n"] < args["gte"] else "count_fail_lte"
    if "values" in args:
        named = zip(args["columns"], args["values"], strict=True)
        said = [f"{_column(name, words)} {words('judge.unread') if at is None else at}" for name, at in named]
        args["values"] = _join(said, words)
    if "causes" in args:
        args["causes"] = _join([_cause(cause, words) for cause in args["causes"]], words)
    if "table" in args:
        title = words.maybe(f"table.{args['table']}", args["table"])
        args["table"] = title[:1].lower() + title[1:]  # it stands inside a sentence
    if "problem" in args:
        args["problem"] = _problem(args, words)
    return words(f"judge.{code}", **args)


def _join(said: list[str], words: Words) -> str:
    return ("；" if words.lang == "zh" else "; ").join(said)


def _column(name: str, words: Words) -> str:
    return words.maybe(f"column.{name}", name)


def _problem(args: dict[str, Any], words: Words) -> str:
    said = words.maybe(f"reason.{args['problem']}", args["problem"])
    colon = "：" if words.lang == "zh" else ": "
    return f"{said}{colon}{args['detail']}" if args.get("detail") else said


def _cause(cause: dict[str, Any], words: Words) -> str:
    column = _column(cause["column"], words)
    if "problem" in cause:
        return words("judge.cause.null_because", column=column, problem=_problem(cause, words))
    return words(f"judge.cause.{cause['cause']}", column=column)
