"""The training process. Nobody imports it: it is started with ``python -m resnet_desktop.trainer``."""
