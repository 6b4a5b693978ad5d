"""The sections of a recipe: every knob, its meaning and its unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from atisbo.domain.cards import Ratio, Strict

Extent = Literal["height", "width", "area"]
Chance = Annotated[float, Field(ge=0, le=1)]

SEGMENTATION = ("unet", "resnet50v2_unet", "mobilenetv2_unet")
CLASSIFICATION = ("vgg19", "artcnn", "resnet50v2", "mobilenetv2", "squeezenet1_1")


class NetworkRecipe(Strict):
    """Which network."""

    kind: Literal[
        "unet", "resnet50v2_unet", "mobilenetv2_unet", "vgg19", "artcnn", "resnet50v2", "mobilenetv2", "squeezenet1_1"
    ]
    """The first three outline, the others classify."""
    channels: tuple[int, ...] = ()
    """Outlining. ``unet``: channels of each level, top first. Others: of the decoder's levels, bottom first."""
    encoder_weights: str = ""
    """File of pretrained weights in the folder given by ``--weights``; empty starts at random."""
    frozen: tuple[str, ...] = ()
    """Parameters whose name starts with one of these are not trained."""
    pooled_levels: int = Field(default=1, ge=1, le=4)
    """Classification: averages over the image of so many of the encoder's deepest levels, side by side."""
    deepest_gain: float = Field(default=1.0, gt=0)
    """ResNet-50 v2: its deepest features start so many times larger. As pretrained they have a spread of 0.03 only, and
    a decoder or classifier hardly hears them beside shallower levels (0.2)."""
    standardise: bool = False
    """Classification: averaged features get mean 0 and spread 1 over the training images before anything reads them."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Classification: chance that an averaged feature is left out in a training step."""
    hidden: tuple[int, ...] = ()
    """Classification: widths of dense layers with ReLU between the averaged features and the embedding."""
    embedding: int = Field(default=128, ge=0)
    """Length of the embedding. Classification: a linear layer; 0: the classes are read off the features directly.
    Segmentation: so many principal axes of what the network sees, found when it is published; 0: none."""

    @property
    def task(self) -> Literal["segmentation", "classification"]:
        return "segmentation" if self.kind in SEGMENTATION else "classification"


class StructuresRecipe(Strict):
    """What a classification network learns to outline besides its answer, from masks in folders of these names."""

    labels: tuple[str, ...] = Field(min_length=1)
    """For example disc and cup: one channel and one folder of masks each."""
    channels: tuple[int, ...] = Field(min_length=1)
    """Of the decoder's levels, bottom first; fewer than the encoder has stop at a coarser grid."""
    seen: Literal["", "measures", "features"] = ""
    """What the classes are read off besides the averaged features: logarithms of each outline's area, height and width;
    with ``features`` also the deepest features averaged within it. No gradient flows back through the outlines."""
    measure_gain: float = Field(default=1.0, gt=0)
    """The measures are multiplied by this before they are read: averaged features outnumber them by hundreds."""
    weight: float = Field(default=1.0, gt=0)
    """Of the outlines' loss against the classes' loss of 1."""
    border_weight: float = Field(default=0.0, ge=0)
    """Extra weight of pixels near an outline."""
    ratios: tuple[Ratio, ...] = ()
    """Measures made of two structures, for the card; the classes may be read off them, too (``seen``)."""

    @property
    def places(self) -> tuple[tuple[int, int, Extent], ...]:
        """Of each ratio: which label over which, and what of them."""
        return tuple((self.labels.index(r.numerator), self.labels.index(r.denominator), r.extent) for r in self.ratios)


class DiscriminantRecipe(Strict):
    """Classification with a frozen encoder: the class head is found in closed form, in one epoch, not by steps."""

    source: str = "source"
    """Column whose values count alike within a class, and whose differences within a class are not to be learnt."""
    between: float = Field(default=1.0, ge=0)
    """Weight of the spread between a class's sources against the spread within sources."""
    ridge: float = Field(default=0.3, gt=0)
    """Added to the variance in every direction; the features' own variance is 1."""
    looks: float = Field(default=0.3, ge=0)
    """Weight of the pictures' principal axes in the embedding, beside the classes' discriminants."""
    variants: int = Field(default=0, ge=0)
    """Augmented variants of every image that are used beside itself."""


