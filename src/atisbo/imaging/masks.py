"""From a probability map to a mask, its regions and their outlines: the same for serving and for evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from atisbo.domain.cards import OutputSpec, Ratio
from atisbo.domain.findings import Polygon, RegionFinding, Ring, SegmentationFindings
from atisbo.domain.images import Region
from atisbo.domain.uncertainty import uncertainty
from atisbo.errors import Invalid

Scores = NDArray[np.float32]
"""(labels, height, width), float32, probabilities in 0..1 at the network's size."""
MaskPixels = NDArray[np.uint8]
"""(height, width), uint8, 0 where nothing is. With one label 255 on the object; with several each label has its own
:func:`grey`, later labels lying over earlier ones."""

LISTED_REGIONS: Final = 100
_TOLERANCE: Final = 0.75
"""Largest distance in pixels between an outline and its simplification."""


@dataclass(frozen=True)
class Segmentation:
    """A mask and what is said of it, both in the pixels of one picture."""

    mask: MaskPixels
    findings: SegmentationFindings
    layers: dict[str, MaskPixels]
    """Each label's own mask, 0 or 255, in the pixels of the analysed part."""

    def placed(self, box: Region, size: tuple[int, int]) -> Segmentation:
        """The same within the whole original.

        Args:
            box: where the analysed part lies; its width and height are the mask's.
            size: height and width of the original, pixels.
        """
        if size == self.mask.shape:
            return self
        box.inside(size[1], size[0])
        mask = np.zeros(size, np.uint8)
        mask[box.y : box.y + box.height, box.x : box.x + box.width] = self.mask
        regions = tuple(_moved(region, box.x, box.y) for region in self.findings.regions)
        update = {"regions": regions, "height": size[0], "width": size[1]}
        return replace(self, mask=mask, findings=self.findings.model_copy(update=update))


def segment(scores: Scores, size: tuple[int, int], output: OutputSpec) -> Segmentation:
    """Enlarge, cut, drop what is too small or reaches the threshold nowhere, describe what is left.

    The probabilities are enlarged bilinearly before they are cut, so that outlines are smooth at the original's size.

    Args:
        scores: (labels, h, w), float32, probabilities 0..1, one channel for each of ``output.labels``.
        size: height and width in pixels of the analysed part of the original.

    Raises:
        Invalid: the channels are not the labels.
    """
    if scores.ndim != 3 or scores.shape[0] != len(output.labels):
        raise Invalid("scores_shape", "The network's answer has another shape than its card says.")
    mask = np.zeros(size, np.uint8)
    regions: list[RegionFinding] = []
    layers: dict[str, MaskPixels] = {}
    doubts: list[float] = []
    for number, (label, channel) in enumerate(zip(output.labels, scores, strict=True)):
        peak = _probability(float(channel.max()))
        if peak < output.threshold:
            layers[label] = np.zeros(size, np.uint8)
            doubts.append(uncertainty(peak, output.threshold))
            continue
        large = _enlarged(channel, size)
        found, kept = _regions(label, large, output)
        regions += found
        layers[label] = kept
        if len(output.labels) == 1:
            mask = kept
        else:
            _lay(kept, mask, grey(number, len(output.labels)))
        doubts.append(uncertainty(_peak(large, kept), output.threshold) if found else 1.0)
    regions.sort(key=lambda region: -region.area_pixels)
    doubt = round(max(doubts), 6)
    peaks = scores.reshape(len(output.labels), -1).max(axis=1)
    findings = SegmentationFindings(
        label=output.labels[int(peaks.argmax())],
        probability=_probability(float(peaks.max())),
        threshold=output.threshold,
        area_percent=100 * cv2.countNonZero(mask) / mask.size if regions else 0.0,
        regions=tuple(regions[:LISTED_REGIONS]),
        empty=not regions,
        uncertainty=doubt,
        unsure=output.unsure_above is not None and doubt > output.unsure_above,
        width=size[1],
        height=size[0],
    )
    return Segmentation(mask, findings, layers)


def _lay(kept: MaskPixels, mask: MaskPixels, shade: np.uint8) -> None:
    """Put a label's own mask onto the mask of all."""
    x, y, width, height = cv2.boundingRect(kept)
    window = np.s_[y : y + height, x : x + width]
    np.copyto(mask[window], shade, where=kept[window] > 0)


def grey(number: int, labels: int) -> np.uint8:
    """What a mask's pixels have of label ``number``, from 0, of ``labels``."""
    return np.uint8(round(255 * (number + 1) / labels))


