"""The library: ``import resnet_desktop as rd`` shows what is here."""
