"""The same case as the page's, on a terminal and in files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from atisbo.cli import app


def test_the_case_is_worked_out_and_written(tmp_path: Path) -> None:
    table, page = tmp_path / "case.csv", tmp_path / "case.pdf"
    words = ["business", "clients=10", "--json", "--csv", str(table), "--pdf", str(page)]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0, said.output
    flows = json.loads(said.stdout)["flows"]
    assert flows == [-700, 2700, 2700, 2700]
    with table.open(newline="") as file:
        assert [float(row["cash_flow"]) for row in csv.DictReader(file)] == flows
    assert "Net present value" in PdfReader(page).pages[0].extract_text()


def test_an_assumption_that_is_none_is_named() -> None:
    said = CliRunner().invoke(app, ["business", "colour=3"])
    assert said.exit_code == 1
    assert "colour" in said.output


@pytest.mark.parametrize("option", ["--csv", "--pdf"])
def test_a_file_that_cannot_be_written_is_named(option: str, tmp_path: Path) -> None:
    for file, reason in ((tmp_path / "no" / "case", "there is no folder"), (tmp_path, "it is a folder")):
        said = CliRunner().invoke(app, ["business", option, str(file)])
        assert said.exit_code == 1
        assert f"{file} cannot be written: {reason}" in said.stderr
        assert not said.stdout
