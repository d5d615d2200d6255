"""What a packaged program runs first."""

from resnet_desktop.__main__ import main

main()
