"""ResNet Desktop: classify photos with a residual network, see why, and teach it your own classes."""

__version__ = "0.1.0"
