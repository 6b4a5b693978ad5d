"""LitServe. With ONNX Runtime as its documentation shows it; with our engine also in the groups that it offers."""

import sys
from typing import Any

import litserve
import numpy as np
import work


class Outlines(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002 -- the name that LitServe gives it
        self._engine = work.ENGINES[work.ENGINE]()

    def decode_request(self, request):  # a type here would make it a field of the query
        return work.opened(request["file"].file.read())

    def predict(self, asked: Any) -> Any:
        pixels, size = asked
        return self._engine(pixels[np.newaxis])[0], size

    def encode_response(self, output: Any) -> dict[str, Any]:
        return work.said(*output)


class InGroups(Outlines):
    def batch(self, inputs: list[Any]) -> list[Any]:
        return list(inputs)

    def predict(self, asked: Any) -> Any:
        logits = self._engine(np.stack([pixels for pixels, _ in asked]))
        return [(one, size) for one, (_, size) in zip(logits, asked, strict=True)]

    def unbatch(self, output: list[Any]) -> list[Any]:
        return output


if __name__ == "__main__":
    groups = InGroups(max_batch_size=4, batch_timeout=0.005)
    served = groups if work.ENGINE == "openvino" else Outlines()
    server = litserve.LitServer(served, accelerator="cpu", timeout=60)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
