#!/bin/sh
# PyTorch: the first step of a plain SGD imports the compiler that is never used, sympy with it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'torch==2.13.*' numpy
cat > try.py <<'PY'
import resource
import sys
import time

began = time.process_time()
import torch

print("torch", torch.__version__)
imported = time.process_time() - began
weight = torch.nn.Parameter(torch.ones(4))


def facts():
    return len(sys.modules), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


(weight.sum() ** 2).backward()  # the first backward has costs of its own
weight.grad = None
modules, memory = facts()
loaded = {name for name in ("torch._dynamo", "sympy") if name in sys.modules}
began = time.process_time()
optimizer = torch.optim.SGD([weight], lr=0.1)
(weight.sum() ** 2).backward()
optimizer.step()
took = time.process_time() - began
now, more = facts()
after = {name for name in ("torch._dynamo", "sympy") if name in sys.modules}
print(f"import torch: {imported:.1f} s of a core, {modules} modules, {memory} MB; of the compiler: {sorted(loaded)}")
print(f"one step of SGD on four numbers: {took:.1f} s, {now - modules} more modules, {more - memory} MB more: {sorted(after)}")
raise SystemExit(0 if not loaded and after == {"torch._dynamo", "sympy"} else 1)
PY
if venv/bin/python try.py; then
    echo "As found: a process that trains without torch.compile loads the compiler all the same, at its first step."
else
    echo "CHANGED: the optimizer's first step no longer imports the compiler, or import torch does already."
    exit 1
fi
