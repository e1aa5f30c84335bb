# SPDX-License-Identifier: GPL-3.0-or-later
"""Size limits of C files. Relies on the format that format.sh proves: a definition has its return
type on a line of its own, its name in column 0, and its braces in column 0.

Callbacks whose signature another library dictates stand between NOLINTBEGIN and NOLINTEND comments,
which clang-tidy understands too; their parameters are not counted."""
import re
import sys

FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 6
NESTING_MAX = 4
FILE_LINES_MAX = 1000

NAME = re.compile(r"^([A-Za-z_]\w*)\(")
NOISE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def blank(match):
    """Comments and literals become blanks; lines stay where they are."""
    return re.sub(r"[^\n]", " ", match.group(0)) if match.group(0)[0] == "/" else "0"


def dictated_lines(text):
    """Lines between NOLINTBEGIN(readability-function-size) and its NOLINTEND."""
    lines, inside = set(), False
    for number, line in enumerate(text.split("\n")):
        if "NOLINTBEGIN(readability-function-size)" in line:
            inside = True
        elif "NOLINTEND(readability-function-size)" in line:
            inside = False
        elif inside:
            lines.add(number)
    return lines


def n_parameters(signature):
    inner = signature[signature.index("(") + 1 :]
    depth, commas = 1, 0
    for char in inner:
        depth += (char == "(") - (char == ")")
        if depth == 0:
            break
        commas += char == "," and depth == 1
    return commas + 1


def deepest_block(body):
    """How many blocks stand inside each other, the function's own counted and initialisers not; as
    clang-tidy's readability-function-size counts."""
    stack, deepest, before = [], 0, ")"
    for token in re.finditer(r"[{}]|[^\s{}]+", body):
        text = token.group(0)
        if text == "{":
            stack.append(before[-1:] in ");:{}" or before in ("else", "do"))
            deepest = max(deepest, sum(stack))
        elif text == "}" and stack:
            stack.pop()
        before = text
    return deepest


def functions(lines):
    """(name, first line, signature, body, last line) of each definition."""
    at = 0
    while at < len(lines):
        match = NAME.match(lines[at])
        brace = at
        while match and brace < len(lines) and lines[brace] != "{" and not lines[brace].endswith(";"):
            brace += 1
        if not match or brace >= len(lines) or lines[brace] != "{":
            at += 1
            continue
        end = lines.index("}", brace)
        yield match.group(1), at, " ".join(lines[at:brace]), "\n".join(lines[brace : end + 1]), end
        at = end + 1


def violations(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.count("\n") > FILE_LINES_MAX:
        yield f"{path}: {text.count(chr(10))} lines, at most {FILE_LINES_MAX}"
    dictated = dictated_lines(text)
    for name, first, signature, body, end in functions(NOISE.sub(blank, text).split("\n")):
        where = f"{path}:{first + 1}: {name}"
        if end - first + 1 > FUNCTION_LINES_MAX:
            yield f"{where} has {end - first + 1} lines, at most {FUNCTION_LINES_MAX}"
        if n_parameters(signature) > PARAMETERS_MAX and first not in dictated:
            yield f"{where} has {n_parameters(signature)} parameters, at most {PARAMETERS_MAX}"
        if deepest_block(body) > NESTING_MAX:
            yield f"{where} nests {deepest_block(body)} levels, at most {NESTING_MAX}"


def main(paths):
    for path in paths:
        for line in violations(path):
            print(line)


main(sys.argv[1:])
