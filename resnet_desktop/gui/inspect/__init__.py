"""Looking at classified photos: the list, the photo with its evidence, the predictions."""
