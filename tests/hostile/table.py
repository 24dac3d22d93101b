"""A table in tests/README.md that a program of this folder writes with --refresh, and checks without."""
import pathlib

README = pathlib.Path(__file__).resolve().parent.parent / "README.md"
END = "<!-- end -->\n"


class Table:
    """The rows by their first column, and what stands around them."""

    def __init__(self, program, *columns):
        begin = f"<!-- written by hostile/{program} --refresh -->\n"
        self.head, found, rest = README.read_text(encoding="utf-8").partition(begin)
        if not found:
            raise RuntimeError(f"{README} has no line {begin}")
        self.head += begin
        table, _, self.tail = rest.partition(END)
        self.columns = columns
        rows = [line + "\n" for line in table.splitlines() if line.startswith("| ")][1:]
        self.rows = {line[2:].split(" | ")[0]: line for line in rows}

    def write(self, rows):
        table = f"| {' | '.join(self.columns)} |\n{'|---' * len(self.columns)}|\n" + "".join(rows.values())
        README.write_text(self.head + table + END + self.tail, encoding="utf-8")


def cell(text):
    return text.replace("|", "\\|")


def code(text):
    """@text as Markdown code, whatever it holds."""
    tick = "``" if "`" in text else "`"
    return f"{tick}{cell(text)}{tick}"
