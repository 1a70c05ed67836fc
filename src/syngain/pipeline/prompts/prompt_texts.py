"""Texts of the built-in prompts; ``template`` in a recipe replaces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.data.columns.roles import Kind

if TYPE_CHECKING:
    from syngain.pipeline import recipe

PERSONAS = (
    "a nurse on a night shift",
    "a retired carpenter",
    "a student of law in a hurry",
    "a parent of two small children",
    "a software engineer who writes tersely",
    "a tourist with little English",
    "a shop owner in a small town",
    "a teacher of history",
)
_CLASS = '{% if label is not none %} of the class "{{ label }}"{% endif %}'
_LIST = "{% for shot in shots %}\n- {{ shot.text }}{% endfor %}"
_PAIRS = "{% for shot in shots %}\nInstruction: {{ shot.prompt }}\nAnswer: {{ shot.response }}\n{% endfor %}"
_ALONE = "Answer with the text alone."
_AS_PAIR = 'Write it as "Instruction: ..." and then "Answer: ...".'
_TEXT = {
    "few_shot": f"Here are examples of texts{_CLASS}:{_LIST}\n\nWrite one more text like these. {_ALONE}",
    "self_instruct": (
        f"Come up with a new text{_CLASS}. It must differ in topic and wording from all of these:{_LIST}\n\n{_ALONE}"
    ),
    "paraphrase": f"Say the following in other words and keep its meaning. {_ALONE}\n\n{{{{ anchor.text }}}}",
    "persona": (
        f"You are {{{{ persona }}}}. Write a text{_CLASS}, such as this one:\n\n{{{{ anchor.text }}}}\n\n{_ALONE}"
    ),
    "attributes": (
        f"Write a text{_CLASS} with these properties:{{% for name, value in attributes.items() %}}\n- {{{{ name }}}}: "
        f"{{{{ value }}}}{{% endfor %}}\n\nExamples of the style:{_LIST}\n\n{_ALONE}"
    ),
}
_PAIR = {
    "few_shot": f"Here are instructions with their answers:\n{_PAIRS}\nWrite one more. {_AS_PAIR}",
    "self_instruct": f"Come up with a new task, unlike all of these:\n{_PAIRS}\n{_AS_PAIR}",
    "paraphrase": (
        "Say the following instruction in other words and keep its meaning. Answer with the instruction alone."
        "\n\n{{ anchor.prompt }}"
    ),
    "persona": f"You are {{{{ persona }}}}. Write a task that you would give, such as this one:\n{_PAIRS}\n{_AS_PAIR}",
    "attributes": (
        "Write a task with these properties:{% for name, value in attributes.items() %}\n- {{ name }}: {{ value }}"
        f"{{% endfor %}}\n\nExamples of the style:\n{_PAIRS}\n{_AS_PAIR}"
    ),
    "answer": "{{ anchor.prompt }}",
}
_TABLE = (
    f"Here are rows of a table{_CLASS}, as JSON:{{% for shot in shots %}}\n{{{{ shot | tojson }}}}{{% endfor %}}\n\n"
    "Write one more row. Answer with the JSON object alone."
)


def words_of(kind: recipe.Kind, anchors: Kind) -> str:
    """The built-in template of a strategy for real rows of a kind."""
    if anchors is Kind.TABLE:
        return _TABLE
    return (_PAIR if anchors is Kind.PAIR else _TEXT)[kind]
