from __future__ import annotations

import time
from datetime import date

import pytest

from atisbo.domain.privacy import suspicions

TODAY = date(2026, 11, 21)


def seen(text: str) -> list[tuple[str, str]]:
    return [(suspicion.kind, suspicion.found) for suspicion in suspicions(text, today=TODAY)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Paciente María García, 60 años", "María García"),
        ("GARCIA LOPEZ, MARIA", "GARCIA LOPEZ, MARIA"),
        ("Visto por el Dr. Etxeberria hoy", "Etxeberria"),
        ("John Smith, second visit", "John Smith"),
        ("patient: Ana Ruiz", "Ana Ruiz"),
        ("se llama Aurelia", "Aurelia"),
        ("Etxeberria, Ana", "Etxeberria, Ana"),
        ("José de la Cruz", "José de la Cruz"),
    ],
)
def test_names(text: str, found: str) -> None:
    assert seen(text) == [("name", found)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nacido el 03/05/1956", "03/05/1956"),
        ("DOB 2024-02-03", "2024-02-03"),
        ("03/05/56", "03/05/56"),
        ("born May 3, 1956", "May 3, 1956"),
        ("el 3 de mayo de 1956", "3 de mayo de 1956"),
        ("FN: 1.2.2024", "1.2.2024"),
    ],
)
def test_dates_of_birth(text: str, found: str) -> None:
    assert seen(text) == [("birth", found)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NHC 123456", "123456"),
        ("NHC: 12.345.678", "12.345.678"),
        ("historia clínica nº 445566", "445566"),
        ("MRN 00123456", "00123456"),
        ("patient id AB-12345", "AB-12345"),
        ("12345678Z", "12345678Z"),
        ("X1234567L", "X1234567L"),
        ("123-45-6789", "123-45-6789"),
        ("4485739201", "4485739201"),
    ],
)
def test_record_and_identity_numbers(text: str, found: str) -> None:
    assert seen(text) == [("record", found)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tel 612 345 678", "612 345 678"),
        ("+34 612345678", "+34 612345678"),
        ("ana@example.org", "ana@example.org"),
    ],
)
def test_ways_to_reach_somebody(text: str, found: str) -> None:
    assert seen(text) == [("contact", found)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Canon CR-2 AF, 45 grados",
        "Topcon TRC-NW400, Zeiss Visucam 500, Carl Zeiss Meditec",
        "Hospital Clínico San Carlos",
        "Marcus Gunn pupil absent; Van Herick IV; Henry Schein lens",
        "PIO 21,5 mmHg a las 10:30; IOP 18 mmHg, CCT 545 µm",
        "photographed on 2026-10-02, foto del 02/10/2026",
        "Paciente: Mujer de 60 años",
        "Patient Male, 70",
        "Paciente Varón miope",
        "Disc Damage Likelihood Scale 4",
        "Excavación 0.7 vertical, Nerve Fibre Layer 85.5",
        "OD 20/40, OS 20/25, MD -12.34 dB, PSD 8.9",
        "Good quality. May need repeat in 2025",
        "Humphrey 24-2 SITA Standard",
        "Papila inclinada. Rosa pálido",
        "version 3.14159265, 3000000 px, area 1234567.8",
        "case 3 of the series, record 12",
        "12345678A",
    ],
)
def test_what_only_looks_like_it_passes(text: str) -> None:
    assert seen(text) == []


def test_several_in_one_text_come_in_its_order_and_once() -> None:
    text = "Sra. Ana Ruiz (NHC 123456), nacida el 3/5/1956, 612 345 678"
    assert [kind for kind, _ in seen(text)] == ["name", "record", "birth", "contact"]


@pytest.mark.parametrize(
    "text", ["a" * 2000, "A " * 1000, "Aa, " * 500, "1" * 2000, "nac " * 500, "a.@" * 660, " " * 2000]
)
def test_a_text_made_to_be_slow_is_not(text: str) -> None:
    start = time.perf_counter()
    suspicions(text, today=TODAY)
    assert time.perf_counter() - start < 1.0
