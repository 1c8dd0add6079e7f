"""The codebook: themes in their domains, when to use each and when not, and the terms that suggest it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from litbench._problems import CorpusError

NO_THEME = "none"  # the theme column of a finding that a coder read and gave no theme

_TEXTS = ("label", "definition", "use_when", "not_when", "example", "near_miss")


@dataclass(frozen=True)
class Domain:
    """A group of themes."""

    id: str
    label: str
    definition: str


@dataclass(frozen=True)
class Theme:
    """One theme of the codebook.

    Attributes
    ----------
    id, domain, label : str
    definition, use_when, not_when : str
        What it is, and its borders.
    example, near_miss : str
        A statement that gets it, and one that looks like it but does not.
    since : int
        The codebook round that brought it: 1 the themes both coders used, 2 those added at adjudication.
    replaces : tuple of str
        Ids of themes that it took over.
    retired : str
        Why and in favour of what it is no longer used; empty for a theme in use.
    terms, exclude : tuple of str
        Patterns that suggest it (`litbench.tagging`), and those inside which they do not count.
    """

    id: str
    domain: str
    label: str
    definition: str
    use_when: str
    not_when: str
    example: str
    near_miss: str
    since: int
    replaces: tuple[str, ...] = ()
    retired: str = ""
    terms: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Codebook:
    """Domains and themes, in the codebook's order.

    Attributes
    ----------
    version : int
    domains : tuple of Domain
    themes : tuple of Theme
    held_out : tuple of str
        Citation keys of studies that were not read when the terms were written, on which these are scored.
    """

    version: int
    domains: tuple[Domain, ...]
    themes: tuple[Theme, ...] = field(repr=False)
    held_out: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, path: str | Path) -> Codebook:
        """Read ``codebook.yaml``.

        Raises
        ------
        CorpusError
            For a file that is not YAML, a theme without a required text, an unknown domain, or an id used twice.
        """
        path = Path(path)
        try:
            # The C loader is ten times as fast; both are safe loaders.
            content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except FileNotFoundError:
            raise CorpusError(f"{path} is not there. A corpus needs its codebook.") from None
        except UnicodeDecodeError as error:
            raise CorpusError(f"{path.name} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
        except yaml.YAMLError as error:
            raise CorpusError(
                f"{path.name} is not valid YAML: {' '.join(str(error).split())}. Mend it there."
            ) from None
        return cls._from(content, path.name)

    @classmethod
    def _from(cls, content: Any, file: str) -> Codebook:
        def refuse(reason: str) -> CorpusError:
            return CorpusError(f"{file}: {reason}. See the other themes for the form.")

        if not isinstance(content, dict) or not all(name in content for name in ("version", "domains", "themes")):
            raise refuse("needs `version`, `domains` and `themes`")
        try:
            domains = tuple(Domain(**domain) for domain in content["domains"])
        except TypeError as error:
            raise refuse(f"a domain has the wrong fields ({error})") from None
        known = {domain.id for domain in domains}
        themes: list[Theme] = []
        for number, entry in enumerate(content["themes"], 1):
            name = entry.get("id", f"number {number}") if isinstance(entry, dict) else f"number {number}"
            try:
                theme = Theme(
                    **{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
                )
            except (TypeError, AttributeError) as error:
                raise refuse(f"theme {name} has the wrong fields ({error})") from None
            if empty := [
                text for text in _TEXTS if not isinstance(getattr(theme, text), str) or not getattr(theme, text)
            ]:
                raise refuse(f"theme {name} has no {empty[0]}")
            if theme.domain not in known:
                raise refuse(f"theme {name} is in the domain {theme.domain!r}, which is not listed under `domains`")
            if theme.id == NO_THEME or theme.id in {other.id for other in themes}:
                raise refuse(f"the theme id {name} is used twice or reserved")
            themes.append(theme)
        return cls(int(content["version"]), domains, tuple(themes), tuple(content.get("held_out", ())))

    def __len__(self) -> int:
        return len(self.themes)

    def __getitem__(self, theme: str) -> Theme:
        for one in self.themes:
            if one.id == theme:
                return one
        raise KeyError(f"no theme {theme!r} in the codebook")

    def to_frame(self) -> pd.DataFrame:
        """Return the themes, a row each.

        Columns ``theme, domain, label, definition, use_when, not_when, example, near_miss, since, retired``;
        ``domain`` is a category in the codebook's order.
        """
        frame = pd.DataFrame(
            [
                {"theme": theme.id, "domain": theme.domain}
                | {text: getattr(theme, text) for text in _TEXTS}
                | {"since": theme.since, "retired": theme.retired}
                for theme in self.themes
            ]
        )
        return frame.astype(
            {"theme": "str", "domain": pd.CategoricalDtype([domain.id for domain in self.domains])}
            | dict.fromkeys((*_TEXTS, "retired"), "str")
        )
