"""Short explanations, shown where the user looks, with the papers that they rest on."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

HE_2015 = "He, Zhang, Ren, Sun 2015, Deep Residual Learning for Image Recognition, arXiv:1512.03385"
HE_2016 = "He, Zhang, Ren, Sun 2016, Identity Mappings in Deep Residual Networks, arXiv:1603.05027"
VEIT_2016 = "Veit, Wilber, Belongie 2016, Residual Networks Behave Like Ensembles, arXiv:1605.06431"
PETSIUK_2018 = "Petsiuk, Das, Saenko 2018, RISE, arXiv:1806.07421"
ADEBAYO_2018 = "Adebayo et al. 2018, Sanity Checks for Saliency Maps, arXiv:1810.03292"
SHRIKUMAR_2016 = "Shrikumar et al. 2016, Not Just a Black Box, arXiv:1605.01713"


@dataclass(frozen=True, slots=True)
class Help:
    """One explanation: a title, paragraphs of plain words, and where they come from."""

    title: str
    paragraphs: tuple[str, ...]
    sources: tuple[str, ...] = ()


def residual_learning() -> Help:
    """What a residual block is."""
    tr = QCoreApplication.translate
    return Help(
        tr("help", "Residual learning"),
        (
            tr(
                "help",
                "A residual block does not compute its output from scratch. It keeps its input, x, and its "
                "convolutions compute only a correction to it, F(x). Its output is x + F(x).",
            ),
            tr(
                "help",
                "A block with nothing to add only has to make F(x) small, which is easy to learn. That is why "
                "residual networks keep improving at depths where plain stacks of layers get worse.",
            ),
        ),
        (HE_2015,),
    )


def skip_connections() -> Help:
    """Size of F(x) and skip; identity mappings and projections."""
    tr = QCoreApplication.translate
    return Help(
        tr("help", "Skip connections and identity mappings"),
        (
            tr(
                "help",
                "The skip carries x past the convolutions. Usually it is an identity mapping: x itself, unchanged. "
                "Where the grid or the number of channels changes, a projection (a 1 × 1 convolution) makes x fit.",
            ),
            tr(
                "help",
                "The bars are Euclidean norms over all units. In trained networks F(x) is often smaller than the skip: "
                "each block corrects a little. Blocks with a projection tend to change more.",
            ),
        ),
        (HE_2015, HE_2016),
    )


def direction(*, linear: bool = False) -> Help:
    """The cosine between F(x) and the skip.

    Args:
        linear: whether blocks hand on the sum as it is, with no ReLU behind.
    """
    tr = QCoreApplication.translate
    ending = tr(
        "help",
        "A block that ends in a ReLU outputs nothing below zero. Subtracting is then the only way for the "
        "next blocks to make a unit smaller, so cosines somewhat below 0 are common.",
    )
    if linear:
        ending = tr(
            "help",
            "These blocks output the sum as it is, so units can lie on either side of zero, and adding can make one "
            "smaller as well as larger.",
        )
    return Help(
        tr("help", "Direction of F(x)"),
        (
            tr(
                "help",
                "The cosine of the angle between F(x) and the skip, each taken as one long vector. Near 1 the block "
                "strengthens its input, and near −1 it cancels it. Near 0 the two have little to do with "
                "each other: vectors of so many numbers are nearly at right angles unless something links them.",
            ),
            ending,
        ),
    )


def silenced_units() -> Help:
    """Units that are zero behind the last ReLU."""
    tr = QCoreApplication.translate
    return Help(
        tr("help", "Silent units"),
        (
            tr(
                "help",
                "The ReLU at the end of a block sets everything below zero to 0. The bars show what share of the "
                "block's units is 0 for this photo, over all channels and positions.",
            ),
            tr(
                "help",
                "Silence is not a fault. A unit that responds to few things is silent on most photos, and in late "
                "blocks most units respond to few things.",
            ),
        ),
    )


def vanishing_gradients(*, linear: bool = False) -> Help:
    """The gradient at each block, with skips and without; ``linear`` as in ``direction``."""
    tr = QCoreApplication.translate
    unchanged = tr("help", "Where the skip is an identity, the gradient through it is unchanged")
    if not linear:
        unchanged += tr("help", ", except for the ReLU after the sum")
    return Help(
        tr("help", "Vanishing gradients, and what skips do"),
        (
            tr(
                "help",
                "Training changes a layer by the gradient that reaches it. On its way back through many layers it "
                "is multiplied by each of them, and can shrink until early layers learn nothing: it vanishes.",
            ),
            tr(
                "help",
                "Through x + F(x) the gradient flows back along two paths. {unchanged}. The second line shows the same "
                "network with no gradient through the skips of later blocks: the gap between the lines is the "
                "effect of the skips.",
            ).format(unchanged=unchanged),
            tr(
                "help",
                "The weights were trained with skips, so the second line is not that of a plain network trained from "
                "the start. He et al. found that with batch normalization a plain network's gradients need not "
                "vanish, yet the network is still hard to train.",
            ),
        ),
        (HE_2016, HE_2015, VEIT_2016),
    )


def lesion_test() -> Help:
    """The prediction without a block."""
    tr = QCoreApplication.translate
    return Help(
        tr("help", "Lesion test"),
        (
            tr(
                "help",
                "One block at a time loses its F(x) and passes on only the skip. How far the probability falls shows "
                "how much this prediction relies on that block.",
            ),
            tr(
                "help",
                "A plain network such as VGG breaks when it loses a layer. A residual network usually does not, as "
                "there are many other paths through its skips. Blocks with a projection tend to matter more.",
            ),
        ),
        (VEIT_2016,),
    )


def feature_maps() -> Help:
    """The contact sheet."""
    tr = QCoreApplication.translate
    return Help(
        tr("help", "Feature maps"),
        (
            tr(
                "help",
                "Each picture is one channel of this block's output: light where it responds to something in the "
                "photo, dark where it is silent. Each has its own scale from dark to light.",
            ),
            tr(
                "help",
                "The number is the channel's contribution to the class score (the logit): its activations times the "
                "gradient, summed over all positions. Above 0 it supports the class. This is exact only as far as the "
                "rest of the network is linear.",
            ),
        ),
        (SHRIKUMAR_2016,),
    )


def removal_curves() -> Help:
    """Deletion and insertion."""
    tr = QCoreApplication.translate
    return Help(
        tr("help", "Deletion and insertion"),
        (
            tr(
                "help",
                "If the map is right, removing its hottest pixels makes the class probability fall quickly, "
                "and restoring only them makes it rise quickly. The area under the line sums this up: small is "
                "good for removal, large is good for restoration.",
            ),
            tr(
                "help",
                "What replaces the removed pixels matters, since it is itself a picture the network was not "
                "trained on. So the test runs twice, with the photo blurred and with its mean colour. The grey line is "
                "the mean of random maps, tested pixel by pixel in the same way.",
            ),
        ),
        (PETSIUK_2018,),
    )


def randomization() -> Help:
    """The cascading randomization test."""
    tr = QCoreApplication.translate
    return Help(
        tr("help", "Scrambled weights"),
        (
            tr(
                "help",
                "The weights are scrambled from the last layer down to the first, and the map is computed each time. "
                "A map of what the network has learned has to change. One that stays shows the photo, such as its "
                "edges or its middle.",
            ),
            tr(
                "help",
                "Two similarities are given: of the order of the cells (Spearman's rank correlation, −1 to 1) and of "
                "the pictures (SSIM, up to 1). For small grids a single rank correlation is often a few tenths away "
                "from 0 by chance alone. Passing is necessary, but proves nothing on its own.",
            ),
        ),
        (ADEBAYO_2018,),
    )
