"""What is wrong with a corpus, said so that a newcomer can mend it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One violation of one rule.

    Attributes
    ----------
    file : str
        Path below the corpus folder, such as ``data/findings.csv``.
    line : int
        Line in that file, counted from 1; 0 where the file as a whole is meant.
    field : str
        Column or field, empty where the line as a whole is meant.
    value : str
        What stands there now.
    reason, remedy : str
        Why it is refused, and what to do.
    """

    file: str
    line: int
    field: str
    value: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        value = " ".join(self.value.split())
        value = value if len(value) <= 80 else value[:77] + "..."
        what = " ".join(part for part in (self.field, f'"{value}"' if value else "") if part)
        return f"{where}: {what + ': ' if what else ''}{self.reason}. {self.remedy}."


class CorpusError(ValueError):
    """A corpus that cannot be used; `problems` says what is wrong and where."""

    def __init__(self, message: str, problems: list[Problem] | None = None):
        self.problems = problems or []
        shown = [str(problem) for problem in self.problems[:20]]
        if len(self.problems) > len(shown):
            shown.append(f"... and {len(self.problems) - len(shown)} more; `litbench check` lists all")
        super().__init__("\n".join([message, *shown]))
