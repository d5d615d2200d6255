"""The ways to make a heatmap: what each asks of a model, what it costs, and what it says in plain words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """One method.

    Attributes:
        name: for the command line and JSON.
        title: for people.
        needs_gradient: whether the model's operators must have gradient rules.
        needs_layer: whether it looks inside the network; False works with any model, as a black box.
        cost: how long it takes, in plain words.
        summary: what the map shows, in one plain sentence.
        formula: A: activations (C, h, w) of the layer; g: gradient of the score with respect to them (C, h, w).
        paper: who published it, and where.
    """

    name: str
    title: str
    needs_gradient: bool
    needs_layer: bool
    cost: str
    summary: str
    formula: str
    paper: str


_ONE_RUN = "one run of the model"
_ALL = (
    MethodInfo(
        name="gradcam",
        title="Grad-CAM",
        needs_gradient=True,
        needs_layer=True,
        cost=_ONE_RUN,
        summary="Where the features that raise this class's score were found: the usual choice for late layers.",
        formula="w_k = mean over cells of g_k; map = sum over k of w_k · A_k",
        paper="Selvaraju et al. 2017, arXiv:1610.02391",
    ),
    MethodInfo(
        name="gradcam++",
        title="Grad-CAM++",
        needs_gradient=True,
        needs_layer=True,
        cost=_ONE_RUN,
        summary="Like Grad-CAM, but designed to cover every object of the class, not only the clearest one.",
        formula="w_k = sum over cells of g² / (2 g² + (sum of A_k) · g³) · ReLU(g), for the score exp(logit); "
        "map = sum over k of w_k · A_k",
        paper="Chattopadhay et al. 2018, arXiv:1710.11063",
    ),
    MethodInfo(
        name="hirescam",
        title="HiResCAM",
        needs_gradient=True,
        needs_layer=True,
        cost=_ONE_RUN,
        summary="What each place adds to or takes from the score, without averaging over the picture.",
        formula="map = sum over k of g_k · A_k, cell by cell",
        paper="Draelos and Carin 2020, arXiv:2011.08891",
    ),
    MethodInfo(
        name="xgradcam",
        title="XGrad-CAM",
        needs_gradient=True,
        needs_layer=True,
        cost=_ONE_RUN,
        summary="Like Grad-CAM, but weights each feature by how the score reacts where the feature was seen.",
        formula="w_k = sum over cells of (A_k / sum of A_k) · g_k; map = sum over k of w_k · A_k",
        paper="Fu et al. 2020, arXiv:2008.02312",
    ),
    MethodInfo(
        name="layercam",
        title="LayerCAM",
        needs_gradient=True,
        needs_layer=True,
        cost=_ONE_RUN,
        summary="Only the evidence for the class, place by place; it works in early layers too, with fine detail.",
        formula="map = sum over k of ReLU(g_k) · A_k, cell by cell",
        paper="Jiang et al. 2021, doi 10.1109/TIP.2021.3089943",
    ),
    MethodInfo(
        name="fusion",
        title="LayerCAM of several layers",
        needs_gradient=True,
        needs_layer=True,
        cost=_ONE_RUN,
        summary="Merges the maps of this layer and finer earlier ones: the same region, with sharper edges.",
        formula="the LayerCAM of the last layer of each of the last three grid sizes up to this layer: "
        "ReLU, peak to 1, resampled to the finest grid, maximum",
        paper="after Jiang et al. 2021, doi 10.1109/TIP.2021.3089943",
    ),
    MethodInfo(
        name="smoothgradcam",
        title="Smooth Grad-CAM",
        needs_gradient=True,
        needs_layer=True,
        cost="16 runs of the model",
        summary="Grad-CAM averaged over slightly noisy copies of the photo: what remains when pixels change.",
        formula="mean over 16 copies x + n of Grad-CAM(x + n), n normal with a deviation of 0.15 · (max x − min x)",
        paper="the averaging of Smilkov et al. 2017 (SmoothGrad), arXiv:1706.03825, of Grad-CAM; "
        "Omeiza et al. 2019, arXiv:1908.01224, average inside Grad-CAM++ instead",
    ),
    MethodInfo(
        name="eigencam",
        title="EigenCAM",
        needs_gradient=False,
        needs_layer=True,
        cost=_ONE_RUN,
        summary="What stands out most to the network at this layer, whatever the class.",
        formula="map = O · v₁, with O the activations as a matrix (h · w, C) and v₁ its first right singular vector",
        paper="Muhammad and Yeasin 2020, arXiv:2008.00299",
    ),
    MethodInfo(
        name="scorecam",
        title="Score-CAM",
        needs_gradient=False,
        needs_layer=True,
        cost="one run of the model per channel of the layer: up to minutes",
        summary="Shows the network only what one feature highlights; features that raise the class most count most.",
        formula="H_k = A_k enlarged and scaled to 0–1; w = softmax over k of (score(x · H_k) − score(0)); "
        "map = sum over k of w_k · A_k",
        paper="Wang et al. 2020, arXiv:1910.01279",
    ),
    MethodInfo(
        name="occlusion",
        title="Occlusion",
        needs_gradient=False,
        needs_layer=False,
        cost="144 runs of the model: several seconds",
        summary="Covers one part of the photo after another and shows where that lowers the class most.",
        formula="map = mean, over the patches that cover a cell, of p(x) − p(x with the patch in its mean colour)",
        paper="Zeiler and Fergus 2014, arXiv:1311.2901",
    ),
)

METHODS: dict[str, MethodInfo] = {method.name: method for method in _ALL}
"""The methods by name, in the order in which they are offered."""

DEFAULT_METHOD = "gradcam"
