"""The words of Keras 1 and of add-on packages for layers and their settings, said in today's words.

Plain values; what a layer does stands in `keras_layers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CLASSES = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "AtrousConvolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconv2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "MaxPool2D": "MaxPooling2D",
    "AvgPool2D": "AveragePooling2D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "SyncBatchNormalizationV1": "BatchNormalization",
    "Swish": "Silu",
}
_MERGES = {
    "sum": "Add",
    "mul": "Multiply",
    "concat": "Concatenate",
    "ave": "Average",
    "max": "Maximum",
    "dot": "Dot",
}
_SETTINGS = {
    "nb_filter": "filters",
    "border_mode": "padding",
    "subsample": "strides",
    "dim_ordering": "data_format",
    "bias": "use_bias",
    "atrous_rate": "dilation_rate",
    "init": "kernel_initializer",
}
_FORMATS = {"th": "channels_first", "tf": "channels_last", "default": "channels_last"}


def modern(class_name: str, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a layer's class and settings in the words of Keras 2 and 3."""
    name = class_name.rpartition(">")[2]  # "Addons>InstanceNormalization"
    renamed = {_SETTINGS.get(key, key): value for key, value in config.items()}
    if "dim_ordering" in config:
        renamed["data_format"] = _FORMATS.get(str(config["dim_ordering"]), config["dim_ordering"])
        renamed["kernel_order"] = str(config["dim_ordering"])
    if "nb_row" in config:
        renamed["kernel_size"] = [config["nb_row"], config.get("nb_col", config["nb_row"])]
    if "filter_length" in config:
        renamed["kernel_size"] = [config["filter_length"]]
        renamed["strides"] = [config.get("subsample_length", 1)]
    if name == "Dense" and "output_dim" in config:
        renamed["units"] = config["output_dim"]
    if name.startswith(("Dropout", "SpatialDropout")) and "p" in config:
        renamed["rate"] = config["p"]
    if name == "Merge":
        name = _MERGES.get(str(config.get("mode")), name)
        renamed["axis"] = config.get("concat_axis", -1)
    return _CLASSES.get(name, name), renamed
