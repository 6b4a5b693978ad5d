"""An ONNX file in MLServer: its inputs and outputs as they are."""

from __future__ import annotations

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor
from mlserver.utils import get_model_uri

_TYPES = {"tensor(float)": "FP32"}


class Network(MLModel):
    async def load(self) -> bool:
        path = await get_model_uri(self.settings)
        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.inputs = [_described(one) for one in self._session.get_inputs()]
        self.outputs = [_described(one) for one in self._session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        values = {one.name: NumpyCodec.decode_input(one) for one in payload.inputs}
        names = [one.name for one in self.outputs]
        answers = self._session.run(names, values)
        outputs = [NumpyCodec.encode_output(name, value) for name, value in zip(names, answers, strict=True)]
        return InferenceResponse(model_name=self.name, outputs=outputs)


def _described(one: onnxruntime.NodeArg) -> MetadataTensor:
    shape = [side if isinstance(side, int) else -1 for side in one.shape]
    return MetadataTensor(name=one.name, datatype=_TYPES[one.type], shape=shape)
