"""Operators by what they do with the places of a tensor."""

from __future__ import annotations

SAME = (
    *("Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh"),
    *("Gelu", "FastGelu", "QuickGelu", "Mish", "Softplus", "Softsign", "Swish", "ThresholdedRelu", "Erf", "Exp", "Log"),
    *("Abs", "Neg", "Sqrt", "Reciprocal", "Sin", "Cos", "Floor", "Ceil", "Round", "Sign", "Not"),
    *("Softmax", "LogSoftmax", "Hardmax", "BatchNormalization", "InstanceNormalization", "GroupNormalization"),
    *("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "LpNormalization", "LRN"),
    *("Identity", "Dropout", "Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"),
    *("MeanVarianceNormalization", "BiasGelu", "SkipLayerNormalization", "Trilu", "CumSum"),
    *("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", "GroupNorm"),
)
"""One number in, one number out, of the first input; though others may have a part in it, as in a normalization."""

PAIRED = (
    *("Add", "Sub", "Mul", "Div", "Pow", "Sum", "Mean", "Max", "Min", "Mod", "And", "Or"),
    *("Where", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"),
)
"""Number by number, of several tensors."""

CONVOLVED = (
    *("Conv", "FusedConv", "ConvTranspose", "ConvInteger", "QLinearConv", "MaxPool", "AveragePool", "LpPool"),
    *("QLinearAveragePool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "QLinearGlobalAveragePool"),
)
"""Windows over what lies behind the batch and the channels."""

REDUCED = tuple(
    f"Reduce{kind}" for kind in ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
)
"""Axes summed up, averaged, and so on."""

DIMENSIONS = ("Shape", "Size")
PRODUCTS = (
    "MatMul",
    "Gemm",
    "MatMulInteger",
    "FusedMatMul",
    "FusedGemm",
    "DynamicQuantizeMatMul",
    "MatMulIntegerToFloat",
)
QUANTIZED_PRODUCTS = ("QLinearMatMul", "QGemm")
"""Their second operand is the fourth input."""

VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")
