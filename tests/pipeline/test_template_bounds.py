"""No template takes much time or memory, and what templates could do they still do."""

import string
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cpu_time import plain_steps
from syngain.core.errors import InputError
from syngain.pipeline.prompts.templates import condition, template

DOUBLED = "".join("{% set a = a {op} a %}" for _ in range(40))
BOMBS = [
    DOUBLED.replace("{op}", "~") + "{{ a|length }}",
    DOUBLED.replace("{op}", "+") + "{{ a|length }}",
    DOUBLED.replace("{op}", "~") + "x",
    "{{ a|replace('x', a)|replace('x', a)|replace('x', a)|length }}",
    "{{ a.replace('x', a).replace('x', a).replace('x', a)|length }}",
    "{{ a|join(a)|join(a)|join(a) }}",
    "{{ a.join(a).join(a.join(a)) }}",
    "{{ a|batch(1000000000, a)|list }}",
    "{{ a|slice(1000000000, a)|list }}",
    "{{ a|slice(1000000000)|list }}",
    "{{ [a, [a]]|tojson(indent=1000000000) }}",
    "{{ a|wordwrap(1, wrapstring=a*1) }}{{ a|wordwrap(1, wrapstring=a)|wordwrap(1, wrapstring=a)|length }}",
    "{{ a|indent(1000000000) }}",
    "{% for i in a %}{% for j in a %}{% for k in a %}{% for l in a %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for i in a if i == 'y' %}{% endfor %}" * 2
    + "{% for i in a %}{% for j in a %}{% for k in a if k == 'y' %}{% endfor %}{% endfor %}{% endfor %}",
    "{% set b %}" + "{% for i in a %}{% for j in a %}{{ a }}{% endfor %}{% endfor %}" + "{% endset %}x",
    "{% filter upper %}{% for i in a %}{% for j in a %}{{ a }}{% endfor %}{% endfor %}{% endfilter %}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
    "{% set l = [a] %}" + "{% set l = [l, l, l, l, l, l, l, l, l, l] %}" * 12 + "{{ l }}",
    "{% set l = [a] %}" + "{% set l = [l, l, l, l, l, l, l, l, l, l] %}" * 12 + "{{ l|string|length }}",
    "{% set l = [1] %}" + "{% set l = l + l %}" * 40 + "{{ l|length }}",
    "{% set n = 99999 %}" + "{% set n = n * n %}" * 30 + "{{ n }}",
    "{% set n = 99999 ** 10 %}" + "{% set n = n * n %}" * 30 + "x",
    "{% for r in [a] recursive %}{{ loop([a]) }}{% endfor %}",
    "{{ (1).to_bytes(10000000000, 'big') }}",
    "{{ a|map('replace', 'x', a)|map('replace', 'x', a)|join }}",
    "{{ [a, a]|map('join', a)|map('join', a)|join }}",
    "{{ a|list|sum(start=[]) }}",
    "{{ 1.0|round(1000000000) }}",
    "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
    "{% if a %}" * 5_000 + "{% endif %}" * 5_000,
    "{{ a" + "|upper" * 20_000 + " }}",
    "{{ " + "-" * 20_000 + "1 }}",
    "{% for i in a %}" * 60 + "{% endfor %}" * 60,
]


@pytest.mark.parametrize("source", BOMBS, ids=range(len(BOMBS)))
def test_no_template_takes_much_time_or_memory(source):
    plain = plain_steps()  # as many as a template may take
    tracemalloc.start()  # every step costs several times as much
    begin = time.process_time()
    try:
        with pytest.raises(InputError) as error:
            template(source, where="strategy 1: template")({"a": "x" * 2_000})
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(error.value).startswith("strategy 1: template ")
    assert time.process_time() - begin < 200 * plain  # 20 s where plain steps take .1 s
    assert most < 120e6


def test_the_error_names_the_limit():
    with pytest.raises(InputError, match=r"takes more than 4,000,000 steps"):
        template("{% for i in a %}{% for j in a %}{% endfor %}{% endfor %}", where="t")({"a": "x" * 3_000})
    with pytest.raises(InputError, match=r"makes a text of more than 200,000 characters"):
        template("{{ a ~ a }}", where="t")({"a": "x" * 150_000})
    with pytest.raises(InputError, match=r"takes more than"):
        condition("a|map('replace', 'x', a)|join|length > 0", where="c")({"a": "x" * 3_000})


PLAIN = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
SOURCES = [
    "{{ a|replace('b', c) }}",
    "{{ a.replace('b', c) }}",
    "{{ a ~ c ~ n ~ l }}",
    "{{ l|join(', ') }}",
    "{{ ', '.join(l) }}",
    "{% for x in l %}{{ loop.index }}/{{ loop.length }}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for x in l if x|length > 1 %}{{ x }}{% else %}none{% endfor %}",
    "{{ l|batch(2, '-')|list }}",
    "{{ l|slice(2)|list }}",
    "{{ {'a': a, 'l': l}|tojson(indent=2) }}",
    "{{ a|truncate(5) }}",
    "{{ a|wordwrap(7) }}",
    "{{ l|map('upper')|join }}",
    "{{ l|select('in', a)|list|length }}",
    "{{ n + 1 }} {{ n * 2 }} {{ n ** 2 }} {{ n % 3 }}",
    "{{ l + l }}",
    "{{ a + c }}",
    "{{ l|sort|first if l else '' }}",
    "{{ l|unique|list }}",
    "{{ a|title }}",
    "{{ d.items()|list }}",
    "{{ d|dictsort }}",
    "{% set b %}<{{ a }}>{% endset %}{{ b|upper }}",
    "{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(a) }}{{ m(c) }}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "{{ a.split()|reverse|join(' ') }}",
    "{{ a[:2] }}{{ l[-1:] }}",
    "{{ l|groupby(0)|list|length if l and l|map('length')|min else 0 }}",
    "{{ n|round(1) }}",
    "{{ [n, 1]|sum }}",
    "{% for x in l %}{% for y in x %}{{ y }}{% endfor %}{% endfor %}",
    "{{ a|trim }}",
    "{{ a|default('z') }}",
    "{% for x in l recursive %}{{ x }}{% endfor %}",
    "{{ a|list|join('-') }}",
    "{{ a|wordcount }}",
    "{{ a is string and n is number }}",
]
TEXTS = st.text(string.ascii_letters + " \n<&é", max_size=12)


@pytest.mark.parametrize("source", SOURCES)
@settings(max_examples=15, deadline=None)
@given(a=TEXTS, c=TEXTS, n=st.integers(-99, 99), rows=st.lists(TEXTS, max_size=4))
def test_templates_render_as_those_of_plain_jinja(source, a, c, n, rows):
    columns = {"a": a, "c": c, "n": n, "l": rows, "d": {"k": a, "m": n}}
    assert template(source, where="t")(columns) == PLAIN.from_string(source).render(**columns).strip()
