"""Teaching the last layer alone, without PyTorch. Nobody imports it: it runs as ``python -m resnet_desktop.head``."""