def ratios(layers: Mapping[str, MaskPixels], wanted: Sequence[Ratio]) -> dict[str, float]:
    """Measures made of two structures, from the largest region of each; the numerator counts within the denominator.

    Args:
        layers: (height, width), uint8, 0 or 255, by label; all of one size.

    Returns:
        By name; heights and widths are compared in pixels. One whose denominator is empty is left out.
    """
    found = {}
    for one in wanted:
        whole = _largest(layers[one.denominator])
        if whole.any():
            part = _largest(layers[one.numerator] & whole)
            found[one.name] = round(_extent(part, one.extent) / _extent(whole, one.extent), 4)
    return found


def _largest(layer: MaskPixels) -> MaskPixels:
    _, numbered, stats, _ = cv2.connectedComponentsWithStats(layer, connectivity=8, ltype=cv2.CV_32S)
    if len(stats) < 2:
        return np.zeros_like(layer)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return np.where(numbered == largest, np.uint8(255), np.uint8(0))


def _extent(region: MaskPixels, extent: str) -> int:
    """Height or width of the box around it in pixels, or its area in pixels."""
    _, _, width, height = cv2.boundingRect(region)
    return {"height": height, "width": width, "area": cv2.countNonZero(region)}[extent]


def _peak(channel: NDArray[np.float32], kept: MaskPixels) -> float:
    """The highest probability within a mask that is not empty."""
    x, y, width, height = cv2.boundingRect(kept)
    window = np.s_[y : y + height, x : x + width]
    return _probability(cv2.minMaxLoc(channel[window], kept[window])[1])


def _enlarged(channel: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    if channel.shape == size:
        return channel
    return np.asarray(cv2.resize(channel, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _regions(label: str, channel: NDArray[np.float32], output: OutputSpec) -> tuple[list[RegionFinding], MaskPixels]:
    """The regions of one label, largest first, and the mask of all that are large and probable enough."""
    mask = (channel >= np.float32(output.reach)).view(np.uint8) * np.uint8(255)
    left, top, wide, high = cv2.boundingRect(mask)
    if wide == 0:
        return [], mask
    window = np.s_[top : top + high, left : left + wide]
    part = np.ascontiguousarray(mask[window])
    _, numbered, stats, _ = cv2.connectedComponentsWithStats(part, connectivity=8, ltype=cv2.CV_32S)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    areas[0] = -1.0
    large = 100.0 * areas >= output.min_area_percent * mask.size
    if output.reach < output.threshold:
        reaching = np.zeros(len(large), dtype=bool)
        reaching[numbered[channel[window] >= np.float32(output.threshold)]] = True
        large &= reaching
    large[0] = False
    if not large[1:].all():
        mask[window] = np.where(large[numbered], np.uint8(255), np.uint8(0))
    chosen = [int(number) for number in np.argsort(-areas, kind="stable") if large[number]]
    found = []
    for number in chosen[:LISTED_REGIONS]:
        x, y, width, height, area = (int(value) for value in stats[number])
        own = np.asarray(numbered[y : y + height, x : x + width] == number, dtype=np.uint8)
        box = Region(x=left + x, y=top + y, width=width, height=height)
        found.append(
            RegionFinding(
                label=label,
                area_percent=100 * area / mask.size,
                area_pixels=area,
                probability=_probability(cv2.mean(channel[box.y : box.y + height, box.x : box.x + width], own)[0]),
                box=box,
                contour=_outline(own, box.x, box.y),
            )
        )
    return found, mask


def _outline(own: MaskPixels, x: int, y: int) -> tuple[Polygon, ...]:
    """Polygons of one region: one outer ring, and a ring for each hole."""
    contours, links = cv2.findContours(own, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(x, y))
    outer = [i for i in range(len(contours)) if links[0][i][3] < 0]
    return tuple(
        (_ring(contours[i]), *(_ring(contours[j]) for j in range(len(contours)) if links[0][j][3] == i)) for i in outer
    )


def _ring(contour: MatLike) -> Ring:
    simple = cv2.approxPolyDP(contour, _TOLERANCE, closed=True)
    points = [(int(x), int(y)) for x, y in (simple if len(simple) > 2 else contour)[:, 0]]
    while len(points) < 3:
        points.append(points[-1])
    return (*points, points[0])


def _probability(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 6)


def _moved(region: RegionFinding, dx: int, dy: int) -> RegionFinding:
    box = region.box.model_copy(update={"x": region.box.x + dx, "y": region.box.y + dy})
    contour = tuple(tuple(tuple((x + dx, y + dy) for x, y in ring) for ring in polygon) for polygon in region.contour)
    return region.model_copy(update={"box": box, "contour": contour})
