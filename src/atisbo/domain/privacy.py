"""What in a free text looks as if it named a person: warnings for whoever writes it, never a verdict.

Written for Spanish and English notes beside an image. It errs on the side of silence: makers of cameras, eponyms of
signs, recent dates and measured values pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from atisbo.domain import persons

Kind = Literal["name", "birth", "record", "contact"]
_OLD_YEARS: Final = 5
"""A full date older than this is taken for a date of birth; a younger one for the day of the photograph."""


def _(message: str) -> str:
    """Marks a sentence for translation."""
    return message


SENTENCES: Final[dict[Kind, str]] = {
    "name": _("“{found}” looks like a person's name. Leave names out."),
    "birth": _("“{found}” looks like a date of birth. Give an age band instead."),
    "record": _("“{found}” looks like a record or identity number. Leave it out."),
    "contact": _("“{found}” looks like a telephone number or an address. Leave it out."),
}


@dataclass(frozen=True)
class Suspicion:
    """One passage and what it looks like; ``message`` is an English sentence with the gap ``found``."""

    kind: Kind
    found: str

    @property
    def message(self) -> str:
        return SENTENCES[self.kind]


_MONTHS: Final = {
    name: number
    for names in (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "ene feb mar abr may jun jul ago sep oct nov dic",
    )
    for number, name in enumerate(names.split(), 1)
}
_MONTH: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES: Final = (
    re.compile(r"\b(?P<y>(?:19|20)\d\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})\b"),
    re.compile(r"\b(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>(?:19|20)?\d\d)\b"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:de\s+)?(?P<m>{_MONTH})\.?,?\s+(?:del?\s+)?(?P<y>(?:19|20)\d\d)\b",
        re.I,
    ),
    re.compile(rf"\b(?P<m>{_MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>(?:19|20)\d\d)\b", re.I),
)
_BORN: Final = re.compile(
    r"\b(?:nacid[oa]|nacimiento|nac\.|f\.?\s?n(?:ac)?(?:\.|\b)|d\.?o\.?b\.?|born|birth(?:day|date)?|cumpleaños)[^\d]{0,25}$",
    re.I,
)
_RECORD: Final = re.compile(
    r"\b(?:NHC|N\.?H\.?C\.?|historia(?:\s+cl[ií]nica)?|expediente|MRN|(?:medical\s+)?record|chart|patient\s+id|"
    r"id\s+(?:del?\s+)?paciente|NUHSA|CIPA?|SIP|TSI|NHS|DNI|NIE|NIF|CURP|RUT|c[eé]dula|pasaporte|passport|SSN|NSS|"
    r"seguridad\s+social|social\s+security|case|caso)"
    r"[\s:.#]*(?:(?:n[º°.o]*|no\.?|núm\.?|num(?:ber)?|número)[\s:.#]*)?(?P<number>[A-Z]{0,4}[-/]?\d[\d./-]{3,}[A-Z]?)\b",
    re.I,
)
_DNI: Final = re.compile(r"\b(?P<first>[XYZ]|\d)(?P<rest>\d{7})[- ]?(?P<letter>[A-Z])\b")
_SSN: Final = re.compile(r"\b\d{3}-\d{2}-\d{4}\b")
_LONG: Final = re.compile(r"(?<![\d.,+])\d{7,}(?![\d.,]*\d)\b(?!\s*(?:px|pix|byte|[kMG]B|µm|um))")
_MAIL: Final = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]{2,}\b")
_PHONE: Final = re.compile(
    r"(?<![\d.,])(?:\+\d{1,3}[ -]?\d(?:[ -]?\d){7,11}|[6789]\d\d(?:[ -]\d{3}){2}|[6789]\d\d(?:[ -]\d\d){3})(?![\d.,])"
)
_WORD: Final = r"[A-ZÁÉÍÓÚÜÑÇ][\wÁÉÍÓÚÜÑáéíóúüñç'’-]+"
_TITLED: Final = re.compile(
    rf"\b(?:Sra?|Srta|Don|Doña|D|Dña|Dra?|Mr|Mrs|Ms|Miss|Prof)\b\.?[ª]?\s+(?P<name>{_WORD}(?:\s+{_WORD}){{0,2}})"
)
_SAID: Final = re.compile(
    rf"(?:\b(?i:paciente|patient|nombre|name|se\s+llama|llamad[oa]|called))(?::|\s+is|\s+es)?\s+"
    rf"(?P<name>{_WORD}(?:\s+{_WORD}){{0,3}})"
)
_CAPITALS: Final = re.compile(rf"{_WORD}(?:,?\s+(?:(?:de|del|la|los|y)\s+)*{_WORD})+")


def suspicions(text: str, *, today: date) -> list[Suspicion]:
    """What may identify a person, in the text's order; each passage once."""
    found: list[tuple[int, int, Suspicion]] = []
    for kind, start, end in (*_contacts(text), *_births(text, today), *_records(text), *_names(text)):
        if not any(start < other_end and other_start < end for other_start, other_end, _ in found):
            found.append((start, end, Suspicion(kind, text[start:end])))
    return [suspicion for _, _, suspicion in sorted(found, key=lambda entry: entry[0])]


Passage = tuple[Kind, int, int]


def _contacts(text: str) -> list[Passage]:
    return [("contact", *match.span()) for pattern in (_MAIL, _PHONE) for match in pattern.finditer(text)]


def _births(text: str, today: date) -> list[Passage]:
    found: list[Passage] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            day = _day(match, today)
            old = day is not None and (today - day).days > _OLD_YEARS * 365
            if day is not None and (old or _BORN.search(text[: match.start()])):
                found.append(("birth", *match.span()))
    return found


def _day(match: re.Match[str], today: date) -> date | None:
    year = int(match["y"])
    if year < 100:
        year += 1900 if 2000 + year > today.year else 2000
    month = int(match["m"]) if match["m"].isdigit() else _MONTHS[match["m"].lower()]
    for m, d in ((month, int(match["d"])), (int(match["d"]), month)):
        try:
            return date(year, m, d)
        except ValueError:
            continue
    return None


def _records(text: str) -> list[Passage]:
    found: list[Passage] = [("record", *match.span("number")) for match in _RECORD.finditer(text)]
    for match in _DNI.finditer(text):
        number = int({"X": "0", "Y": "1", "Z": "2"}.get(match["first"], match["first"]) + match["rest"])
        if "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == match["letter"]:
            found.append(("record", *match.span()))
    return found + [("record", *match.span()) for pattern in (_SSN, _LONG) for match in pattern.finditer(text)]


def _names(text: str) -> list[Passage]:
    found: list[Passage] = []
    for pattern in (_TITLED, _SAID):
        for match in pattern.finditer(text):
            if persons.plain(match["name"].split()[0]) not in persons.ORDINARY:
                found.append(("name", *match.span("name")))
    for match in _CAPITALS.finditer(text):
        if persons.named(match.group(), before=text[: match.start()]):
            found.append(("name", *match.span()))
    return found
