"""The curators' pages of datasets, without a browser."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from atisbo.services import snapshots
from atisbo.services.work import Workplace
from tests.web.doors import Door
from tests.web.test_datasets import House, house, made  # noqa: F401 -- fixtures


def ask(door: Door, method: str, path: str, language: str = "en", **more: Any) -> httpx.Response:
    async def answer() -> httpx.Response:
        headers = {**door.headers, "Accept": "text/html", "Accept-Language": language}
        transport = httpx.ASGITransport(door.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers) as client:
            return await client.request(method, path, **more)

    return asyncio.run(answer())


@pytest.mark.parametrize(("language", "words"), [("en", "Known gaps"), ("es", "Carencias conocidas")])
def test_a_dataset_has_a_page_in_both_languages(house: House, made: str, language: str, words: str) -> None:  # noqa: F811
    cleo = house["cleo"]
    assert "Spring" in ask(cleo, "GET", "/manage/datasets", language).text
    page = ask(cleo, "GET", f"/manage/datasets/{made}", language).text
    said = cleo.get(f"/datasets/{made}").json()
    assert words in page
    assert said["sha256"] in page
    assert re.search(r'<time datetime="\d{4}-\d\d-\d\dT[^"]+">', page), "a script brings it to the reader's clock"
    assert page.count(f"/api/v1/datasets/{made}/items/") == 2 * (12 - said["counts"]["test"])
    assert f"/manage/datasets/{made}?split=test" not in page
    assert f"/manage/datasets/{made}?split=test" in ask(house["kim"], "GET", f"/manage/datasets/{made}").text


def test_from_the_form_to_the_page(
    house: House,  # noqa: F811
    workplace: Workplace,
    describe: snapshots.Describe,
) -> None:
    cleo = house["cleo"]
    form = ask(cleo, "GET", "/manage/datasets/new?application=eye").text
    assert "<strong>12</strong>" in form
    assert "suspected glaucoma" in form
    counted = ask(cleo, "GET", "/manage/datasets/count?application=eye&labels=normal")
    assert "<strong>6</strong>" in counted.text
    assert "<html" not in counted.text
    assert ask(cleo, "GET", "/manage/datasets/count?application=eye&since=yesterday").status_code == 422
    nameless = ask(cleo, "POST", "/manage/datasets", data={"application": "eye", "name": " ", "labels": "normal"})
    assert nameless.status_code == 422
    assert 'value="normal" checked' in nameless.text
    sent = ask(cleo, "POST", "/manage/datasets", data={"application": "eye", "name": "From a form"})
    assert sent.status_code == 303
    address = sent.headers["location"]
    assert 'http-equiv="refresh"' in ask(cleo, "GET", address).text
    number = address.rsplit("/", 1)[1]
    snapshots.build(workplace, dataset_id=cleo.get(f"/datasets/{number}").json()["id"], describe=describe)
    assert 'http-equiv="refresh"' not in ask(cleo, "GET", address).text


def test_who_deletes_an_image_reads_where_it_was(house: House, made: str) -> None:  # noqa: F811
    page = ask(house["ana"], "GET", f"/images/{house.images[0]}/deletion").text
    assert "Spring" in page
    assert "It leaves them now" in page
    assert ask(house["eva"], "GET", f"/images/{house.images[0]}/deletion").status_code == 404
    assert "Spring" in ask(house["ana"], "GET", "/account").text


def test_only_curators_come_in(house: House, made: str) -> None:  # noqa: F811
    for path in ("", "/new", f"/{made}", "/count?application=eye"):
        assert ask(house["ana"], "GET", f"/manage/datasets{path}").status_code == 403, path
    assert ask(house["cleo"], "GET", f"/manage/datasets/{made}?split=test").status_code == 403
    opened = ask(house["kim"], "GET", f"/manage/datasets/{made}?split=test")
    assert "You opened the sealed part" in opened.text