class DataRecipe(Strict):
    """Which images, and how they are split."""

    validation: float = Field(default=0.15, ge=0, lt=1)
    """Share of every stratum that is kept for validation; 0 trains on everything, for all of the epochs."""
    group_columns: tuple[str, ...] = ()
    """Columns of index.csv whose value keeps images together on one side of the split."""
    blocks: dict[str, int] = Field(default_factory=dict)
    """Folder name → n: images numbered k·n+1 … (k+1)·n are neighbouring frames and stay together."""
    alike: float = Field(default=0.0, ge=0, le=1)
    """Images whose 16 × 16 thumbnails correlate above this stay together; 0 switches it off."""
    strata: tuple[str, ...] = ()
    """Columns over which validation is spread evenly; folder and class (or: is anything there?) always are."""
    split: str = ""
    """Column of index.csv that says who trains (``training``) and who validates (``validation``); images on any other
    side are not looked at. Empty: chosen here."""
    hold_out: tuple[str, ...] = ()
    """``column=value``: kept out of training and validation altogether."""
    share: float = Field(default=1.0, gt=0, le=1)
    """Share of every stratum's training images that is learnt from: less shows what more would bring."""
    leave_out: str = ""
    """Cross-validation: every fold leaves out whole values of this column, and no class entirely."""
    unlabelled: dict[str, int] = Field(default_factory=dict)
    """Folder name → n: the folder has no masks; n of its images are used as frames with an empty answer."""
    balance: tuple[str, ...] = ()
    """Columns (``label`` is the class) whose values are drawn equally often: first one of the first column's values,
    then one of the second's among those, at last an image. Empty: every image once an epoch."""
    balance_strength: float = Field(default=1.0, ge=0, le=1)
    """Between every image alike (0) and every value alike (1): exponent of the chances."""


class AugmentRecipe(Strict):
    """Random changes to training images. A chance is 0 to 1, a range is uniform around the neutral value."""

    flip: Chance = 0.5
    """Chance of each of: mirror left-right, mirror up-down."""
    flip_vertical: Chance | None = None
    """Chance of mirror up-down, if it is another."""
    rotate_degrees: float = 0.0
    """Rotation within ± this."""
    zoom: tuple[float, float] = (1.0, 1.0)
    """Magnification from … to; above 1 crops, below 1 leaves a margin."""
    aspect: float = 0.0
    """Relative stretch of width against height, ±."""
    shift: float = 0.0
    """Shift of the centre, ± share of the side."""
    crop: bool = False
    """Where the zoom crops, the piece lies anywhere in the image, not only around its centre."""
    margin: Literal["black", "reflect"] = "black"
    """What is seen beyond the image's border."""
    brightness: float = 0.0
    """Relative change of brightness, ±."""
    contrast: float = 0.0
    """Relative change of contrast, ±."""
    saturation: float = 0.0
    """Relative change of saturation, ±."""
    hue_degrees: float = 0.0
    """Turn of the colour circle, ±."""
    tint: float = 0.0
    """Relative change of each colour channel on its own, ±."""
    gamma: float = 0.0
    """Exponent 1 ± this."""
    grey: Chance = 0.0
    """Chance of losing all colour."""
    duotone: Chance = 0.0
    """Chance of being printed in one dark ink on paper, both of random colours."""
    posterise: Chance = 0.0
    """Chance of only 8 to 32 values per channel."""
    coarse: Chance = 0.0
    """Chance of being shrunk to 0.3 to 0.9 of the size and enlarged again."""
    blur: Chance = 0.0
    """Chance of a Gaussian blur."""
    blur_sigma: tuple[float, float] = (0.5, 1.5)
    """Its standard deviation, from … to, pixels."""
    noise: Chance = 0.0
    """Chance of Gaussian noise with a standard deviation of 2 to 10 grey values."""
    jpeg: Chance = 0.0
    """Chance of JPEG compression at quality 30 to 80."""
    cutout: Chance = 0.0
    """Chance of one grey, black or white patch, which hides no part of a mask."""
    cutout_side: float = Field(default=0.2, gt=0, le=1)
    """Longest side of the patch, share of the image's."""
    mixup: float = Field(default=0.0, ge=0)
    """Classification: every image is blended with another, by a share from Beta(a, a) with this a (Zhang et al. 2018);
    0 blends nothing."""


