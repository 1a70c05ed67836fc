"""Planted defects of what a response holds: tool calls, code, arithmetic, personal data, keys, benchmark items.

``PLANTS``: name to (function from (rng, item) to the bad item, the kinds of the report that are right). An item is a
row: ``{"prompt", "response"}`` for texts, ``{"messages" or "conversations", "tools"}`` for tool calls.
``clean_calls(number, rng)`` makes clean rows with tool calls. ``python defects_calls.py`` tries every plant at 2, 5,
20 and 50% of made-up rows.
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from defects_rows import clean

from syngain.audit.audit import audit_study
from syngain.audit.findings.responses import kinds_found, response_reasons
from syngain.audit.frame import Frame
from syngain.audit.responses.health import response_health
from syngain.core.rng import Streams
from syngain.data.benchmarks import read_benchmarks
from syngain.data.dataset import Dataset
from syngain.data.study import Study

TOOLS = {
    "get_rate": {"base": ("string", ["EUR", "USD", "JPY", "CHF"]), "quote": ("string", ["SEK", "NOK", "PLN", "CZK"])},
    "find_train": {"start": ("string", ["Lyon", "Porto", "Graz"]), "end": ("string", ["Brno", "Gent"]), "seats": ("integer", [1, 2, 4])},
    "set_alarm": {"hour": ("integer", [6, 7, 9]), "label": ("string", ["work", "gym"]), "repeat": ("boolean", [True, False])},
    "measure": {"sensor": ("string", ["roof", "cellar"]), "samples": ("integer", [10, 50]), "unit": ("string", ["C", "F"])},
}  # fmt: skip
OPTIONAL = {"seats", "repeat", "unit"}
ASKS = ("Please use {} for {}.", "I need {}: {}.", "Could you run {} with {}?", "{} for me, {}.")
REPLIES = (
    "The result is {} for {}.",
    "I looked it up: {} with {}.",
    "It returned {} for {}.",
    "{} is the value of {}.",
)
LAYOUTS = ("sharegpt", "openai", "hermes")


def schema(name):
    parts = {part: {"type": kind, "description": f"the {part}"} for part, (kind, _) in TOOLS[name].items()}
    return {"type": "object", "properties": parts, "required": [part for part in parts if part not in OPTIONAL]}


def definition(name, nested):
    inner = {"name": name, "description": f"runs {name}", "parameters": schema(name)}
    return {"type": "function", "function": inner} if nested else inner


def clean_calls(number, rng, layout=None):
    """Clean rows with tool calls: ShareGPT, OpenAI messages and Hermes tags in turn, or one of these layouts."""
    return [_row(i, rng, layout or LAYOUTS[i % len(LAYOUTS)]) for i in range(number)]


def _row(i, rng, layout):
    names = list(rng.permutation(list(TOOLS)))[: int(rng.integers(2, 4))]
    name = str(names[0])
    arguments = {
        part: choices[int(rng.integers(len(choices)))]
        for part, (_, choices) in TOOLS[name].items()
        if part not in OPTIONAL or rng.random() < 0.7
    }
    said = ", ".join(f"{part} {value}" for part, value in arguments.items())
    ask = str(rng.choice(ASKS)).format(name.replace("_", " "), f"{said}, case {i}")
    result = json.dumps({"value": round(float(rng.random() * 100), 2)})
    reply = str(rng.choice(REPLIES)).format(result.split(": ")[1].rstrip("}"), said)
    if layout == "sharegpt":
        call = {"name": name, "arguments": arguments}
        turns = [("human", ask), ("function_call", json.dumps(call)), ("observation", result), ("gpt", reply)]
        return {
            "conversations": [{"from": role, "value": text} for role, text in turns],
            "tools": json.dumps([definition(str(one), nested=False) for one in names]),
        }
    tools = [definition(str(one), nested=True) for one in names]
    if layout == "openai":
        body = {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        return {
            "messages": [
                {"role": "user", "content": ask},
                {"role": "assistant", "content": None, "tool_calls": [body]},
                {"role": "tool", "tool_call_id": f"call_{i}", "content": result},
                {"role": "assistant", "content": reply},
            ],
            "tools": tools,
        }
    listed = "\n".join(json.dumps(tool) for tool in tools)
    call = json.dumps({"name": name, "arguments": arguments})
    return {
        "messages": [
            {"role": "system", "content": f"You call functions. <tools>\n{listed}\n</tools>"},
            {"role": "user", "content": ask},
            {"role": "assistant", "content": f"<tool_call>\n{call}\n</tool_call>"},
            {"role": "tool", "content": f"<tool_response>\n{result}\n</tool_response>"},
            {"role": "assistant", "content": reply},
        ]
    }


# --- tool calls: the text of the call, in any layout, is changed --------------------------------------------------------


def _changed(item, change):
    """The row with its first call changed: ``change`` takes name and arguments, and returns the text of the call."""
    row = copy.deepcopy(item)
    for message in row.get("conversations", row.get("messages")):
        if message.get("from") == "function_call":
            call = json.loads(message["value"])
            message["value"] = change(call["name"], call["arguments"])
            return row
        for call in message.get("tool_calls") or ():
            body = call["function"]
            text = change(body["name"], json.loads(body["arguments"]))
            try:
                read = json.loads(text)
                body["name"], body["arguments"] = read["name"], json.dumps(read["arguments"])
            except ValueError:
                body["arguments"] = text.partition('"arguments": ')[2] or text
            return row
        content = message.get("content") or ""
        if "<tool_call>" in content and message["role"] == "assistant":
            call = json.loads(content.split("<tool_call>")[1].split("</tool_call>")[0])
            message["content"] = f"<tool_call>\n{change(call['name'], call['arguments'])}\n</tool_call>"
            return row
    raise AssertionError(item)


def _text(name, arguments):
    return json.dumps({"name": name, "arguments": arguments})


def broken_json(rng, item):
    def change(name, arguments):
        text = _text(name, arguments)
        start = text.index('"arguments": ') + 14
        ways = (text[: int(rng.integers(start, len(text) - 1))], text.replace('":', '"', 3), text[:-2] + ",,}}")
        return ways[int(rng.integers(len(ways)))]

    return _changed(item, change)


def unknown_tool(rng, item):
    return _changed(item, lambda name, arguments: _text(f"{name}_v{int(rng.integers(2, 9))}", arguments))


def missing_argument(rng, item):
    def change(name, arguments):
        required = [part for part in arguments if part not in OPTIONAL]
        gone = str(rng.choice(required))
        return _text(name, {part: value for part, value in arguments.items() if part != gone})

    return _changed(item, change)


def wrong_type(rng, item):
    def change(name, arguments):
        part = str(rng.choice(list(arguments)))
        value = arguments[part]
        return _text(name, {**arguments, part: ["a", "b"] if isinstance(value, str) else f"about {value}"})

    return _changed(item, change)


def unknown_argument(rng, item):
    return _changed(item, lambda name, arguments: _text(name, {**arguments, "urgency": int(rng.integers(9))}))


def result_without_call(rng, item):
    row = copy.deepcopy(item)
    turns = row.get("conversations", row.get("messages"))
    place = next(i for i, turn in enumerate(turns) if turn.get("from", turn.get("role")) in {"observation", "tool"})
    if turns[place].get("tool_call_id") and rng.random() < 0.5:
        turns[place]["tool_call_id"] += "0"
    else:
        del turns[place - 1]
    return row


def missing_result(rng, item):
    row = copy.deepcopy(item)
    turns = row.get("conversations", row.get("messages"))
    turns[:] = [turn for turn in turns if turn.get("from", turn.get("role")) not in {"observation", "tool"}]
    return row


# --- texts: the response is changed -------------------------------------------------------------------------------------


def _with(item, more):
    return {**item, "response": f"{item['response']}\n{more}"}


CODE = {
    "javascript": "function add(a, b) {{\n  const total = [a, b].reduce((x, y) => x + y, {n});\n  return total;\n}}",
    "java": 'public class Main {{\n  static int run(int x) {{\n    System.out.println("x: " + x);\n    return x * {n};\n  }}\n}}',
    "cpp": "#include <vector>\nint run(std::vector<int> v) {{\n  for (auto x : v) {{ if (x > {n}) return x; }}\n  return '0';\n}}",
    "go": 'func run(x int) string {{\n\tif x > {n} {{\n\t\treturn fmt.Sprintf("%d", x)\n\t}}\n\treturn `none`\n}}',
    "rust": "fn run<'a>(x: &'a str) -> usize {{\n    let n = {n};\n    x.len() + n\n}}",
    "json": '{{"name": "pump", "limits": [1, {n}], "active": true}}',
}  # fmt: skip


def good_code(rng):
    language = str(rng.choice(list(CODE)))
    return language, CODE[language].format(n=int(rng.integers(2, 99)))


def code(rng, item):
    language, text = good_code(rng)
    places = [place for place, character in enumerate(text) if character in "{}()[]" or (character == '"')]
    if language == "rust":
        places = [place for place, character in enumerate(text) if character in "{}()"]
    gone = int(rng.choice(places))
    return _with(item, f"```{language}\n{text[:gone]}{text[gone + 1 :]}\n```")


def equation(rng, right):
    a, b = int(rng.integers(12, 90)), int(rng.integers(2, 12))
    sign, result = (("*", a * b), ("+", a + b), ("-", a - b), ("×", a * b), ("/", a))[int(rng.integers(5))]
    first = a * b if sign == "/" else a
    found = result if right else result + int(rng.choice([-10, -2, -1, 1, 3, 10]))
    form = int(rng.integers(4))
    if form == 0:
        return f"So {first} {sign} {b} = {found}."
    if form == 1:
        return f"That is {first}{sign}{b}=<<{first}{sign.replace('×', '*')}{b}={found}>>{found} pieces."
    if form == 2:
        return f"The cost is ${first:,} {sign} {b} = ${found:,} in all."
    return f"First {first} {sign} {b} = {found}, then the rest."


def arithmetic(rng, item):
    return _with(item, equation(rng, right=False))


NAMES = (
    "maria.lopez",
    "t.okafor",
    "lena_fischer",
    "wei.zhang",
    "piotr.nowak",
    "amina.diallo",
    "kenji.sato",
    "r.oconnell",
)
HOSTS = ("gmail.com", "outlook.com", "web.de", "orange.fr", "mail.ru", "qq.com", "hotmail.co.uk")


def email(rng, item):
    address = f"{rng.choice(NAMES)}{int(rng.integers(10, 99))}@{rng.choice(HOSTS)}"
    return _with(item, f"Write to {address} for details.")


def phone(rng, item):
    part = [int(rng.integers(200, 990)), int(rng.integers(200, 540)), int(rng.integers(1000, 9999))]
    forms = (
        "Call ({}) {}-{} in the morning.", "My number is +1 {}-{}-{}.", "Telefon: +49 {} {}{}", "Reach me at {}-{}-{}.",
        "+44 7{} {}{}",
    )  # fmt: skip
    return _with(item, forms[int(rng.integers(len(forms)))].format(*part))


def card(rng, item):
    digits = [4, *(int(d) for d in rng.integers(0, 10, 14))]
    total = sum(sum(divmod(2 * d, 10)) if place % 2 == 0 else d for place, d in enumerate(digits))
    text = "".join(map(str, [*digits, -total % 10]))
    shown = " ".join(text[i : i + 4] for i in range(0, 16, 4)) if rng.random() < 0.6 else text
    return _with(item, f"Payment with card {shown} was accepted.")


def key(rng, item):
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))

    def random(size, alphabet=letters):
        return "".join(rng.choice(alphabet, size))

    upper = letters[np.char.isupper(letters) | np.char.isdigit(letters)]
    forms = (
        lambda: f"aws_access_key_id = AKIA{random(16, upper)}",
        lambda: f"Authorization: token ghp_{random(36)}",
        lambda: f'client = OpenAI(api_key="sk-{random(48)}")',
        lambda: f"SLACK_TOKEN=xoxb-{random(12, letters[-10:])}-{random(24)}",
        lambda: f"The key is AIza{random(35)}",
        lambda: f"api_key: {random(32)}",
        lambda: f"postgres://admin:{random(16)}@db.internal.net/prod",
    )
    return _with(item, forms[int(rng.integers(len(forms)))]())


QUESTIONS = [
    f"A depot holds {n} crates of {first}; every week {n % 7 + 2} of them are sent to the harbor and {n % 5 + 1} others arrive "
    f"from {second}. How many crates of {first} are in the depot after {n % 9 + 3} weeks?"
    for n, (first, second) in enumerate(
        [(a, b) for a in ("copper", "lemons", "glass", "cotton", "paper") for b in ("Genoa", "Bergen", "Izmir", "Cork")]
        * 15,
        20,
    )
]


def benchmark_item(rng, item):
    question = QUESTIONS[int(rng.integers(len(QUESTIONS)))]
    forms = ("{}", "Solve this problem.\n\n{}\nGive the number only.", "{} Explain every step.")
    return {**item, "prompt": forms[int(rng.integers(len(forms)))].format(question)}


PLANTS = {
    "broken json": (broken_json, {"call_json"}),
    "unknown tool": (unknown_tool, {"call_tool"}),
    "missing argument": (missing_argument, {"call_missing"}),
    "wrong type": (wrong_type, {"call_arguments"}),
    "unknown argument": (unknown_argument, {"call_arguments"}),
    "result without call": (result_without_call, {"call_result"}),
    "call without result": (missing_result, {"call_result"}),
    "other code": (code, {"code"}),
    "arithmetic": (arithmetic, {"arithmetic"}),
    "email": (email, {"personal"}),
    "phone": (phone, {"personal"}),
    "card": (card, {"personal"}),
    "key": (key, {"secret"}),
    "benchmark item": (benchmark_item, {"contamination"}),
}
CALLS = tuple(PLANTS)[:7]


def clean_texts(number, rng, language="de"):
    """Clean rows of texts; a third hold right code, a third right arithmetic or what looks like data of persons."""
    harmless = (
        "See https://example.com or write to info@example.com.", "Call 555-0123 for a demonstration.",
        "Version 3.11.2 was released on 2024-05-17.", "The ratio is 3:4, between 10-20% of it.", "Let x = 2y + 3.",
        "export API_KEY=your_api_key_here", "Order 66-1029, item 4711.",
    )  # fmt: skip
    rows = []
    for i, (prompt, answer) in enumerate(clean(language, number, rng)):
        item = {"prompt": prompt, "response": answer}
        if i % 3 == 0:
            name, text = good_code(rng)
            item = _with(item, f"```{name}\n{text}\n```")
        elif i % 3 == 1:
            item = _with(item, equation(rng, right=True) if rng.random() < 0.6 else str(rng.choice(harmless)))
        rows.append(item)
    return rows


def one_run(name, rate, seed, folder):
    """A planted dataset next to a real one: planted, named and both rows; whether a right kind is high; other kinds."""
    rng = np.random.default_rng([seed, list(PLANTS).index(name), int(1000 * rate)])
    plant, right = PLANTS[name]
    size = int(rng.integers(500, 901))
    layout = None if seed % 2 == 0 else LAYOUTS[seed % len(LAYOUTS)]
    layout = layout or LAYOUTS[int(rng.integers(len(LAYOUTS)))]
    language = str(rng.choice(["de", "fr", "es", "pl", "ru"]))
    make = (lambda n: clean_calls(n, rng, layout)) if name in CALLS else (lambda n: clean_texts(n, rng, language))
    real, rows = make(int(rng.integers(200, 501))), make(size)
    bad = rng.random(size) < rate
    rows = [plant(rng, row) if wrong else row for row, wrong in zip(rows, bad, strict=True)]
    anchors = Dataset.from_rows(real, "real")
    study = Study.of(anchors, Dataset.from_rows(rows, "synthetic", like=anchors))
    if "contamination" in right:
        found = audit_study(study, streams=Streams(seed), benchmarks=read_benchmarks(folder))
        kinds = {item.id: item.severity for item in found.findings if item.id == "contamination"}
        why = {reason: flags for reason, flags in found.why.items() if reason.startswith("contamination")}
    else:
        health = response_health(Frame.of(study))
        kinds, why = kinds_found(health), response_reasons(health)
    named = np.any([np.zeros(size, dtype=bool), *why.values()], axis=0)
    return {
        "planted": int(bad.sum()), "named": int(named.sum()), "both": int((named & bad).sum()),
        "found": any(kinds.get(kind) in {"high", "medium"} for kind in right),
        "high": any(kinds.get(kind) == "high" for kind in right),
        "others": [kind for kind, severity in kinds.items() if kind not in right and severity != "low"],
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 0.02, 0.05, 0.2, 0.5])
    parser.add_argument("--kinds", nargs="+", choices=PLANTS)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        lines = "".join(json.dumps({"question": question, "answer": "12"}) + "\n" for question in QUESTIONS)
        (Path(folder) / "depots.jsonl").write_text(lines, encoding="utf-8")
        print("| planted | rate | found | high | named | precision | other kinds |\n|---|---|---|---|---|---|---|")
        for name in options.kinds or PLANTS:
            for rate in options.rates:
                runs = [one_run(name, rate, seed, folder) for seed in range(options.runs)]
                planted, named, both = (sum(run[part] for run in runs) for part in ("planted", "named", "both"))
                found, high = (np.mean([run[part] for run in runs]) for part in ("found", "high"))
                others = sorted({kind for run in runs for kind in run["others"]})
                print(
                    f"| {name} | {rate:.0%} | {found:.0%} | {high:.0%} | {both / max(planted, 1):.0%} | "
                    f"{both / max(named, 1):.0%} | {' '.join(others)} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
