"""Turns of other roles and template tokens inside a response."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response

_TOKENS = re.compile(
    r"<\|(?:im_start|im_end|im_sep|endoftext|end|eot_id|start_header_id|end_header_id|begin_of_text|end_of_text|user|"
    r"assistant|system|eom_id|channel|message|start|return|endofprompt|fim_\w+|pad|eos|bos|tool)\|>"
    r"|\[/?INST\]|<</?SYS>>|</?s>(?=\s*(?:\[INST\]|$))|<(?:start|end)_of_turn>|<(?:pad|eos|bos|unk)>"
    r"|<\uff5c[^|<>\n]{2,30}\uff5c>|\[(?:PAD|EOS|BOS|UNK|SEP|CLS)\]"
)
_NAMES = (
    r"human|user|assistant|system|ai|bot|gpt|chatgpt|instruction|input|response|question|"
    r"benutzer|mensch|assistent|utilisateur|humain|usuario|asistente|utente|assistente|usuário|gebruiker|"
    r"użytkownik|asystent|пользователь|человек|ассистент|用户|助手|人类|ユーザー|アシスタント|사용자|어시스턴트|المستخدم|المساعد"
)
_HEADING = re.compile(
    rf"^[ \t]*(?:#{{2,4}}|\*\*)[ \t]*(?:{_NAMES})[ \t]*(?:\*\*)?[ \t]*[:\uff1a]", re.IGNORECASE | re.MULTILINE
)
_TURN = re.compile(
    r"^[ \t]*\W{0,4}(?P<role>human|user|assistant|ai assistant|benutzer|mensch|assistent|utilisateur|humain|usuario|"
    r"asistente|utente|assistente|usuário|gebruiker|użytkownik|asystent|пользователь|человек|ассистент|"
    r"用户|助手|人类|ユーザー|アシスタント|사용자|어시스턴트|المستخدم|المساعد)[ \t]*\W{0,2}[:\uff1a]",
    re.IGNORECASE | re.MULTILINE,
)
_DIALOG = re.compile(
    r"\b(?:dialog|dialogue|conversation|chat|transcript|script|chatbot|assistant|template)\b", re.IGNORECASE
)
_MARKS = ("<", "[", "#", ":", "\uff1a", "*")


def leaks_role(answer: Response) -> bool:
    """Whether the response holds a template token, or turns of another role.

    A prompt that shows the token, or asks for a conversation, gets what it asks for.
    """
    text = answer.text
    if not any(mark in text for mark in _MARKS):
        return False
    token = _TOKENS.search(text) if "<" in text or "[" in text else None
    if token and token[0] not in answer.prompt:
        return True
    heading = _HEADING.search(text) if "##" in text or "**" in text else None
    if heading and heading[0].strip() not in answer.prompt:
        return True
    turns = {match["role"].lower() for match in _TURN.finditer(text)}
    return bool(turns) and not (
        _DIALOG.search(answer.asked) or any(f"{turn}:" in answer.asked.lower() for turn in turns)
    )