class TrainRecipe(Strict):
    """How the weights are found."""

    epochs: int = Field(gt=0)
    batch_size: int = Field(default=8, gt=0)
    """Images per step, of all processes together."""
    small_epochs: int = Field(default=0, ge=0)
    """The first epochs run on smaller images."""
    small_size: tuple[int, int] = (192, 192)
    """Height and width in those epochs, pixels."""
    optimiser: Literal["adam", "adamw", "rmsprop", "sgd"] = "adamw"
    """``sgd`` has a Nesterov momentum of 0.9."""
    learning_rate: float = Field(default=3e-4, gt=0)
    """Of what comes after the encoder, at its peak."""
    encoder_learning_rate: float | None = None
    """Of the encoder, at its peak; as the others' if absent."""
    weight_decay: float = Field(default=0.0, ge=0)
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of all steps over which the rate grows linearly from 0."""
    floor: float = Field(default=0.01, ge=0, le=1)
    """Share of the peak rate that the cosine ends at; 1 keeps it constant."""
    average: float = Field(default=0.0, ge=0, lt=1)
    """Decay per step of the running average of weights that is validated and exported; 0 averages nothing."""
    border_weight: float = Field(default=0.0, ge=0)
    """Outlining: extra weight of pixels near an outline (Wei et al. 2020, F3Net use 5)."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Classification: share of the certainty that is spread over all classes."""
    class_weights: Literal["equal", "balanced"] = "equal"
    """Classification: ``balanced`` weighs an image by the rarity of its class."""
    watch: Literal["", "dice", "accuracy", "balanced_accuracy", "auc", "loss"] = ""
    """Validation figure that decides which epoch is the best; empty: dice or accuracy, by task."""
    patience: int = Field(default=0, ge=0)
    """Stop after so many epochs without a better one; 0 never."""
    clip: float = Field(default=0.0, ge=0)
    """Largest norm of the gradient; 0 does not clip."""
    bfloat16: bool = True
    """Automatic mixed precision."""


class CalibrationRecipe(Strict):
    """What of the card is found on validation data, or on out-of-fold answers (``--calibrate-from``)."""

    temperature: bool = True
    """Whether one is fitted."""
    threshold: Literal["half", "accuracy", "youden", "sensitivity"] = "accuracy"
    """Rule for a yes-or-no answer; ``sensitivity`` is at 95 % specificity, ``half`` is 0.5."""
    answered_accuracy: float | None = Field(default=None, gt=0, lt=1)
    """Answers are "not sure" beyond the uncertainty up to which this share is right; absent: no such limit."""
    unsure_share: float | None = Field(default=None, gt=0, lt=1)
    """Or: the most uncertain share that is left unanswered."""


class GateRecipe(Strict):
    """How pictures of another kind are told apart; their folders come with ``--kind name=DIR``."""

    own: tuple[str, ...] = Field(min_length=1)
    """Kinds that the application is for; the training images are of the first."""
    keep: float = Field(default=0.98, gt=0, le=1)
    """Least share of proper images that pass."""
    refuse: float | None = Field(default=None, gt=0, le=1)
    """Share of each foreign kind that should not; as ``keep`` if absent."""
    decay: float = Field(default=1e-2, ge=0)
    """L2 penalty on the weights of standardised features."""
    pictures: int = Field(default=200, gt=3)
    """Of each kind so many are used at most."""
    variants: int = Field(default=1, ge=0)
    """Light variations of each picture beside itself."""
    synthetic: bool = True
    """Add the kind ``other`` of drawn pages, flat colours, gradients and noise."""
