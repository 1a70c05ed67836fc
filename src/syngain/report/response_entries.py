"""Names and questions of the kinds of bad responses, for the catalog."""

from __future__ import annotations

RESPONSES = {  # id to name and "What fraction of responses ...?"
    "empty": ("Empty responses", "is empty or a placeholder"),
    "refusal": ("Refusals", "refuses the request"),
    "role_leak": ("Role leaks", "holds template tokens or turns of other roles"),
    "loop": ("Loops", "repeats the same words in a loop"),
    "echo": ("Echoes of the prompt", "only repeats the prompt"),
    "repeated": ("Repeated answers", "repeats the answer to another prompt"),
    "language": ("Wrong language", "is in another language than the prompt"),
    "thought": ("Unfinished reasoning", "has unclosed reasoning or no final answer"),
    "cut": ("Cut responses", "stops before its end"),
    "code": ("Broken code", "holds code that does not parse"),
    "call_json": ("Broken tool calls", "holds tool calls that are no valid JSON"),
    "call_tool": ("Calls of unknown tools", "calls a tool that is not offered"),
    "call_missing": ("Missing arguments", "leaves out required arguments of a tool"),
    "call_arguments": ("Invalid arguments", "calls a tool with unknown or wrongly typed arguments"),
    "call_result": ("Unmatched tool results", "has tool results that do not match their calls"),
    "arithmetic": ("Wrong arithmetic", "holds an equation of plain numbers that is wrong"),
    "personal": ("Personal data", "or their prompts holds email addresses, phone, card or id numbers"),
    "secret": ("Keys and passwords", "or their prompts holds keys, tokens or passwords"),
    "length": ("Unusual lengths", "is far shorter or longer than real ones"),
}
