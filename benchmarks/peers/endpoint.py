"""FastAPI with Keras' ``predict`` in the endpoint, as published services of this kind have it."""

from __future__ import annotations

import sys
from typing import Any

import keras
import numpy as np
import uvicorn
import work
from fastapi import FastAPI, UploadFile
from keras import layers

app = FastAPI()


def twice(x: Any, width: int) -> Any:
    for _ in range(2):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return x


def unet(channels: tuple[int, ...] = (32, 64, 128, 256, 512)) -> keras.Model:
    """The same network as the others', layer by layer, with random weights."""
    entry = x = keras.Input((work.HEIGHT, work.WIDTH, 3))
    skips = []
    for width in channels[:-1]:
        x = twice(x, width)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = twice(x, channels[-1])
    for width, skip in zip(reversed(channels[:-1]), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(width, 2, strides=2)(x)
        x = twice(layers.Concatenate()([skip, x]), width)
    return keras.Model(entry, layers.Conv2D(1, 1)(x))


MODEL = unet()


@app.post("/predict")
async def predict(file: UploadFile) -> dict[str, Any]:
    pixels, size = work.opened(await file.read())
    values = pixels[np.newaxis].astype(np.float32) / work.CARD["input"]["scale"]
    return work.said(MODEL.predict(values, verbose=0)[0, ..., 0], size)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
