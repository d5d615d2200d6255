"""How many foreign graphs are right in everything: families by exporters, operator sets and what people add to them.

    python -m tests.exporters.reach [--quick]

Each graph is written to a file, tried as the app tries what is new (in this process), read, and run. Right means: the
probabilities are those of the file as it is in ONNX Runtime, made probabilities by hand; and the gradient of the
recommended layer is that of finite differences through the app's own activations: moving the layer's activations a
little moves the score as it says. Of networks of Keras it is TensorFlow's gradient at the picture, since small steps go
over the kinks of ReLU6. The last line counts.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.exporters.case import Case
from tests.exporters.judging import judged
from tests.exporters.keras_graphs import keras_graphs
from tests.exporters.tools import versions
from tests.exporters.torch_graphs import begins, ends, families


def cases(quick: bool) -> Iterator[Case]:
    """All of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from ends()
        yield from begins()
        yield from versions()
        yield from families(quick)
        yield from keras_graphs()


FAILURES = ("wrong", "refused wrongly", "no trial")


def main() -> int:
    """Print a line for each, and how many there are of each kind; 1 if any is a failure of the app or of the trial."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="one operator set, one exporter")
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RESNET_DESKTOP_HOME"] = folder  # what trials find is kept there, not among the user's
        for case in cases(parser.parse_args().quick):
            kind, words = judged(case, Path(folder))
            counts[kind] += 1
            print(f"{kind:16} {case.name:36} {words}", flush=True)
    print(f"{sum(counts.values())} graphs:", ", ".join(f"{n} {kind}" for kind, n in counts.most_common()))
    return int(any(counts[kind] for kind in FAILURES))


if __name__ == "__main__":
    sys.exit(main())
