"""Pictures in and out: decoding, the network's transforms, heatmap colours. The only floor that imports Pillow."""
