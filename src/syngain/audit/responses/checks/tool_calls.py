"""Tool calls of a row: one kind for each way in which they can be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.data.tool_calls.arguments import INVALID, MISSING
from syngain.data.tool_calls.problems import JSON, RESULT, TOOL

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response


def call_json(answer: Response) -> bool:
    """Whether a call is no JSON object with a name and arguments, or the tools of the row do not parse."""
    return JSON in answer.call_problems


def call_tool(answer: Response) -> bool:
    """Whether a tool is called that the row does not offer."""
    return TOOL in answer.call_problems


def call_missing(answer: Response) -> bool:
    """Whether a call leaves out a required argument."""
    return MISSING in answer.call_problems


def call_arguments(answer: Response) -> bool:
    """Whether a call has an unknown argument, or one of a wrong type or value."""
    return INVALID in answer.call_problems


def call_result(answer: Response) -> bool:
    """Whether results do not match the calls before them."""
    return RESULT in answer.call_problems
