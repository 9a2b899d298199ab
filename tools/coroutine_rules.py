"""The forms of co_await that g++ 12 compiles into broken programs, as far as text can show them.

docs/compilers.md tells the faults and the safe forms. A statement that only looks like one of these
is excused by a comment on one of its lines: `// gcc12-safe: reason`.
"""
import re

OPENING, CLOSING = "([{", ")]}"
CONDITION = re.compile(r"\b(if|while|for|switch)\s*$")
CAPTURE = re.compile(r"(?<![\w\])])\[([^\[\]]*)\]\s*(?:\(|\{|mutable\b|noexcept\b|->)")
FORMS = [
    (re.compile(r"[(,]\s*\{"), "brace list in a statement with co_await: name the value first"),
    (re.compile(r"\?"), "?: in a statement with co_await: use if and else"),
    (re.compile(r"\bnew\b"), "new in a statement with co_await: use make_unique or a named local"),
]


def opens_block(code, brace):
    """Whether the brace opens a block, not an initializer. clang-format writes a space before a block only."""
    before = code[:brace].rstrip()
    return len(before) < brace and not before.endswith(("(", ",", "=", "return"))


def condition_before(code, parenthesis):
    """The keyword whose condition the parenthesis opens, or None."""
    head = CONDITION.search(code[max(0, parenthesis - 20):parenthesis])
    return head.group(1) if head else None


def statement_around(code, at):
    """The full statement around a position, and the keyword in whose condition the position is, or None."""
    keyword, begin = None, at
    depth = 0
    while begin > 0:
        char = code[begin - 1]
        if char in CLOSING:
            if char == "}" and depth == 0:
                break
            depth += 1
        elif char in OPENING:
            if depth > 0:
                depth -= 1
            elif char == "{" and opens_block(code, begin - 1):
                break
            elif char == "(" and keyword is None:
                keyword = condition_before(code, begin - 1)
        elif char == ";" and depth == 0 and not in_header(code, begin - 1):
            break
        begin -= 1
    end, depth = at, 0
    while end < len(code) and not (code[end] == ";" and depth <= 0):
        depth += (code[end] in OPENING) - (code[end] in CLOSING)
        if depth < 0 and code[end] == "}":
            break
        end += 1
    return begin, end, keyword


def in_header(code, semicolon):
    """Whether a semicolon separates the parts of an if, for or switch header."""
    depth = 0
    for at in range(semicolon - 1, -1, -1):
        if code[at] in CLOSING:
            depth += 1
        elif code[at] in OPENING:
            depth -= 1
            if depth < 0:
                return code[at] == "(" and condition_before(code, at) is not None
    return False


def is_initializer_of_if(code, at):
    """Whether the co_await stands before the semicolon of `if (auto r = co_await x; !r)`."""
    depth = 0
    for char in code[at:]:
        depth += (char in OPENING) - (char in CLOSING)
        if depth < 0:
            return False
        if char == ";" and depth == 0:
            return True
    return False


def without_blocks(statement):
    """The statement with the bodies of its lambdas blanked: they are statements of their own."""
    text, blanked_until = list(statement), 0
    for at, char in enumerate(statement):
        if char != "{" or at < blanked_until or not opens_block(statement, at):
            continue
        depth = 0
        for inner in range(at, len(statement)):
            depth += (statement[inner] == "{") - (statement[inner] == "}")
            if depth == 0:
                break
            if inner > at and statement[inner] != "\n":
                text[inner] = " "
        blanked_until = inner
    return "".join(text)


def copies_something(captures):
    """Whether a capture list holds more than references: a reference or `this` has no destructor to run twice."""
    return any(item.strip() != "this" and not item.strip().startswith("&") for item in captures.split(",") if item.strip())


def findings(code, raw_lines):
    """Yields (line, message) for a file's text with comments and literals blanked, and its original lines."""
    for found in re.finditer(r"\bco_await\b", code):
        begin, end, keyword = statement_around(code, found.start())
        first, line, last = (code.count("\n", 0, at) for at in (begin, found.start(), end))
        if any("// gcc12-safe: " in text for text in raw_lines[first:last + 1]):
            continue
        if keyword and not (keyword == "if" and is_initializer_of_if(code, found.start())):
            yield line + 1, f"co_await in the condition of {keyword}: await into a local first"
        statement = without_blocks(code[begin:end])
        for form, message in FORMS:
            if form.search(statement):
                yield line + 1, message
        if any(copies_something(lambda_.group(1)) for lambda_ in CAPTURE.finditer(statement)):
            yield line + 1, "lambda that captures by value in a statement with co_await: name the lambda first"
