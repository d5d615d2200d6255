"""``python -m resnet_desktop``: the same as the command ``resnet-desktop``."""

from resnet_desktop.cli.main import main

if __name__ == "__main__":
    main()
