#!/usr/bin/env bash
# Makes .venv with the pinned Python packages: setup-python.sh VENV [PYTHON].
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
python=${2:-python3}
requirements=tools/requirements

# A machine with a GPU and a torch that drives it keeps that torch and its triton.
has_gpu_torch() {
  nvidia-smi >/dev/null 2>&1 &&
    "$python" -c 'import torch, triton; assert torch.cuda.is_available()' 2>/dev/null
}

install() {
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
  echo "error: pyflex needs Python 3.10 or later, got $("$python" --version)" >&2
  exit 1
fi

echo "making $venv"
if has_gpu_torch; then
  "$python" -m venv --clear --system-site-packages "$venv"
else
  "$python" -m venv --clear "$venv"
  install -r "$requirements/torch.txt"
  install -r "$requirements/triton-oldest.txt"
fi
install -r "$requirements/dev.txt"

# So that any program of this environment imports the checkout it belongs to.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
pwd >"$site/pyflex-checkout.pth"
