from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from atisbo.client import ApiError, Client
from tests.conftest import PASSWORD, Service
from tests.pictures import jpeg, opened


def account(service: Service) -> str:
    name = f"client-{uuid4().hex[:8]}"
    service.register(name).close()
    return f"{name}@example.org"


def test_a_program_sends_a_picture_and_gets_mask_and_outline(service: Service, tmp_path: Path) -> None:
    frame = tmp_path / "frame.jpg"
    frame.write_bytes(jpeg(200, 150))
    with Client.sign_in(service.url, account(service), PASSWORD) as client:
        prediction = client.predict("polyp", frame, region={"x": 10, "y": 10, "width": 100, "height": 100})
        assert prediction["status"] == "done"
        assert prediction["image"]["file_name"] == "frame.jpg"
        assert opened(client.mask(prediction["id"])).size == (200, 150)
        assert opened(client.overlay(prediction["id"])).size == (200, 150)
        assert client.contours(prediction["id"])["width"] == 200
        client.delete_image(prediction["image"]["id"])
        with pytest.raises(ApiError) as caught:
            client.get(prediction["id"])
    assert (caught.value.status, caught.value.code) == (404, "prediction_unknown")


def test_a_picture_that_is_none_raises_with_the_sentence(service: Service) -> None:
    with (
        Client.sign_in(service.url, account(service), PASSWORD, language="es") as client,
        pytest.raises(ApiError, match="imagen") as caught,
    ):
        client.predict("polyp", b"no picture")
    assert caught.value.status == 415


def test_an_ended_access_token_is_renewed_once(service: Service) -> None:
    with Client.sign_in(service.url, account(service), PASSWORD) as client:
        client._http.headers["Authorization"] = "Bearer spoilt"
        assert client.predict("polyp", jpeg())["status"] == "done"
        assert client._http.headers["Authorization"] != "Bearer spoilt"


def test_a_wrong_password_is_an_error(service: Service) -> None:
    with pytest.raises(ApiError) as caught:
        Client.sign_in(service.url, "nobody@example.org", PASSWORD)
    assert caught.value.status == 401
