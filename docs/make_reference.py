"""Write docs/reference/api.md and docs/reference/command-line.md from the code.

    python docs/make_reference.py

The API page holds the signatures and docstrings of all public names, read without importing Keras;
the command-line page holds all commands and options of the argument parser.
"""

import argparse
import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import covid_keras
from covid_keras.cli.main import parser

FOLDER = Path(__file__).parent / "reference"
MADE = "<!-- made by docs/make_reference.py -->"
GROUPS = {
    "Train, evaluate, explain": ("train", "evaluate", "explain", "report", "compare", "ensemble"),
    "Use a trained network": ("predict", "export", "preprocess", "batches", "gradcam"),
    "Data": ("audit", "load_records", "make_split", "read_image"),
    "Networks": ("create_model", "create_backbone", "list_models"),
    "Classes": ("Run", "Metrics", "LAMB", "WarmupStepDecay"),
}
MODULES = covid_keras._MODULES | {"Metrics": "metrics.results"}
SECTIONS = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Example|Examples):$", re.M)
OBJECT = ast.FunctionDef | ast.ClassDef


def api_page() -> str:
    """Return the reference of the public Python names."""
    listed = {name for names in GROUPS.values() for name in names}
    rest = tuple(sorted(set(covid_keras.__all__) - listed))
    parts = [
        MADE,
        "# Python API",
        "All names are at the top level of `covid_keras`, imported when they are first used.",
    ]
    for title, names in [*GROUPS.items(), *([("More", rest)] if rest else [])]:
        parts += [f"## {title}", *(entry(name) for name in names)]
    return "\n\n".join(parts) + "\n"


def entry(name: str) -> str:
    """Return the section of one public name."""
    found = definition(MODULES[name], name)
    docstring = ast.get_docstring(found) or ""
    parts = [f"### {name}", f"```text\n{signature(found)}\n```", *sections(docstring)]
    if isinstance(found, ast.ClassDef):
        members = [f"- `{m}`: {first_sentence(text)}" for m, text in public_members(found)]
        parts.append("\n".join(members))
    return "\n\n".join(part for part in parts if part)


def definition(module: str, name: str) -> OBJECT:
    """Return the syntax tree of `name`, following imports out of `covid_keras.<module>`."""
    path = Path(covid_keras.__file__).parent / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, OBJECT) and node.name == name:
            return node
        if isinstance(node, ast.ImportFrom) and name in (a.asname or a.name for a in node.names):
            return definition(node.module.removeprefix("covid_keras."), name)
    raise LookupError(f"covid_keras.{module}: expected {name}. Received: no such definition")


def signature(found: OBJECT) -> str:
    """Return a function's or a class's call, one argument a line where it is long."""
    function = found
    if isinstance(found, ast.ClassDef):
        makers = [n for n in found.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        if not makers:
            return f"class {found.name}"
        (function,) = makers
    given = split_arguments(ast.unparse(function.args))
    line = ", ".join(argument for argument in given if argument != "self")
    returns = f" -> {ast.unparse(function.returns)}" if found is function and found.returns else ""
    if len(f"{found.name}({line}){returns}") <= 100:
        return f"{found.name}({line}){returns}"
    arguments = "".join(f"    {argument},\n" for argument in given if argument != "self")
    return f"{found.name}(\n{arguments}){returns}"


def split_arguments(line: str) -> list[str]:
    """Split at the commas that are outside of brackets."""
    arguments = re.split(r", (?![^\[(]*[\])])", line)
    return [re.sub(r"(: [^=]+)=", r"\1 = ", argument) for argument in arguments]


def sections(docstring: str) -> Iterator[str]:
    """Yield a Google-style docstring as paragraphs of Markdown."""
    first, *rest = SECTIONS.split(docstring)
    yield first.strip()
    for title, text in zip(rest[::2], rest[1::2], strict=True):
        text = inspect.cleandoc(text)
        if title.startswith("Example"):
            yield f"```pycon\n{text}\n```"
        elif title in ("Returns", "Yields"):
            yield f"{title}: {text}"
        else:
            items = re.sub(r"^(\w[\w., ]*): ", r"- `\1`: ", text, flags=re.M)
            yield f"{title}:\n\n{re.sub(r'^    ', '  ', items, flags=re.M)}"


def public_members(found: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield the documented public methods and properties of a class."""
    for node in found.body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        if text := ast.get_docstring(node):
            yield node.name, text


def first_sentence(text: str) -> str:
    """Return the first paragraph as one line."""
    return " ".join(text.split("\n\n")[0].split())


def command_page() -> str:
    """Return the reference of all commands."""
    parts = [
        MADE,
        "# Command line",
        "`covid-keras COMMAND --help` shows the same. Exit status: 0 success; 1 bad input, in one "
        "line, or as a command says below; 2 bad usage; 130 after Ctrl-C.",
    ]
    for name, command in commands(parser(), "covid-keras"):
        usage = " ".join([name, *(usage_of(action) for action in arguments(command))])
        example = (command.epilog or "").partition("\n")[2].strip()
        rows = [f"| `{spelled(a)}` | {help_of(a)} |" for a in arguments(command)]
        parts += [f"## {name}", command.description or "", f"```text\n{usage}\n```"]
        if rows:
            parts.append("\n".join(["| argument | |", "|---|---|", *rows]))
        if example:
            parts.append(f"Example: `{example}`")
    return "\n\n".join(parts) + "\n"


def commands(top: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, object]]:
    """Yield (full name, parser) of each command that has no sub-commands."""
    children = [a for a in top._actions if isinstance(a, argparse._SubParsersAction)]
    if not children:
        yield name, top
    for action in children:
        for word, child in action.choices.items():
            yield from commands(child, f"{name} {word}")


def arguments(command: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the arguments of a command, without --help."""
    return [action for action in command._actions if action.dest != "help"]


def usage_of(action: argparse.Action) -> str:
    """Return an argument as the usage line shows it."""
    text = spelled(action)
    return text if action.required and action.nargs != "?" else f"[{text}]"


def spelled(action: argparse.Action) -> str:
    """Return an argument with its values, such as `--seeds N [N ...]`."""
    value = action.metavar or action.dest.upper()
    if action.choices:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if isinstance(value, tuple):
        value = " ".join(value)
    elif action.nargs == "+":
        value = f"{value} [{value} ...]"
    words = [] if action.nargs == 0 else [value]
    return " ".join([*action.option_strings[-1:], *words])


def help_of(action: argparse.Action) -> str:
    """Return an argument's help and default."""
    text = (action.help or "").replace("%%", "%").replace("|", "\\|")
    default = action.default
    if default in (None, False, argparse.SUPPRESS) or default == [] or "default" in text:
        return text
    return f"{text}; default: `{default}`" if text else f"default: `{default}`"


PAGES = {"api.md": api_page, "command-line.md": command_page}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
        print(f"wrote docs/reference/{name}")
