"""Every citation in code and docs resolves: sections of `docs/dli-api.md`, pages of the public reference, links."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
API = ROOT / "docs" / "dli-api.md"
PAGES = ROOT / "docs" / "dli-pages.txt"

_NUMBER = r"\d+(?:\.\d+)?"
_CITATION = re.compile(
    rf"\bdli-api(?!\.md|[\w-])[\s#]*(?P<sections>{_NUMBER}(?:(?:, | to | and ){_NUMBER})*)?(?:, row (?P<row>\d+))?"
)
_OLD_FORM = re.compile(rf"\b(?:api-)?contract\s+(?:section )?{_NUMBER}", re.IGNORECASE)
_PAGE = re.compile(r"\b(?:dli_\d\d_\d{4}\d?|en-us_topic_\d+)\b")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:|mailto:)([^)\s#]*)(?:#([^)\s]+))?\)")
_NAMED_DOC = re.compile(r"(?<![\w/.-])docs/[\w-]+\.md\b")


def texts() -> list[Path]:
    """Code and docs of the repository; this file cites nothing, it holds examples of what does not resolve."""
    folders = ("pulumi_dli", "tests", "benchmarks", "examples", "docs")
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in (".py", ".md")]
    return [path for path in (*found, *sorted(ROOT.glob("*.md")), ROOT / "pyproject.toml") if path != Path(__file__)]


def sections(document: str) -> dict[str, set[str]]:
    """The numbered sections of the page, each with the numbered rows of its tables."""
    found: dict[str, set[str]] = {}
    current = ""
    for line in document.splitlines():
        if heading := re.match(rf"#+ ({_NUMBER})\.? ", line):
            current = heading[1]
            found[current] = set()
        elif current and (row := re.match(r"\| (\d+) \|", line)):
            found[current].add(row[1])
    return found


def unresolved(text: str, known: dict[str, set[str]], pages: set[str]) -> list[str]:
    """The citations of a text that lead nowhere."""
    wrong = [match[0] for match in _OLD_FORM.finditer(text)]
    for match in _CITATION.finditer(text):
        cited = re.findall(_NUMBER, match["sections"] or "")
        if not cited or not set(cited) <= set(known) or (match["row"] and match["row"] not in known[cited[-1]]):
            wrong.append(match[0])
    return wrong + [page for page in _PAGE.findall(text) if page not in pages]


def anchors(markdown: str) -> set[str]:
    """The anchors that a page's headings get, as GitHub makes them."""
    code = re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", code, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def listed_pages() -> list[str]:
    return [line.split()[0] for line in PAGES.read_text().splitlines() if not line.startswith("#")]


TEXTS = texts()
KNOWN = sections(API.read_text())


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_citation_leads_somewhere(path: Path) -> None:
    assert unresolved(path.read_text(), KNOWN, set(listed_pages())) == []


def test_the_list_of_pages_is_sorted_and_each_is_cited() -> None:
    pages = listed_pages()
    assert all(before < after for before, after in pairwise(pages))
    cited = {page for path in TEXTS for page in _PAGE.findall(path.read_text())}
    assert set(pages) == cited


@pytest.mark.parametrize("path", [p for p in TEXTS if p.suffix == ".md"], ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target, anchor in _LINK.findall(text):
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), f"{target}#{anchor}"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_page_of_docs_that_is_named_exists(path: Path) -> None:
    assert [name for name in _NAMED_DOC.findall(path.read_text()) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    "text",
    [
        "(contract 6.3)",
        "Contract 5.8: a path",
        "(dli-api 6.99)",
        "(dli-api 6.1, 99)",
        "(dli-api 4 to 70)",
        "(dli-api 10, row 999)",
        "see dli-api",
        "# (dli-api\n# 77.1)",
        "dli_02_9999",
        "dli_02_02300",
    ],
)
def test_a_citation_of_nothing_is_found(text: str) -> None:
    assert unresolved(text, KNOWN, set(listed_pages()))


@pytest.mark.parametrize(
    "text",
    ["(dli-api 6.3)", "# (dli-api\n# 4.5)", "dli-api 4 to 7", "dli-api 10, row 17", "docs/dli-api.md", "dli_02_0230"],
)
def test_a_citation_of_something_is_left_in_peace(text: str) -> None:
    assert unresolved(text, KNOWN, set(listed_pages())) == []
